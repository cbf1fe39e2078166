"""EVA: variance of the error norm in an early plus a late window of epochs."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import Option, Score, early_window_option, late_window_option
from coreset_lib.windows import Window, check_varying, check_windows

Float64s = NDArray[np.float64]


def windowed_variance(dynamics: TrainingDynamics, window: Window) -> Float64s:
    """Population variance of ``error_norm`` over the epochs of a window.

    Parameters
    ----------
    dynamics : TrainingDynamics
    window : Window
        Epochs 1-based inclusive, within the recorded ones.

    Returns
    -------
    float64 array, shape (samples,)
        Higher = harder; 0 for a sample whose error never moves.

    Raises
    ------
    CoresetError
        If the window has a single epoch, or a cell of it was not recorded.

    References
    ----------
    EVA, Eq. 4 and 5.
    """
    check_varying(window)
    variance = np.empty(dynamics.n_samples)
    for part, (error_norm,) in dynamics.blocks(("error_norm",), window):
        variance[part] = np.var(error_norm.astype(np.float64), axis=0)
    if np.isnan(variance).any():
        dynamics.check_recorded("error_norm", window)
    return variance


def dual_window_variance(
    dynamics: TrainingDynamics, *, early: Window, late: Window, aggregation: str = "sum"
) -> Float64s:
    """EVA score: variance of the error norm in an early plus in a late window.

    Parameters
    ----------
    dynamics : TrainingDynamics
    early, late : Window
        Disjoint windows of recorded epochs, ``early`` before ``late``.
    aggregation : {"sum", "l1"}
        ``sum`` adds the variances (the paper); ``l1`` divides each window's variances
        by their sum over samples first and averages the two (the authors' released code).

    Returns
    -------
    float64 array, shape (samples,)
        Higher = harder. 0 for a sample whose error never moves.

    Raises
    ------
    CoresetError
        If a window has a single epoch or reaches past the recorded ones, the windows
        overlap, or a cell was not recorded.

    References
    ----------
    EVA, Eq. 4-6.
    """
    check_windows(early, late, n_epochs=dynamics.n_epochs)
    check_varying(early, argument="early window")
    check_varying(late, argument="late window")
    variances = [windowed_variance(dynamics, window) for window in (early, late)]
    if aggregation == "l1":
        variances = [_share_of_total(variance) / 2 for variance in variances]
    return variances[0] + variances[1]


def _share_of_total(variance: Float64s) -> Float64s:
    """Divide by the sum over samples; a window in which nothing moves stays 0."""
    total = variance.sum()
    return variance / total if total > 0 else variance


EVA = Score(
    title="EVA (evolution-aware variance)",
    summary="Error that still fluctuates, early and late in training.",
    direction="harder",
    needs=("error_norm",),
    source="EVA, Eq. 4-6",
    compute=dual_window_variance,
    options={
        "early": early_window_option(),
        "late": late_window_option(),
        "aggregation": Option(
            kind="choice",
            choices=("sum", "l1"),
            default="sum",
            help="sum of the variances (paper) or of their shares (authors' released code)",
        ),
    },
)
