"""EVA's ablations: one window instead of two, the mean error instead of its variance."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.eva import windowed_variance
from coreset_lib.scores.score import Option, Score, early_window_option, late_window_option
from coreset_lib.windows import Window, check_window, check_windows

Float64s = NDArray[np.float64]


def single_window_variance(dynamics: TrainingDynamics, *, window: Window) -> Float64s:
    """VAR-S: population variance of the error norm in one window; higher = harder.

    Returns
    -------
    float64 array, shape (samples,)

    Raises
    ------
    CoresetError
        If the window reaches past the recorded epochs or a cell was not recorded.

    References
    ----------
    EVA, Eq. 4 and sec. 4.3.
    """
    check_window(window, n_epochs=dynamics.n_epochs)
    return windowed_variance(dynamics, window)


def single_window_expectation(dynamics: TrainingDynamics, *, window: Window) -> Float64s:
    """EXP-S: mean error norm in one window; higher = harder.

    Returns
    -------
    float64 array, shape (samples,), in [0, sqrt(2)]

    Raises
    ------
    CoresetError
        If the window reaches past the recorded epochs or a cell was not recorded.

    References
    ----------
    EVA, sec. 4.3.
    """
    return windowed_mean(dynamics, "error_norm", window)


def dual_window_expectation(dynamics: TrainingDynamics, *, early: Window, late: Window) -> Float64s:
    """EXP-D: mean error norm in an early plus in a late window; higher = harder.

    Returns
    -------
    float64 array, shape (samples,), in [0, 2 sqrt(2)]

    Raises
    ------
    CoresetError
        If a window reaches past the recorded epochs, the windows overlap, or a cell was
        not recorded.

    References
    ----------
    EVA, sec. 4.3.
    """
    check_windows(early, late, n_epochs=dynamics.n_epochs)
    first, second = (windowed_mean(dynamics, "error_norm", window) for window in (early, late))
    return first + second


def _one_window() -> Option:
    """The only window of a score, at the start by default (EVA sec. 4.3)."""
    return Option(
        kind="window",
        help="window of epochs, first-last",
        default_of=lambda n_epochs: Window(1, min(10, n_epochs)),
    )


EVA_SINGLE = Score(
    title="EVA in one window (VAR-S)",
    summary="Error that fluctuates in one window: an ablation of EVA.",
    direction="harder",
    needs=("error_norm",),
    source="EVA sec. 4.3",
    compute=single_window_variance,
    options={"window": _one_window()},
)
EXPECTATION_SINGLE = Score(
    title="Mean error in one window (EXP-S)",
    summary="Error that is high in one window: an ablation of EVA.",
    direction="harder",
    needs=("error_norm",),
    source="EVA sec. 4.3",
    compute=single_window_expectation,
    options={"window": _one_window()},
)
EXPECTATION_DUAL = Score(
    title="Mean error in two windows (EXP-D)",
    summary="Error that is high early and late: an ablation of EVA.",
    direction="harder",
    needs=("error_norm",),
    source="EVA sec. 4.3",
    compute=dual_window_expectation,
    options={"early": early_window_option(), "late": late_window_option()},
)
