"""Which classes the network takes for which, over the whole training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics, not_recorded


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Samples of one class that were taken for another.

    Attributes
    ----------
    label, predicted : int
        Class of the samples, and the class they were taken for.
    samples_per_epoch : float
        How many of them, on average over the epochs.
    examples : int array
        Samples most often taken so, with ``epochs`` times each.
    epochs : int array
    """

    label: int
    predicted: int
    samples_per_epoch: float
    examples: NDArray[np.intp]
    epochs: NDArray[np.int64]


def confusion_per_epoch(dynamics: TrainingDynamics) -> NDArray[np.float64]:
    """Mean number of samples of class i (rows) taken for class j (columns) in an epoch.

    Returns
    -------
    float64 array, shape (classes, classes)
        Gaps in the record are left out. Samples with any number of labels count under the
        rarest one, and so do predicted sets.
    """
    c = dynamics.n_classes
    counts = np.zeros(c * c, dtype=np.int64)
    for part, (prediction,) in dynamics.blocks(("prediction",)):
        is_recorded = prediction != not_recorded(prediction.dtype)
        taken = np.where(is_recorded, prediction, 0)
        pairs = dynamics.labels[part] * c + dynamics.predicted_class(taken)
        counts += np.bincount(pairs[is_recorded], minlength=c * c)
    return counts.reshape(c, c) / max(dynamics.n_epochs, 1)


def most_confused_pairs(
    dynamics: TrainingDynamics, *, n_pairs: int = 6, n_examples: int = 6
) -> list[ConfusedPair]:
    """Return the most frequent confusions, worst first; ties by class number."""
    confusion = confusion_per_epoch(dynamics)
    np.fill_diagonal(confusion, 0)
    order = np.argsort(-confusion, axis=None, kind="stable")[:n_pairs]
    labels, predicted = np.unravel_index(order, confusion.shape)
    return [
        _describe(dynamics, int(a), int(b), float(confusion[a, b]), n_examples)
        for a, b in zip(labels, predicted, strict=True)
        if confusion[a, b] > 0
    ]


def samples_taken_for(
    dynamics: TrainingDynamics, label: int, predicted: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the samples of a class that were ever taken for another, most often first.

    Parameters
    ----------
    dynamics : TrainingDynamics
    label, predicted : int
        Class of the samples, and the class that they were taken for.

    Returns
    -------
    samples : int array, shape (few,)
        Ties by position.
    epochs : int64 array, shape (few,)
        In how many epochs each was.
    """
    members = np.flatnonzero(dynamics.labels == label)
    times = np.zeros(len(members), dtype=np.int64)
    for row in dynamics.epochs("prediction"):
        is_recorded = row[members] != not_recorded(row.dtype)
        taken = dynamics.predicted_class(np.where(is_recorded, row[members], 0))
        times += is_recorded & (taken == predicted)
    worst = np.argsort(-times, kind="stable")
    worst = worst[times[worst] > 0]
    return members[worst], times[worst]


def _describe(
    dynamics: TrainingDynamics, label: int, predicted: int, mean: float, n_examples: int
) -> ConfusedPair:
    """Find the samples of a class that were most often taken for another."""
    samples, epochs = samples_taken_for(dynamics, label, predicted)
    return ConfusedPair(
        label=label,
        predicted=predicted,
        samples_per_epoch=mean,
        examples=samples[:n_examples],
        epochs=epochs[:n_examples],
    )
