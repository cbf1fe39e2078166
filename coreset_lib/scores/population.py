"""What a population of samples looks like, and where one sample stands in it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics, not_recorded
from coreset_lib.scores.score import ScoreValues

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Above this many samples quantiles are read from a histogram of so many bins.
MOST_EXACT = 200_000
BINS = 8192


def epoch_quantiles(
    dynamics: TrainingDynamics, plane: str, *, first: int = 0
) -> NDArray[np.float64]:
    """Quantiles of a plane over all samples, epoch by epoch.

    Parameters
    ----------
    dynamics : TrainingDynamics
    plane : str
    first : int
        First row (0-based) to compute; a growing run needs only its new ones.

    Returns
    -------
    float64 array, shape (epochs from ``first``, 5)
        5, 25, 50, 75 and 95 %; gaps are left out, NaN where an epoch has no value.

    Notes
    -----
    Exact up to 200,000 samples; above, to 1/8192 of the span of the epoch's values, in a third
    of the time.
    """
    quantiles = np.full((max(dynamics.n_epochs - first, 0), len(QUANTILES)), np.nan)
    for number, row in enumerate(dynamics.epochs(plane, first=first)):
        values = row[~np.isnan(row)]
        if len(values):
            quantiles[number] = _quantiles(values)
    return quantiles


def _quantiles(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the quantiles of one epoch's values, read from a histogram where they are many."""
    low, high = float(values.min()), float(values.max())
    if len(values) <= MOST_EXACT or low == high:
        return np.quantile(values, QUANTILES)
    bins = ((values - low) * (BINS / (high - low))).astype(np.int64)
    counts = np.bincount(bins, minlength=BINS)
    reached = np.searchsorted(np.cumsum(counts), np.array(QUANTILES) * len(values))
    return np.minimum(low + (reached + 0.5) * ((high - low) / BINS), high)


@dataclass(frozen=True, kw_only=True)
class SampleHistory:
    """How one sample was learned; epochs are rows from 0.

    Attributes
    ----------
    error_norm : float array, shape (epochs,)
    prediction : int64 array, shape (epochs,)
        -1 where not recorded.
    is_correct : bool array, shape (epochs,)
    n_forgotten : int
        Times right in one epoch and wrong in the next.
    first_correct : int or None
        First epoch (1-based) with the right class.
    mean_margin : float
    """

    error_norm: NDArray[np.float32]
    prediction: NDArray[np.int64]
    is_correct: NDArray[np.bool_]
    n_forgotten: int
    first_correct: int | None
    mean_margin: float


def sample_history(dynamics: TrainingDynamics, index: int) -> SampleHistory:
    """Return the recorded history of one training sample."""
    recorded = dynamics.histories("prediction", [index])[:, 0]
    prediction = recorded.astype(np.int64)
    prediction[recorded == not_recorded(recorded.dtype)] = -1
    is_correct = prediction == dynamics.targets[index]
    right = np.flatnonzero(is_correct)
    return SampleHistory(
        error_norm=dynamics.histories("error_norm", [index])[:, 0],
        prediction=prediction,
        is_correct=is_correct,
        n_forgotten=int(np.count_nonzero(is_correct[:-1] & ~is_correct[1:])),
        first_correct=int(right[0]) + 1 if len(right) else None,
        mean_margin=float(np.nanmean(dynamics.histories("margin", [index]), dtype=np.float64)),
    )


def share_easier(score: ScoreValues, index: int) -> float:
    """Share of the other samples that are strictly easier than this one, in [0, 1]."""
    difficulty = score.difficulty
    others = len(difficulty) - 1
    return float((difficulty < difficulty[index]).sum() / others) if others else 0.0
