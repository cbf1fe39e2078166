"""TDDS: how unsteadily the whole distribution of probabilities moves from epoch to epoch."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import Array, TrainingDynamics
from coreset_lib.scores.score import Option, Score
from coreset_lib.scores.windows import check_window_length, sliding_moments

Float64s = NDArray[np.float64]
# The smallest positive float16: what a recorded probability of 0 is taken for in a logarithm.
SMALLEST_PROBABILITY = 2.0**-24
CHUNK_CELLS = 200_000


def tdds_score(dynamics: TrainingDynamics, *, window: int, decay: float) -> Float64s:
    """Temporal dual-depth score: spread of the epoch-to-epoch change, averaged over windows.

    D_t = sum over classes of |p_{t+1} (log p_{t+1} - log p_t)|; a window of J epochs holds
    J - 1 of these and scores the L2 norm of D - mean D; an exponential average runs over the
    sliding windows, m <- decay * score + (1 - decay) * m from 0, so that late windows count most.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With the plane ``probabilities``.
    window : int
        J, epochs per window, at least 3 and at most those recorded.
    decay : float
        Weight of the newest window, in (0, 1].

    Returns
    -------
    float64 array, shape (samples,)
        Higher = harder; 0 for a sample whose probabilities never move.

    Raises
    ------
    CoresetError
        If all probabilities were not recorded, or the window is longer than the run.

    Notes
    -----
    Inside a logarithm, probabilities below 2**-24 (the smallest positive float16, the type
    they are recorded in) count as 2**-24. The authors' code adds 1e-8 to each instead. Of
    samples with any number of labels the sum runs over every label and its absence.

    References
    ----------
    Zhang et al., Spanning training progress: temporal dual-depth scoring for enhanced dataset
    pruning (2024); conventions of window and average as in the authors' code.
    """
    check_window_length(window, n_epochs=dynamics.n_epochs, least=3)
    score = np.empty(dynamics.n_samples)
    for part, (block,) in dynamics.blocks(("probabilities",)):
        score[part] = _score_block(block, window, decay, both=dynamics.is_multi_label)
    if np.isnan(score).any():
        dynamics.check_recorded("probabilities")
    return score


def _score_block(block: Array, window: int, decay: float, *, both: bool) -> Float64s:
    """Score the samples of a block, shape (epochs, samples, classes or labels)."""
    scores: list[Float64s] = []
    width = max(CHUNK_CELLS // block.shape[2], 1)
    for start in range(0, block.shape[1], width):
        part = block[:, start : start + width]
        if both:
            part = np.concatenate([part, 1 - part], axis=2)
        changes = _epoch_changes(part)
        scores.append(_exponential_average(changes, window - 1, decay))
    return np.concatenate(scores)


def _epoch_changes(block: Array) -> Float64s:
    """D_t of every step between epochs, shape (epochs - 1, samples)."""
    changes = np.empty((len(block) - 1, block.shape[1]))
    log_before = _safe_log(block[0].astype(np.float64))
    for epoch in range(1, len(block)):
        p = block[epoch].astype(np.float64)
        log_p = _safe_log(p)
        p *= np.abs(np.subtract(log_p, log_before, out=log_before), out=log_before)
        changes[epoch - 1] = np.einsum("sc->s", p)
        log_before = log_p
    return changes


def _exponential_average(changes: Float64s, length: int, decay: float) -> Float64s:
    """Exponential average over the sliding windows of ``length`` changes."""
    average = np.zeros(changes.shape[1])
    for _, std in sliding_moments(changes, length):
        for spread in std:
            average += decay * (spread * np.sqrt(length) - average)
    return average


def _safe_log(p: Float64s) -> Float64s:
    """Logarithm of probabilities, those that were recorded as 0 raised first."""
    return np.log(np.maximum(p, SMALLEST_PROBABILITY))


TDDS = Score(
    title="TDDS (temporal dual-depth)",
    summary="Probabilities that change unsteadily from epoch to epoch, late epochs most.",
    direction="harder",
    needs=("probabilities",),
    source="Zhang et al. 2024",
    compute=tdds_score,
    options={
        "window": Option(
            kind="whole",
            least=3,
            most=100_000,
            default_of=lambda n_epochs: min(10, n_epochs),
            help="epochs per sliding window (J)",
        ),
        "decay": Option(
            kind="real",
            default=0.9,
            least=0.001,
            most=1,
            help="weight of the newest window in the exponential average",
        ),
    },
)
