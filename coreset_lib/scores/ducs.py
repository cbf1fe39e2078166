"""DUCS, our reading of an abstract: fluctuating confidence together with forgetting."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import Array, TrainingDynamics
from coreset_lib.scores.forgetting import forgetting_score
from coreset_lib.scores.score import Option, Score
from coreset_lib.scores.uncertainty import window_option
from coreset_lib.scores.windows import average_over_windows, check_window_length

Float64s = NDArray[np.float64]
PLANE_OF = {"label": "label_probability", "max": "probabilities"}


def ducs_score(
    dynamics: TrainingDynamics,
    *,
    weight: float = 0.5,
    window: int = 10,
    confidence: str = "label",
    combiner: str = "weighted",
    never_learned: str = "zero",
) -> tuple[Float64s, NDArray[np.bool_] | None]:
    """Dynamic unreliability: inward uncertainty of the confidence plus backward forgetting.

    Only the abstract of the paper was at hand, so this is our reading of it.

    Parameters
    ----------
    dynamics : TrainingDynamics
    weight : float
        lambda, the share of forgetting, in [0, 1]; counts for ``weighted`` and ``min_max_sum``.
    window : int
        Epochs per sliding window of the uncertainty, at most those recorded.
    confidence : {"label", "max"}
        Whose probability: the given label's, or the largest (needs all probabilities); of
        samples with any number of labels that of the given set, or of the likeliest set.
    combiner : {"weighted", "rank_sum", "min_max_sum", "product"}
        ``weighted``: (1 - lambda) rank(U) + lambda rank(F); ``rank_sum``: rank(U) + rank(F);
        ``min_max_sum``: as weighted, of values scaled to [0, 1]; ``product``:
        rank(U) rank(F). Ranks are mean ranks scaled to [0, 1].
    never_learned : {"max", "zero", "exclude"}
        Samples never classified correctly: as in :func:`forgetting_score`. ``zero`` is the
        default here, since they were never forgotten.

    Returns
    -------
    values : float64 array, shape (samples,), in [0, 1] ([0, 2] for ``rank_sum``)
        Higher = harder.
    is_excluded : bool array, shape (samples,), or None

    Raises
    ------
    CoresetError
        If the window is longer than the run or something needed was not recorded.

    References
    ----------
    Trust the unreliability: inward backward dynamic unreliability driven coreset selection
    for medical image classification (2026), abstract.
    """
    uncertainty = _uncertainty(dynamics, PLANE_OF[confidence], window)
    forgetting, is_excluded = forgetting_score(dynamics, never_learned=never_learned)
    scaled = min_max_scaled if combiner == "min_max_sum" else mean_ranks
    inward, backward = scaled(uncertainty), scaled(forgetting)
    if combiner == "product":
        return inward * backward, is_excluded
    if combiner == "rank_sum":
        return inward + backward, is_excluded
    return (1 - weight) * inward + weight * backward, is_excluded


def mean_ranks(values: Float64s) -> Float64s:
    """Rank of each value scaled to [0, 1], ties sharing their mean rank; 1/2 if all tie."""
    if len(values) == 1:
        return np.full(1, 0.5)
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    n_below = np.cumsum(counts) - counts
    return ((n_below + (counts - 1) / 2) / (len(values) - 1))[group]


def min_max_scaled(values: Float64s) -> Float64s:
    """Values scaled to [0, 1]; all 0 where they do not differ."""
    span = values.max() - values.min()
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def _uncertainty(dynamics: TrainingDynamics, plane: str, window: int) -> Float64s:
    """Mean over sliding windows of the standard deviation of the confidence."""
    check_window_length(window, n_epochs=dynamics.n_epochs)
    blocks = _confidence_blocks(dynamics, plane)
    average = average_over_windows(
        blocks, dynamics.n_samples, length=window, combine=lambda _, std: std
    )
    if np.isnan(average).any():
        dynamics.check_recorded(plane)
    return average


def _confidence_blocks(dynamics: TrainingDynamics, plane: str) -> Iterator[tuple[slice, Array]]:
    """Yield blocks of the confidence, shape (epochs, samples)."""
    for part, (block,) in dynamics.blocks((plane,)):
        if block.ndim == 2:
            yield part, block
        elif dynamics.is_multi_label:
            yield part, np.maximum(block, 1 - block.astype(np.float64)).prod(axis=2)
        else:
            yield part, block.max(axis=2)


def _compute(dynamics: TrainingDynamics, **options: Any) -> Any:
    """Pass on the option that people call lambda, a word Python keeps for itself."""
    return ducs_score(dynamics, weight=options.pop("lambda"), **options)


DUCS = Score(
    title="DUCS (our reading of an abstract)",
    summary="Our reading of an abstract: confidence that fluctuates, joined with forgetting.",
    direction="harder",
    needs=("label_probability", "prediction"),
    source="DUCS 2026, our reading of its abstract",
    compute=_compute,
    options={
        "lambda": Option(
            kind="real",
            default=0.5,
            least=0,
            most=1,
            help="share of forgetting (weighted and min_max_sum)",
        ),
        "window": window_option(),
        "confidence": Option(
            kind="choice",
            choices=("label", "max"),
            default="label",
            help="probability of the label, or the largest (needs probabilities recorded)",
        ),
        "combiner": Option(
            kind="choice",
            choices=("weighted", "rank_sum", "min_max_sum", "product"),
            default="weighted",
            help="how uncertainty and forgetting are joined",
        ),
        "never_learned": Option(
            kind="choice",
            choices=("max", "zero", "exclude"),
            default="zero",
            help="samples never right: rank hardest, count 0, or leave out",
        ),
    },
)
