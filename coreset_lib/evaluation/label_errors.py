"""How well scores find wrong labels, where the true ones are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.metrics import area_under_roc
from coreset_lib.scores import SCORES, compute_score


@dataclass(frozen=True, kw_only=True)
class DetectionFigures:
    """How well one ranking finds the wrong labels; shares in [0, 1].

    Attributes
    ----------
    auroc : float
        Chance that a wrong label is more suspicious than a right one; 0.5 = a coin.
    precision : float
        Share of wrong labels among the ``n_wrong`` most suspicious samples: precision, and
        recall, at the true noise rate. A coin gives ``n_wrong / n_samples``.
    n_wrong, n_samples : int
    """

    auroc: float
    precision: float
    n_wrong: int
    n_samples: int


def detection_figures(suspicion: ArrayLike, is_wrong: ArrayLike) -> DetectionFigures:
    """Judge one ranking of samples by suspicion.

    Parameters
    ----------
    suspicion : float array, shape (samples,)
        Higher = more likely mislabelled; -inf is allowed.
    is_wrong : bool array, shape (samples,)

    Returns
    -------
    DetectionFigures

    Raises
    ------
    CoresetError
        If the shapes differ, a suspicion is NaN, or all labels are right or all wrong.

    Notes
    -----
    Where samples are tied at the cut, ``precision`` is its mean over all ways to break the
    tie, so that scores with few values (forgetting counts) are not judged by sample order.
    """
    score, wrong = np.asarray(suspicion, dtype=np.float64), np.asarray(is_wrong, dtype=bool)
    n_wrong = int(wrong.sum())
    if score.shape != wrong.shape or score.ndim != 1 or np.isnan(score).any():
        raise CoresetError(
            "suspicion must be one number per sample, got an array of shape "
            f"{score.shape} for {len(wrong)} samples, perhaps with NaN. Compute it again."
        )
    if not 0 < n_wrong < len(wrong):
        raise CoresetError(
            f"wrong labels must be some but not all to be looked for, got {n_wrong} of "
            f"{len(wrong)}. Train a run with --label-noise symmetric:0.2."
        )
    return DetectionFigures(
        auroc=area_under_roc(score, wrong),
        precision=_precision_at(score, wrong, n_wrong),
        n_wrong=n_wrong,
        n_samples=len(wrong),
    )


def detect_label_errors(
    dynamics: TrainingDynamics, true_labels: NDArray[np.int64]
) -> dict[str, DetectionFigures]:
    """Judge every score that the run recorded enough for, with its default options.

    Parameters
    ----------
    dynamics : TrainingDynamics
        Its labels are the given ones.
    true_labels : int64 array, shape (samples,)

    Returns
    -------
    dict of score name to DetectionFigures
        Harder samples count as more suspicious, whatever the direction of the score. Scores
        are missing that need more than was recorded.
    """
    is_wrong = dynamics.labels != true_labels
    return {
        name: detection_figures(compute_score(dynamics, name).difficulty, is_wrong)
        for name, score in SCORES.items()
        if all(map(dynamics.has, score.needs))
    }


def _precision_at(score: NDArray[np.float64], wrong: NDArray[np.bool_], n_taken: int) -> float:
    """Expected share of wrong labels among the ``n_taken`` highest, ties broken at random."""
    cut = np.partition(score, len(score) - n_taken)[len(score) - n_taken]
    above, tied = score > cut, score == cut
    share_of_tied = (n_taken - int(above.sum())) / int(tied.sum())
    return float((wrong[above].sum() + share_of_tied * wrong[tied].sum()) / n_taken)
