"""The outcome of a comparison in plain words and as a table of its trainings."""

from typing import Any

import pandas as pd

from coreset_lib.evaluation.plan import FULL_SET, EvaluationPlan
from coreset_lib.evaluation.results import FIGURES, EvaluationPaths, read_cells, summary_table


def cell_table(paths: EvaluationPaths, plan: EvaluationPlan) -> pd.DataFrame:
    """Return one row per finished training: strategy, rate, seed, figures on val and test."""
    rows: list[dict[str, Any]] = []
    for cell, result in read_cells(paths, plan).items():
        row: dict[str, Any] = {
            "strategy": cell.arm,
            "variant": cell.variant,
            "rate": cell.rate,
            "seed": cell.seed,
            "n_samples": result["n_samples"],
            "steps": result["steps"],
        }
        for split in ("val", "test"):
            row |= {f"{split}_{figure}": result[split][figure] for figure in FIGURES}
            recalls = enumerate(result[split]["recall"])
            row |= {f"{split}_recall_{klass}": value for klass, value in recalls}
        row["val_best_accuracy"] = result["val"]["best_accuracy"]
        rows.append(row)
    return pd.DataFrame(rows)


def verdict_lines(paths: EvaluationPaths, plan: EvaluationPlan) -> list[str]:
    """Return one sentence per strategy and rate, for people."""
    table = summary_table(plan, read_cells(paths, plan))
    return [verdict_in_words(row) for row in table.to_dict("records")]


def verdict_in_words(row: dict[Any, Any]) -> str:
    """Say in one line how a strategy did at one rate."""
    what = (
        row["strategy"] if row["strategy"] == FULL_SET else f"{row['strategy']} {row['rate']:.3g}"
    )
    line = f"{what}: {100 * row['mean']:.1f} %"
    if row["seeds"] > 1:
        line += f" ± {100 * row['standard_deviation']:.1f}"
    verdict = row.get("verdict")
    if not isinstance(verdict, str):
        return line
    line += f"; {verdict}"
    if row["seeds"] > 1 and row["low"] != row["low"]:
        line += (
            f" to compare with {row['reference']} ({100 * row['difference']:+.1f} points with each "
            "of them: their spread is not known)"
        )
    elif row["seeds"] > 1:
        line += (
            f" than {row['reference']}"
            if verdict in ("better", "worse")
            else f" to {row['reference']}"
        )
        line += (
            f" ({100 * row['difference']:+.1f} points, 95 % interval "
            f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f})"
        )
    seeds_to_tell = row.get("seeds_to_tell")
    if seeds_to_tell is not None and seeds_to_tell == seeds_to_tell:
        line += f"; about {int(seeds_to_tell)} seeds would tell"
    return line
