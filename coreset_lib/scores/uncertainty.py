"""Scores from the ups and downs of the confidence: dynamic uncertainty and DUAL."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import Option, Score
from coreset_lib.scores.windows import Combine, average_over_windows, check_window_length
from coreset_lib.windows import Window, check_window

Float64s = NDArray[np.float64]
DEFAULT_WINDOW = 10
DUAL_EPOCHS = 30


def dynamic_uncertainty(dynamics: TrainingDynamics, *, window: int) -> Float64s:
    """Mean over all sliding windows of the standard deviation of the label's probability.

    Parameters
    ----------
    dynamics : TrainingDynamics
    window : int
        Epochs per window, at most those recorded.

    Returns
    -------
    float64 array, shape (samples,), in [0, 1/2]
        Higher = harder; 0 for a sample whose confidence never moves.

    Raises
    ------
    CoresetError
        If the window is longer than the run or a cell was not recorded.

    Notes
    -----
    Population standard deviation. The paper's code divides by window - 1 and multiplies by
    ten: one factor for all samples, which changes no ranking.

    References
    ----------
    He et al., Large-scale dataset pruning with dynamic uncertainty (2024), sec. 3.
    """
    return _average(dynamics, window, dynamics.n_epochs, lambda _, std: std)


def dual_score(dynamics: TrainingDynamics, *, epochs: int, window: int) -> Float64s:
    """DUAL: uncertainty times difficulty, averaged over the windows of the first epochs.

    Parameters
    ----------
    dynamics : TrainingDynamics
    epochs : int
        How many epochs from the start are scored.
    window : int
        Epochs per window, at most ``epochs``.

    Returns
    -------
    float64 array, shape (samples,), in [0, 1/2]
        Higher = harder: mean over windows of std times (1 - mean) of the label's probability.

    Raises
    ------
    CoresetError
        If there are fewer epochs, the window is longer, or a cell was not recorded.

    Notes
    -----
    Population standard deviation, see :func:`dynamic_uncertainty`.

    References
    ----------
    Cho et al., Lightweight dataset pruning without full training via example difficulty and
    prediction uncertainty (2025), sec. 3.
    """
    check_window(Window(1, epochs), n_epochs=dynamics.n_epochs, argument="option epochs")
    return _average(dynamics, window, epochs, lambda mean, std: std * (1 - mean))


def window_option() -> Option:
    """The length of a sliding window."""
    return Option(
        kind="whole",
        least=2,
        most=100_000,
        default_of=lambda n_epochs: min(DEFAULT_WINDOW, n_epochs),
        help="epochs per sliding window",
    )


def _average(dynamics: TrainingDynamics, window: int, epochs: int, combine: Combine) -> Float64s:
    """Average over the sliding windows of the label's probability in the first epochs."""
    check_window_length(window, n_epochs=epochs)
    span = Window(1, epochs)
    blocks = ((part, block) for part, (block,) in dynamics.blocks(("label_probability",), span))
    average = average_over_windows(blocks, dynamics.n_samples, length=window, combine=combine)
    if np.isnan(average).any():
        dynamics.check_recorded("label_probability", span)
    return average


DYN_UNC = Score(
    title="Dynamic uncertainty",
    summary="Confidence in the label that keeps fluctuating during training.",
    direction="harder",
    needs=("label_probability",),
    source="He et al. 2024",
    compute=dynamic_uncertainty,
    options={"window": window_option()},
)
DUAL = Score(
    title="DUAL (uncertainty × difficulty)",
    summary="Confidence that fluctuates and is low, in the first epochs.",
    direction="harder",
    needs=("label_probability",),
    source="Cho et al. 2025",
    compute=dual_score,
    options={
        "epochs": Option(
            kind="whole",
            least=2,
            most=100_000,
            default_of=lambda n_epochs: min(DUAL_EPOCHS, n_epochs),
            help="how many epochs from the start",
        ),
        "window": window_option(),
    },
)
