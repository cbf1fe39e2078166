"""The quick check of the dashboard beside real retraining: how alike they rank coresets.

    python benchmarks/probe_quality.py --cache CACHE

Every coreset that ``recommended.py`` trained a network on is chosen again and judged by the
linear probe, on validation; the Spearman correlation with the test accuracy of the trained
networks is taken over all cells of a dataset, and inside each rate, where the size of the coreset
no longer helps. Needs the runs that ``recommended.py`` left in the cache.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from measuring import parser, publish
from recommended import CANDIDATES, CHOOSE, CONFIRM, RESULTS, load, rows_of, surrogate_run
from scipy.stats import spearmanr

from coreset_lib.evaluation.probe import LinearProbe
from coreset_lib.runs.store import Run

LEAST_CELLS = 4


def main() -> None:
    made = parser("Compare the quick check with real retraining")
    made.add_argument("--data-root", type=Path)
    made.add_argument("--cache", type=Path, required=True)
    made.add_argument("--cells", type=Path, default=RESULTS, help="what recommended.py wrote")
    arguments = made.parse_args()
    results = {}
    for name in (*CHOOSE, *CONFIRM):
        if rows := rows_of(arguments.cells / f"{name}.csv"):
            run = surrogate_run(arguments.cache, *load(name, arguments.data_root, arguments.cache))
            results[name] = agreement(judged(run, rows))
    publish("probe_quality", {"datasets": results}, folder=arguments.out)


def judged(run: Run, rows: list[dict[str, str]]) -> dict[float, list[tuple[float, float]]]:
    """Return per rate (probe, test) accuracies, one pair for each candidate: means over seeds."""
    validation, embedding = run.validation(), run.features("surrogate")
    assert validation is not None
    assert embedding is not None
    n_classes = len(run.manifest.dataset.class_names)
    probe = LinearProbe.prepare(embedding, run.labels(), *validation, n_classes)
    cells: dict[tuple[float, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        rate, candidate = float(row["rate"]), row["candidate"]
        indices = CANDIDATES[candidate](run, rate, int(row["seed"]))
        pair = (probe.judge(indices).accuracy, float(row["test_accuracy"]))
        cells[rate, candidate].append(pair)
    found: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for (rate, _), pairs in sorted(cells.items()):
        quick, real = np.mean(pairs, axis=0)
        found[rate].append((float(quick), float(real)))
    return found


def agreement(pairs: dict[float, list[tuple[float, float]]]) -> dict[str, Any]:
    """Return the rank correlation over all cells and inside each rate."""
    everything = [pair for found in pairs.values() for pair in found]
    return {
        "cells": len(everything),
        "spearman": _spearman(everything),
        "spearman_inside_rates": {
            f"{rate:g}": {"candidates": len(found), "spearman": _spearman(found)}
            for rate, found in pairs.items()
            if len(found) >= LEAST_CELLS
        },
    }


def _spearman(pairs: list[tuple[float, float]]) -> float:
    """Rank correlation of the two columns."""
    quick, real = np.array(pairs).T
    return float(spearmanr(quick, real).statistic)


if __name__ == "__main__":
    main()
