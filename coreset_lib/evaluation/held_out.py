"""Validation and test samples for a run that was recorded with training samples alone."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.datasets.preparing.splitting import SHARES, join_groups, split_groups
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.runs.records import DatasetRecord

Rows = NDArray[np.intp]


def hold_out(dataset: LabeledImages) -> tuple[LabeledImages, Rows | None]:
    """Return a dataset with every split, those that are empty taken from train.

    A tenth for validation, a fifth for testing: class by class, patient by patient where these
    are known, always the same ones.

    Returns
    -------
    LabeledImages
    int array or None
        Samples of the given training split that are still trained on; None for all.
    """
    empty = [part for part in ("val", "test") if not len(getattr(dataset, part))]
    if not empty:
        return dataset, None
    shares = {"train": 1 - sum(SHARES[part] for part in empty)}
    shares |= {part: SHARES[part] for part in empty}
    train = dataset.train
    groups = join_groups(train.patient_ids or [""] * len(train))
    parts = split_groups(train.labels, groups, shares)
    rows = {part: np.flatnonzero(parts == part) for part in shares}
    taken = {part: _rows_of(train, rows[part]) for part in shares}
    return replace(dataset, **taken), rows["train"]


def held_out_note(record: DatasetRecord) -> str:
    """Say what a comparison on a dataset holds out; empty if nothing."""
    titles = {"val": (record.n_val, "a tenth for validation"), "test": (record.n_test, "a fifth")}
    taken = [words for n_samples, words in titles.values() if not n_samples]
    if not taken:
        return ""
    words = " and ".join(taken).replace("a fifth", "a fifth for testing")
    return (
        f"This run keeps too few splits: of its training samples {words} was held out, and "
        "coresets were chosen among the rest. The scores come from a network that had seen them."
    )


def of_samples(dynamics: TrainingDynamics, rows: Rows) -> TrainingDynamics:
    """Return the dynamics of some samples, copied."""
    n_epochs = dynamics.n_epochs
    hot = dynamics.multi_hot
    return replace(
        dynamics,
        planes={name: plane[:n_epochs][:, rows] for name, plane in dynamics.planes.items()},
        labels=dynamics.labels[rows],
        extras={name: values[rows] for name, values in dynamics.extras.items()},
        multi_hot=None if hot is None else hot[rows],
    )


def _rows_of(split: Split, rows: Rows) -> Split:
    """Return some samples of a split."""
    numbers: list[int] = rows.tolist()
    return Split(
        images=np.asarray(split.images[rows]),
        labels=split.labels[rows],
        sample_ids=[split.sample_ids[row] for row in numbers],
        sources=[split.sources[row] for row in numbers],
        patient_ids=[split.patient_ids[row] for row in numbers] if split.patient_ids else (),
        multi_hot=None if split.multi_hot is None else split.multi_hot[rows],
    )
