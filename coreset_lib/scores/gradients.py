"""Variance of gradients: of the last layer as recorded in training, of pixels as kept later."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.score import Option, Score
from coreset_lib.windows import Window, check_window

Float64s = NDArray[np.float64]
WINDOW = 5


def gradient_variance(dynamics: TrainingDynamics, *, epoch: int | str = "last") -> Float64s:
    """VOG of the last layer: fluctuation of the gradient over five epochs; higher = harder.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With the plane ``vog``.
    epoch : int, "last" or "mean"
        Last epoch of the window, from 5; ``mean`` averages over all windows.

    Returns
    -------
    float64 array, shape (samples,)
        Mean over the weights of the label's row of the standard deviation over the window.

    Raises
    ------
    CoresetError
        If the run has fewer than 5 epochs, or the window is not complete.

    References
    ----------
    Khanal et al., Active label refinement for robust training of imbalanced medical image
    classification tasks (2024), variance of gradients.
    """
    n_epochs = dynamics.n_epochs
    if n_epochs < WINDOW:
        raise CoresetError(
            f"score vog needs at least {WINDOW} recorded epochs, got {n_epochs}. Train for longer."
        )
    if epoch == "mean":
        return windowed_mean(dynamics, "vog", Window(WINDOW, n_epochs))
    last = n_epochs if epoch == "last" else int(epoch)
    window = Window(last, last)
    check_window(window, n_epochs=n_epochs, argument="option epoch")
    return windowed_mean(dynamics, "vog", window)


VOG = Score(
    title="VOG (variance of gradients, last layer)",
    summary="Gradients that fluctuate from epoch to epoch; recorded with --record-vog.",
    direction="harder",
    needs=("vog",),
    source="Khanal et al. 2024",
    compute=gradient_variance,
    options={
        "epoch": Option(
            kind="whole",
            words=("last", "mean"),
            default="last",
            least=WINDOW,
            most=100_000,
            help="last epoch of the 5-epoch window, or the mean over all windows",
        )
    },
)


def pixel_gradient_variance(dynamics: TrainingDynamics) -> Float64s:
    """VOG of the pixels: fluctuation of the saliency map over checkpoints; higher = harder.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With the extra ``vog_pixel``.

    Returns
    -------
    float64 array, shape (samples,)
        See :func:`coreset_lib.training.after.pixel_vog.compute_pixel_vog`.

    References
    ----------
    Agarwal, D'souza and Hooker, Estimating example difficulty using variance of gradients
    (CVPR 2022).
    """
    return np.array(dynamics.extras["vog_pixel"], dtype=np.float64)


VOG_PIXEL = Score(
    title="VOG (variance of gradients, pixels)",
    summary="Saliency maps that fluctuate over checkpoints, within class; made by the command vog.",
    direction="harder",
    needs=("vog_pixel",),
    source="Agarwal et al. 2022",
    compute=pixel_gradient_variance,
)
