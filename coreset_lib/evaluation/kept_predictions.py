"""What every target network said of val and test, kept so that no later question trains again.

Beside the finished cells: ``predictions/<cell>.npy``, float16, shape (val + test samples, classes
or labels), validation first; and once ``truth_val.npy`` and ``truth_test.npy``, labels or
multi-hot. Comparisons from before have none of these.
"""

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array
from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.evaluation.verdicts.contributions import THRESHOLD, Predictions

PARTS = ("val", "test")
Probabilities = NDArray[np.floating[Any]]


class KeepsPredictions(Protocol):
    """Where predictions and truth of a plan lie: of a comparison, or of a refinement."""

    def predictions(self, cell: Any, /) -> Path:
        """What the network of a cell said of val and test."""
        ...

    def truth(self, part: str, /) -> Path:
        """Labels of val or test."""
        ...


def keep_truth(paths: KeepsPredictions, dataset: LabeledImages) -> None:
    """Write the labels that predictions are judged by, unless they are there."""
    for part in PARTS:
        if not paths.truth(part).exists():
            write_array(paths.truth(part), _truth(getattr(dataset, part)))


def keep_predictions(
    paths: KeepsPredictions, cell: Any, val: Probabilities, test: Probabilities, *, is_multi: bool
) -> str:
    """Write what a cell's network predicts, whole or not at all; return its SHA-256.

    Parameters
    ----------
    paths : KeepsPredictions
    cell : Cell or RoundCell
    val, test : float arrays, shape (samples, classes or labels)
        Probabilities at the final epoch.
    is_multi : bool
        Whether samples carry any number of labels.
    """
    path = paths.predictions(cell)
    path.parent.mkdir(exist_ok=True)
    kept = np.concatenate([compact(part, is_multi=is_multi) for part in (val, test)])
    write_array(path, kept)
    return hashlib.sha256(kept.tobytes()).hexdigest()


def read_predictions(paths: KeepsPredictions, cell: Any, part: str = "test") -> Predictions | None:
    """Return what a cell's network said of a split; None where that was not kept whole.

    Parameters
    ----------
    paths : KeepsPredictions
    cell : Cell or RoundCell
    part : {"val", "test"}
    """
    try:
        truths = {name: np.load(paths.truth(name), allow_pickle=False) for name in PARTS}
        kept = np.load(paths.predictions(cell), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    n_val, n_all = len(truths["val"]), sum(map(len, truths.values()))
    if kept.ndim != 2 or len(kept) != n_all:
        return None
    rows = kept[:n_val] if part == "val" else kept[n_val:]
    return Predictions.read(rows.astype(np.float32), truths[part])


def compact(probabilities: Probabilities, *, is_multi: bool = False) -> NDArray[np.float16]:
    """Return probabilities as float16 that predict the same class, or the same labels.

    Parameters
    ----------
    probabilities : float array, shape (samples, classes or labels)
    is_multi : bool
        Whether each label counts for itself, above a half.

    Notes
    -----
    Rounding makes ties; who won before is lifted by a last place where it would lose one.
    """
    small = probabilities.astype(np.float16)
    above = np.nextafter(small, np.float16(2))
    if is_multi:
        is_lost = (probabilities > THRESHOLD) & ~(small > THRESHOLD)
        return np.where(is_lost, above, small)
    rows, winners = np.arange(len(small)), probabilities.argmax(axis=1)
    lost = rows[small.argmax(axis=1) != winners]
    small[lost, winners[lost]] = above[lost, winners[lost]]
    return small


def _truth(split: Split) -> NDArray[Any]:
    """Return the labels of a split, or what it carries."""
    return split.labels if split.multi_hot is None else split.multi_hot
