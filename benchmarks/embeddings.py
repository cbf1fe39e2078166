"""Which embedding finds wrong labels (early, last, pixels), and what suspicion makes of it.

One run is trained per dataset, noise and seed, and a line per embedding goes to
``results/embeddings/DATASET.csv`` as soon as it is measured; lines that are there are not
measured again, so that the benchmark can be interrupted and extended:

    python benchmarks/embeddings.py --data-root DIR --datasets breastmnist,phantom --seeds 3

``--tables`` prints the tables of docs/embeddings.md from the results.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import RESULTS
from recommended import digits_file
from score_table import markdown

from coreset_lib.configs import TrainingConfig, parse_label_noise
from coreset_lib.datasets import load_configured
from coreset_lib.evaluation.label_errors import detection_figures
from coreset_lib.features import make_map
from coreset_lib.review.evidence import directions
from coreset_lib.review.neighbours import find_neighbours, label_disagreement
from coreset_lib.review.suspicion import SuspicionQueue, queue_of_run
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.running.worker import train_run

DATASETS = ("phantom", "breastmnist", "pneumoniamnist", "braintumor", "pbc", "digits")
NOISES = tuple(
    f"{kind}:{rate}" for rate in (0.05, 0.2, 0.4) for kind in ("symmetric", "class_dependent")
)
RECIPE: dict[str, Any] = {"model": "small_cnn", "epochs": 60, "device": "cpu"}
NEIGHBOURS, ON_THE_MAP = 50, 10
TITLES = {
    "early": "The early embedding",
    "last": "The embedding of the last epoch",
    "suspicion": "Suspicion",
    "suspicion before": "Suspicion before (neighbours by pixels in place of the linear model)",
}
COLUMNS = (
    "dataset", "noise", "seed", "what", "epoch", "n_samples", "n_wrong", "auroc",
    "auroc_inside_classes", "found_in_first_100", "wrong_among_others_on_map",
    "right_among_others_on_map", "suggested_right", "precision", "sensitivity",
    "most_suspects_of_a_class",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One training."""

    dataset: str
    noise: str
    seed: int

    @property
    def config(self) -> TrainingConfig:
        """The options of its run."""
        kind, rate = parse_label_noise(self.noise)
        return TrainingConfig(
            dataset=self.dataset,
            seed=self.seed,
            label_noise=kind,
            label_noise_rate=rate,
            label_noise_seed=self.seed,
            **RECIPE,
        )


def measure(cell: Cell, root: Path | None, cache: Path) -> Iterator[dict[str, Any]]:
    """Train one run on wrong labels and judge every embedding and ranking of its samples."""
    config = cell.config
    if cell.dataset == "digits":
        config = TrainingConfig(**(config.as_dict() | {"dataset": str(digits_file(cache))}))
    elif root is not None and cell.dataset != "phantom":
        config = TrainingConfig(**(config.as_dict() | {"data_root": str(root)}))
    images = load_configured(config)
    run = Run(create_run(cache, config, images))
    train_run(run.paths, dataset=images)
    labels, true_labels = run.labels(), run.true_labels()
    is_wrong = labels != (labels if true_labels is None else true_labels)
    record = run.embedding_record()
    kinds = {f"epoch {epoch}": run.snapshot(epoch) for epoch in run.snapshots()}
    kinds |= {"early": run.features("early"), "last": run.features("surrogate")}
    kinds |= {"pixels": run.features("pixels")}
    for what, features in kinds.items():
        row = _disagreement(np.asarray(features), labels, is_wrong)
        if what == "early":
            row |= {"epoch": record["epoch"]} | _on_the_map(run.umap(), labels, is_wrong)
        if what == "last":
            make_map(run.paths, np.asarray(features), seed=cell.seed)
            row |= _on_the_map(run.umap(), labels, is_wrong)
        yield {"what": what, **row}
    queue = queue_of_run(run)
    yield {"what": "suspicion", **_queue_figures(queue, is_wrong, true_labels)}
    margin = -queue.signs["margin"]
    yield {"what": "early margin", **_figures(margin, labels, is_wrong)}
    rarer = -np.bincount(labels)[labels].astype(float)
    yield {"what": "label is of the rarer class", **_figures(rarer, labels, is_wrong)}


def _disagreement(features: np.ndarray, labels: np.ndarray, is_wrong: np.ndarray) -> dict[str, Any]:
    """Judge the share of neighbours with another label."""
    near = find_neighbours(directions(features), n_neighbours=NEIGHBOURS)
    return _figures(label_disagreement(near, labels), labels, is_wrong)


def _figures(values: np.ndarray, labels: np.ndarray, is_wrong: np.ndarray) -> dict[str, Any]:
    """Return how well values tell wrong labels, over all and in the mean of the classes."""
    row: dict[str, Any] = {"n_samples": len(labels), "n_wrong": int(is_wrong.sum())}
    if not is_wrong.any():
        return row
    inside = [
        detection_figures(values[labels == k], is_wrong[labels == k]).auroc
        for k in np.unique(labels)
        if 0 < is_wrong[labels == k].sum() < (labels == k).sum()
    ]
    first = np.argsort(-values, kind="stable")[:100]
    row["auroc"] = detection_figures(values, is_wrong).auroc
    row["auroc_inside_classes"] = float(np.mean(inside)) if inside else None
    row["found_in_first_100"] = int(is_wrong[first].sum())
    return row


def _on_the_map(
    places: np.ndarray | None, labels: np.ndarray, is_wrong: np.ndarray
) -> dict[str, Any]:
    """Return the shares of wrong and of right labels that most map neighbours contradict."""
    if places is None:
        return {}
    near = find_neighbours(np.asarray(places), n_neighbours=ON_THE_MAP)
    is_among_others = label_disagreement(near, labels) > 0.5
    row = {"right_among_others_on_map": float(is_among_others[~is_wrong].mean())}
    if is_wrong.any():
        row["wrong_among_others_on_map"] = float(is_among_others[is_wrong].mean())
    return row


def _queue_figures(
    queue: SuspicionQueue, is_wrong: np.ndarray, true_labels: np.ndarray | None
) -> dict[str, Any]:
    """Judge the queue of the review: order, flags, suggested classes."""
    row = _figures(queue.values, queue.dynamics.labels, is_wrong)
    row["most_suspects_of_a_class"] = max(
        f.n_suspects / f.n_samples for f in queue.class_suspects()
    )
    if is_wrong.any() and true_labels is not None:
        hits = (queue.is_suspect & is_wrong).sum()
        row["precision"] = float(hits / max(queue.is_suspect.sum(), 1))
        row["sensitivity"] = float(hits / is_wrong.sum())
        row["suggested_right"] = float((queue.suggested == true_labels)[is_wrong].mean())
    return row


def write_rows(path: Path, cell: Cell, rows: list[dict[str, Any]]) -> None:
    """Append the lines of a cell, all at once: a cell with lines is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in rows:
            known = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow({**vars(cell), **known})


def is_measured(path: Path, cell: Cell) -> bool:
    """Whether the lines of a cell are there."""
    if not path.exists():
        return False
    found = pd.read_csv(path, keep_default_na=False)
    same = (found["noise"] == cell.noise) & (found["seed"] == cell.seed)
    return bool(same.any())


def print_tables(folder: Path) -> None:
    """Print the tables of the docs: means over seeds of what was measured."""
    table = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))])
    keys = ["dataset", "noise"]
    noisy = table[table["n_wrong"] > 0]
    wide = noisy.pivot_table(index="what", columns=keys, values="auroc", sort=False)
    seeds = noisy.groupby(keys)["seed"].nunique()
    wide.columns = [f"{d}, {noise} ({seeds[d, noise]} seeds)" for d, noise in wide.columns]
    sys.stdout.write("### AUROC of finding the wrong labels\n\n")
    sys.stdout.write(markdown(wide.round(3)).replace("| nan", "| ") + "\n\n")
    figures = [name for name in COLUMNS if name in table and name not in (*keys, "seed", "what")]
    for what in TITLES:
        of_what = table[table["what"] == what]
        if not len(of_what):
            continue
        rows = of_what.groupby(keys, sort=False)
        means = rows[figures].mean().dropna(axis=1, how="all")
        means.index = [f"{dataset}, {noise}" for dataset, noise in means.index]
        means.insert(0, "seeds", rows.size().to_numpy())
        means.columns = [name.replace("_", " ") for name in means.columns]
        table_text = markdown(means.round(3)).replace("| nan", "| ")
        sys.stdout.write(f"### {TITLES[what]}\n\n{table_text}\n\n")


def options() -> argparse.ArgumentParser:
    """Return what can be chosen on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=RESULTS / "embeddings")
    arguments.add_argument("--data-root", type=Path, help="folder of the real datasets")
    arguments.add_argument("--datasets", default=",".join(DATASETS))
    arguments.add_argument("--noises", default=",".join(NOISES))
    arguments.add_argument("--seeds", type=int, default=3, help="how many")
    arguments.add_argument("--first-seed", type=int, default=0)
    arguments.add_argument("--tables", action="store_true", help="print tables, measure nothing")
    return arguments


def main() -> None:
    given = options().parse_args()
    if given.tables:
        print_tables(given.out)
        return
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        for dataset in given.datasets.split(","):
            for noise in given.noises.split(","):
                cell, path = Cell(dataset, noise, seed), given.out / f"{dataset}.csv"
                if is_measured(path, cell):
                    continue
                with tempfile.TemporaryDirectory() as cache:
                    rows = list(measure(cell, given.data_root, Path(cache)))
                write_rows(path, cell, rows)
                sys.stderr.write(f"{cell} done\n")


if __name__ == "__main__":
    main()
