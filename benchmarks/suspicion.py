"""How well the suspicion finds wrong labels, beside everything else that could be asked.

One run is trained per dataset, noise and seed, with five folds and a co-teaching pair; all that is
kept in the folder given with ``--work``, so that the measurement can be interrupted, and the
rankings judged again without training. Larger sets are cut to 1,000 training images, drawn so
that the classes keep their shares:

    python benchmarks/suspicion.py --data-root DIR --work FOLDER --seeds 100,101,102

Lines go to ``results/suspicion/DATASET.csv``; ``--judge`` writes those of all that is kept anew,
``--tables`` prints the tables of docs/label-noise.md from them.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from label_noise import cleanlab_qualities, cleanlab_version
from measuring import RESULTS, hardware, versions
from recommended import digits_file
from suspicion_tables import print_tables

from coreset_lib.configs import TrainingConfig, parse_label_noise
from coreset_lib.datasets import load_configured, load_dataset
from coreset_lib.evaluation.label_errors import detection_figures
from coreset_lib.refinement.noise_rate import estimate_noise_rate
from coreset_lib.review.evidence import directions
from coreset_lib.review.neighbours import find_neighbours, label_disagreement
from coreset_lib.review.suspicion import (
    CLIPPED,
    SuspicionQueue,
    evidence_of_run,
    suspicion_queue,
)
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.seeds import stream
from coreset_lib.training.after.held_out import compute_held_out, spread_over_folds
from coreset_lib.training.device import resolve_device
from coreset_lib.training.running.worker import train_run
from coreset_lib.training.targets.co_teaching import co_teach
from coreset_lib.training.targets.target import ResidentDataset

DATASETS = ("breastmnist", "pneumoniamnist", "digits", "pbc", "braintumor")
KINDS = ("symmetric", "class_dependent", "look_alike")
NOISES = tuple(f"{kind}:{rate}" for rate in (0.05, 0.2, 0.4, 0.01) for kind in KINDS)
RECIPE: dict[str, Any] = {"model": "small_cnn", "epochs": 60, "device": "cpu"}
MOST_IMAGES, FOLDS, FOLD_EPOCHS, PAIR_EPOCHS = 1000, 5, 20, 30
FLAGS = "flags"


@dataclass(frozen=True)
class Cell:
    """One dataset, spoilt once."""

    dataset: str
    noise: str
    seed: int

    def config(self, file: Path) -> TrainingConfig:
        """The options of its run."""
        kind, rate = parse_label_noise(self.noise)
        return TrainingConfig(
            dataset=str(file),
            seed=self.seed,
            label_noise=kind,
            label_noise_rate=rate,
            label_noise_seed=self.seed,
            **RECIPE,
        )

    def folder(self, work: Path) -> Path:
        """Where what was trained is kept."""
        return work / f"{self.dataset}-{self.noise.replace(':', '-')}-{self.seed}"


def small_file(dataset: str, root: Path | None, work: Path) -> Path:
    """Write the training images of a dataset, at most 1,000 of them, as a file of their own."""
    file = work / f"{dataset}.npz"
    if file.exists():
        return file
    if dataset == "digits":
        return digits_file(work)
    given = load_dataset(dataset, data_root=root and str(root))
    splits = {"train": given.train, "val": given.val, "test": given.test}
    parts: dict[str, Any] = {}
    for name, split in splits.items():
        order = stream(0, "small", name).permutation(len(split.labels))[:MOST_IMAGES]
        parts[f"{name}_images"] = np.asarray(split.images)[np.sort(order)]
        parts[f"{name}_labels"] = np.asarray(split.labels)[np.sort(order), None]
    np.savez(file, **parts)
    return file


def train(cell: Cell, file: Path, work: Path) -> None:
    """Train all that the rankings of a cell need, unless it is there."""
    folder = cell.folder(work)
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    config = cell.config(file)
    images = load_configured(config)
    run = Run(create_run(folder, config, images))
    sys.modules["umap"] = None  # type: ignore[assignment]  # no map is looked at here
    train_run(run.paths, dataset=images)
    compute_held_out(run, folds=FOLDS, epochs=FOLD_EPOCHS, device="cpu")
    rate = min(estimate_noise_rate(run.dynamics()).rate, 0.49)
    pair = co_teach(
        ResidentDataset.place(images, resolve_device("cpu")),
        replace(config, epochs=PAIR_EPOCHS),
        noise_rate=rate,
    )
    np.savez(run.paths.root / "pair.npz", loss=pair.loss, is_noisy=pair.is_noisy)
    (folder / "complete").touch()


def kept_run(cell: Cell, work: Path) -> Run:
    """Return the run of a cell."""
    (manifest,) = cell.folder(work).glob("runs/*/manifest.json")
    from coreset_lib.runs.paths import RunPaths

    return Run(RunPaths(manifest.parent))


def out_of_fold(features: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Return logistic regression's probabilities, each from the other four fifths."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold_of = spread_over_folds(labels, FOLDS, seed=seed)
    found = np.zeros((len(labels), labels.max() + 1))
    for fold in range(FOLDS):
        is_out = fold_of == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(features[~is_out], labels[~is_out])
        classes = model[-1].classes_
        found[np.ix_(is_out, classes)] = model.predict_proba(features[is_out])
    return found


def rankings(run: Run, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Yield name, suspicion and flags (where it flags) of every ranking but our own."""
    labels = run.labels()
    kinds = ("early", "surrogate", "pixels", "held_out")
    for kind in kinds:
        near = find_neighbours(directions(run.features(kind)), n_neighbours=50)
        yield f"neighbours, {kind}", label_disagreement(near, labels), None
    networks = run.held_out_probabilities()
    assert networks is not None
    pixels = out_of_fold(run.features("pixels"), labels, seed)
    for name, p in (("network", networks), ("logistic", pixels)):
        p = np.maximum(p.astype(float), 1e-9)
        p /= p.sum(axis=1, keepdims=True)
        yield f"out of fold, {name}", 1 - p[np.arange(len(labels)), labels], None
        if cleanlab_version():
            from cleanlab.filter import find_label_issues

            flags = find_label_issues(labels, p, n_jobs=1)
            quality = cleanlab_qualities(labels, p)["normalized_margin"]
            yield f"cleanlab, {name}", -quality, flags
    pair = np.load(run.paths.root / "pair.npz")
    yield "co-teaching", pair["loss"], pair["is_noisy"]
    yield "label is of the rarer class", -np.bincount(labels)[labels].astype(float), None


def own_queues(run: Run) -> Iterator[tuple[str, SuspicionQueue]]:
    """Yield the queue of the review without and with the networks of the folds."""
    dynamics = run.dynamics()
    evidence = evidence_of_run(run, dynamics)
    yield "suspicion, held out", suspicion_queue(dynamics, **evidence)
    evidence["held_out"] = None
    yield "suspicion", suspicion_queue(dynamics, **evidence)


def judge(cell: Cell, work: Path) -> Iterator[dict[str, Any]]:
    """Judge every ranking of a cell."""
    run = kept_run(cell, work)
    labels, true = run.labels(), run.true_labels()
    assert true is not None
    is_wrong = labels != true
    others = list(rankings(run, cell.seed))
    for name, queue in own_queues(run):
        row = figures(queue.values, queue.is_suspect, labels, is_wrong)
        row |= calibration(queue, is_wrong)
        row["suggested_right"] = float((queue.suggested == true)[is_wrong].mean())
        row["sensitivity_at_cleanlab"] = sensitivity_beside(queue, is_wrong, others)
        yield {"ranking": name, **row}
        if name == "suspicion":
            margin = -queue.signs["margin"]
            yield {"ranking": "early margin", **figures(margin, None, labels, is_wrong)}
    for name, values, flags in others:
        yield {"ranking": name, **figures(values, flags, labels, is_wrong)}


def figures(
    values: np.ndarray, flags: np.ndarray | None, labels: np.ndarray, is_wrong: np.ndarray
) -> dict[str, Any]:
    """Return how well values and flags find the wrong labels."""
    row: dict[str, Any] = {"n_samples": len(labels), "n_wrong": int(is_wrong.sum())}
    row["auroc"] = detection_figures(values, is_wrong).auroc
    inside = [
        (k, detection_figures(values[labels == k], is_wrong[labels == k]).auroc)
        for k in np.unique(labels)
        if 0 < is_wrong[labels == k].sum() < (labels == k).sum()
    ]
    row["auroc_by_class"] = " ".join(f"{k}:{auroc:.3f}" for k, auroc in inside)
    row["auroc_inside_classes"] = float(np.mean([auroc for _, auroc in inside]))
    first = np.argsort(-values, kind="stable")[:100]
    row["found_in_first_100"] = int(is_wrong[first].sum())
    if flags is not None:
        hits = int((flags & is_wrong).sum())
        row |= {"flagged": int(flags.sum()), "sensitivity": hits / int(is_wrong.sum())}
        row["precision"] = hits / int(flags.sum()) if flags.any() else None
    return row


def sensitivity_beside(
    queue: SuspicionQueue,
    is_wrong: np.ndarray,
    others: list[tuple[str, np.ndarray, np.ndarray | None]],
) -> float | None:
    """Return how many of the wrong labels the queue gives at the precision of cleanlab's flags.

    A share: of the longest beginning of the queue that is as precise as what cleanlab flags by the
    networks of the folds; None without cleanlab.
    """
    flags = {name: flags for name, _, flags in others}.get("cleanlab, network")
    if flags is None or not flags.any():
        return None
    hits = np.cumsum(is_wrong[queue.order])
    is_as_precise = hits / np.arange(1, len(hits) + 1) >= is_wrong[flags].mean()
    return float(hits[is_as_precise].max() / is_wrong.sum()) if is_as_precise.any() else 0.0


def fit_chances(cells: list[Cell], work: Path) -> tuple[float, float]:
    """Return slope and offset of the chance that a label is wrong, every training alike.

    By maximum likelihood of is_wrong ~ slope * log(value / (1 - value)) + offset.
    """
    from sklearn.linear_model import LogisticRegression

    odds, wrong, weights = [], [], []
    for cell in cells:
        run = kept_run(cell, work)
        queue, is_wrong = dict(own_queues(run))["suspicion"], run.labels() != run.true_labels()
        inside = np.clip(queue.values, CLIPPED, 1 - CLIPPED)
        odds.append(np.log(inside / (1 - inside)))
        wrong.append(is_wrong)
        weights.append(np.full(len(is_wrong), MOST_IMAGES / len(is_wrong)))
    model = LogisticRegression(C=1e6)
    model.fit(np.concatenate(odds)[:, None], np.concatenate(wrong), np.concatenate(weights))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def calibration(queue: SuspicionQueue, is_wrong: np.ndarray) -> dict[str, Any]:
    """Return how many wrong labels were expected, and found, among the first of the queue."""
    row: dict[str, Any] = {}
    for n in (10, 100, 300):
        first = queue.order[:n]
        row[f"expected_{n}"] = queue.expected_wrong(first)
        row[f"found_{n}"] = int(is_wrong[first].sum())
    row["expected_all"] = queue.expected_wrong(queue.order)
    return row


COLUMNS = (
    "dataset", "noise", "seed", "ranking", "n_samples", "n_wrong", "auroc", "auroc_inside_classes",
    "auroc_by_class", "found_in_first_100", "flagged", "precision", "sensitivity",
    "suggested_right", "sensitivity_at_cleanlab", "expected_10", "found_10", "expected_100",
    "found_100", "expected_300", "found_300", "expected_all",
)  # fmt: skip


def kept_cells(cells: list[Cell], work: Path) -> list[Cell]:
    """Return the cells that are complete."""
    return [cell for cell in cells if (cell.folder(work) / "complete").exists()]


def write(path: Path, work: Path, cells: list[Cell]) -> None:
    """Write the lines of all cells of a dataset that are complete, anew."""
    lines = [vars(cell) | row for cell in kept_cells(cells, work) for row in judge(cell, work)]
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(lines).reindex(columns=list(COLUMNS))
        table.to_csv(path, index=False, float_format="%.4f")
        about = {"recipe": RECIPE, "cleanlab": cleanlab_version()}
        text = pd.Series({**hardware(), **versions(), **about}).to_json(indent=2)
        (path.parent / "measured_with.json").write_text(f"{text}\n")


def options() -> argparse.ArgumentParser:
    """Return what can be chosen on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=RESULTS / "suspicion")
    arguments.add_argument("--data-root", type=Path, help="folder of the real datasets")
    arguments.add_argument("--work", type=Path, help="where finished runs are kept")
    arguments.add_argument("--datasets", default=",".join(DATASETS))
    arguments.add_argument("--noises", default=",".join(NOISES))
    arguments.add_argument("--seeds", default="100,101,102")
    arguments.add_argument("--judge", action="store_true", help="judge what is kept, train nothing")
    arguments.add_argument("--fit", action="store_true", help="fit chances to what is kept")
    arguments.add_argument("--tables", action="store_true", help="print tables, measure nothing")
    return arguments


def main() -> None:
    given = options().parse_args()
    if given.tables:
        print_tables(given.out)
        return
    import torch

    torch.set_num_threads(1)
    given.work.mkdir(parents=True, exist_ok=True)
    datasets, noises = given.datasets.split(","), given.noises.split(",")
    seeds = [int(seed) for seed in given.seeds.split(",")]
    cells = [Cell(d, noise, seed) for seed in seeds for d in datasets for noise in noises]
    if given.fit:
        slope, offset = fit_chances(kept_cells(cells, given.work), given.work)
        sys.stdout.write(f"slope {slope:.3f}, offset {offset:.3f}\n")
        return
    for cell in () if given.judge else cells:
        train(cell, small_file(cell.dataset, given.data_root, given.work), given.work)
        sys.stderr.write(f"{cell} done\n")
    for dataset in datasets:
        mine = [cell for cell in cells if cell.dataset == dataset]
        write(given.out / f"{dataset}.csv", given.work, mine)


if __name__ == "__main__":
    main()
