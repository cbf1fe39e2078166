"""How well each score finds wrong labels, beside cleanlab on the same predictions.

The phantom is looked at with its own wrong labels and with injected ones on top, other datasets
with injected ones. A run is trained per dataset, noise and seed; finished ones are kept in the
folder given with ``--work``, so that the measurement can be interrupted:

    python benchmarks/label_noise.py --data-root DIR --work FOLDER

``--tables`` prints the tables of docs/label-noise.md from the results file.
"""

import argparse
import importlib.metadata
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import parser, publish
from score_table import markdown

from coreset_lib.configs import TrainingConfig, parse_label_noise
from coreset_lib.datasets import load_configured
from coreset_lib.evaluation.label_errors import detect_label_errors, detection_figures
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.after.pixel_vog import compute_pixel_vog
from coreset_lib.training.running.worker import train_run

INJECTED = ("symmetric:0.2", "symmetric:0.4", "class_dependent:0.2", "class_dependent:0.4")
REAL = ("pneumoniamnist", "breastmnist")
CLEANLAB_METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
CONSTANT = "class alone"
RECIPE = {"model": "small_cnn", "epochs": 30, "batch_size": 64, "device": "cpu"}


def cells(with_real: bool, n_seeds: int) -> list[tuple[str, str, int]]:
    """Return dataset, noise and seed of every run."""
    settings = [("phantom", noise) for noise in ("none", *INJECTED)]
    if with_real:
        settings += [(dataset, noise) for dataset in REAL for noise in INJECTED]
    return [(dataset, noise, seed) for seed in range(n_seeds) for dataset, noise in settings]


def measure(dataset: str, noise: str, seed: int, root: Path | None, cache: Path) -> dict[str, Any]:
    """Train one run on wrong labels and judge every ranking of its samples."""
    kind, rate = parse_label_noise(noise)
    config = TrainingConfig(
        dataset=dataset,
        data_root=None if root is None else str(root),
        seed=seed,
        record_vog=True,
        keep_checkpoints=5,
        label_noise=kind,
        label_noise_rate=rate,
        label_noise_seed=seed,
        **RECIPE,
    )
    images = load_configured(config)
    run = Run(create_run(cache, config, images))
    sys.modules["umap"] = None  # type: ignore[assignment]  # no map is looked at here
    train_run(run.paths, dataset=images)
    compute_pixel_vog(run)
    true_labels = run.true_labels()
    assert true_labels is not None
    dynamics = run.dynamics()
    is_wrong = dynamics.labels != true_labels
    found = {name: asdict(f) for name, f in detect_label_errors(dynamics, true_labels).items()}
    found["suspicion"] = asdict(detection_figures(queue_of_run(run).values, is_wrong))
    probabilities = dynamics.plane("probabilities")
    stages = {
        "last epoch": np.asarray(probabilities[-1], dtype=np.float64),
        "all epochs": np.mean(probabilities, axis=0, dtype=np.float64),
        "first 10 epochs": np.mean(probabilities[:10], axis=0, dtype=np.float64),
    }
    issues = {}
    for stage, p in stages.items() if cleanlab_version() else ():
        p = p / p.sum(axis=1, keepdims=True)
        found |= {
            f"cleanlab {method}, {stage}": asdict(detection_figures(-quality, is_wrong))
            for method, quality in cleanlab_qualities(dynamics.labels, p).items()
        }
        issues[f"cleanlab find_label_issues, {stage}"] = issue_figures(dynamics.labels, p, is_wrong)
    return {"found": found, "issues": issues, "val_accuracy": run.metrics()[-1]["val_accuracy"]}


def cleanlab_version() -> str | None:
    """Return the version of cleanlab; None where the extra ``bench`` is not installed."""
    try:
        return importlib.metadata.version("cleanlab")
    except importlib.metadata.PackageNotFoundError:
        return None


def cleanlab_qualities(labels: np.ndarray, p: np.ndarray) -> dict[str, np.ndarray]:
    """Return cleanlab's label quality, low = suspicious, by each of its methods."""
    from cleanlab.rank import get_label_quality_scores

    return {m: get_label_quality_scores(labels, p, method=m) for m in CLEANLAB_METHODS}


def issue_figures(labels: np.ndarray, p: np.ndarray, is_wrong: np.ndarray) -> dict[str, float]:
    """Judge the set of samples that cleanlab calls mislabelled."""
    from cleanlab.filter import find_label_issues

    flagged = find_label_issues(labels, p, n_jobs=1)
    hits = int((flagged & is_wrong).sum())
    return {
        "share_flagged": float(flagged.mean()),
        "share_wrong": float(is_wrong.mean()),
        "precision": hits / max(int(flagged.sum()), 1),
        "recall": hits / int(is_wrong.sum()),
    }


def summarise(measured: dict[tuple[str, str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and deviation over seeds per dataset, noise and ranking."""
    rows = []
    for dataset, noise in dict.fromkeys((dataset, noise) for dataset, noise, _ in measured):
        runs = [r for (d, n, _), r in measured.items() if (d, n) == (dataset, noise)]
        for name in runs[0]["found"]:
            figures = [run["found"][name] for run in runs]
            row = {"dataset": dataset, "noise": noise, "ranking": name, "seeds": len(runs)}
            row["share_wrong"] = figures[0]["n_wrong"] / figures[0]["n_samples"]
            for key in ("auroc", "precision"):
                values = [f[key] for f in figures]
                row[key] = float(np.mean(values))
                row[f"{key}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
            rows.append(row)
    return rows


def constant_rule(dataset: str, noise: str, seed: int, root: Path | None) -> dict[str, Any]:
    """Judge what any ranking must beat: the class alone, by size, the better way round."""
    kind, rate = parse_label_noise(noise)
    config = TrainingConfig(
        dataset=dataset,
        data_root=None if root is None else str(root),
        label_noise=kind,
        label_noise_rate=rate,
        label_noise_seed=seed,
        **RECIPE,
    )
    images = load_configured(config)
    labels = np.asarray(images.train.labels)
    is_wrong = np.asarray(images.truth["is_mislabelled"])
    sizes = np.bincount(labels)[labels].astype(np.float64)
    ways = [detection_figures(sign * sizes, is_wrong) for sign in (-1, 1)]
    return {"found": {CONSTANT: asdict(max(ways, key=lambda found: found.auroc))}}


def issue_rows(measured: dict[tuple[str, str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the means over seeds of what cleanlab flagged."""
    rows = []
    for dataset, noise in dict.fromkeys((dataset, noise) for dataset, noise, _ in measured):
        runs = [r for (d, n, _), r in measured.items() if (d, n) == (dataset, noise)]
        for name in runs[0]["issues"]:
            keys = runs[0]["issues"][name]
            means = {k: float(np.mean([run["issues"][name][k] for run in runs])) for k in keys}
            rows.append({"dataset": dataset, "noise": noise, "ranking": name, **means})
    return rows


def print_tables(path: Path) -> None:
    """Print one Markdown table per dataset from the results file."""
    record = json.loads(path.read_text())
    table = pd.DataFrame(record["rankings"])
    for key, title in (("auroc", "AUROC"), ("precision", "Precision at the true rate, %")):
        for dataset, rows in table.groupby("dataset", sort=False):
            scale = 1 if key == "auroc" else 100
            digits = 3 if key == "auroc" else 0
            wide = rows.pivot(index="ranking", columns="noise", values=key) * scale
            order = [n for n in ("none", *INJECTED) if n in wide]
            best = wide[order].mean(axis=1).sort_values(ascending=False).index
            sys.stdout.write(f"### {title}, {dataset}\n\n")
            sys.stdout.write(markdown(wide.loc[best, order].round(digits)) + "\n\n")
    issues = pd.DataFrame(record["issues"]).set_index(["dataset", "noise", "ranking"])
    sys.stdout.write(f"### What cleanlab flags, %\n\n{(100 * issues).round(0).to_string()}\n")


def options() -> argparse.ArgumentParser:
    """Return what can be chosen on the command line."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--data-root", type=Path, help="folder of the real datasets")
    arguments.add_argument("--work", type=Path, help="where finished runs are kept")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--constant", action="store_true", help="the constant rule alone")
    arguments.add_argument("--tables", action="store_true", help="print tables, measure nothing")
    return arguments


def main() -> None:
    given = options().parse_args()
    if given.tables:
        print_tables(given.out / "label_noise.json")
        return
    if given.constant:
        all_cells = cells(given.data_root is not None, given.seeds)
        judged = {cell: constant_rule(*cell, given.data_root) for cell in all_cells}
        publish("label_noise_constant", {"rankings": summarise(judged)}, folder=given.out)
        return
    work = given.work or Path(tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    measured: dict[tuple[str, str, int], dict[str, Any]] = {}
    for cell in cells(given.data_root is not None, given.seeds):
        file = work / f"{'-'.join(map(str, cell)).replace(':', '-')}.json"
        if not file.exists():
            with tempfile.TemporaryDirectory() as cache:
                result = measure(*cell, given.data_root, Path(cache))
            file.write_text(json.dumps(result))
            sys.stderr.write(f"{cell} done\n")
        measured[cell] = json.loads(file.read_text())
    results = {
        "recipe": RECIPE,
        "cleanlab": cleanlab_version(),
        "rankings": summarise(measured),
        "issues": issue_rows(measured),
    }
    publish("label_noise", results, folder=given.out)


if __name__ == "__main__":
    main()
