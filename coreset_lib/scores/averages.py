"""Scores that average or read one recorded plane: EL2N, area under the margin, entropy."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import Option, Score
from coreset_lib.windows import Window, check_window

Float64s = NDArray[np.float64]


def windowed_mean(dynamics: TrainingDynamics, plane: str, window: Window) -> Float64s:
    """Mean of a plane over the epochs of a window.

    Returns
    -------
    float64 array, shape (samples,)

    Raises
    ------
    CoresetError
        If the window reaches past the recorded epochs or a cell was not recorded.
    """
    check_window(window, n_epochs=dynamics.n_epochs)
    mean = np.empty(dynamics.n_samples)
    for part, (block,) in dynamics.blocks((plane,), window):
        mean[part] = block.mean(axis=0, dtype=np.float64)
    if np.isnan(mean).any():
        dynamics.check_recorded(plane, window)
    return mean


def el2n_score(dynamics: TrainingDynamics, *, epochs: int) -> Float64s:
    """Mean error norm over the first ``epochs`` epochs; higher = harder.

    Returns
    -------
    float64 array, shape (samples,), in [0, sqrt(2)]

    References
    ----------
    Paul et al., Deep learning on a data diet (2021); EVA, Eq. 2-3 for the error norm.
    """
    return windowed_mean(dynamics, "error_norm", Window(1, epochs))


def area_under_margin(dynamics: TrainingDynamics, *, window: Window) -> Float64s:
    """Mean margin over the epochs of a window, as published all of them; higher = easier.

    Returns
    -------
    float64 array, shape (samples,), in [-1, 1]

    References
    ----------
    Pleiss et al., Identifying mislabeled data using the area under the margin ranking
    (2020); here on probabilities, as docs/methods.md says, not on logits.
    """
    return windowed_mean(dynamics, "margin", window)


def last_entropy(dynamics: TrainingDynamics) -> Float64s:
    """Entropy of the probabilities at the last recorded epoch, in nats; higher = harder.

    Returns
    -------
    float64 array, shape (samples,), in [0, log(classes)]
    """
    return windowed_mean(dynamics, "entropy", Window(dynamics.n_epochs, dynamics.n_epochs))


EL2N = Score(
    title="EL2N (early error)",
    summary="Mean error norm over the first epochs.",
    direction="harder",
    needs=("error_norm",),
    source="Paul et al. 2021",
    compute=el2n_score,
    options={
        "epochs": Option(
            kind="whole",
            least=1,
            most=100_000,
            default_of=lambda n_epochs: min(10, n_epochs),
            help="how many epochs from the start",
        )
    },
)
AUM = Score(
    title="AUM (area under the margin)",
    summary="Mean margin of the label over all others; low = likely mislabelled.",
    direction="easier",
    needs=("margin",),
    source="Pleiss et al. 2020",
    compute=area_under_margin,
    options={
        "window": Option(
            kind="window",
            help="window of epochs, first-last; all of them by default, as published",
            default_of=lambda n_epochs: Window(1, n_epochs),
        )
    },
)
ENTROPY = Score(
    title="Entropy",
    summary="Uncertainty of the prediction at the last epoch.",
    direction="harder",
    needs=("entropy",),
    source="EVA sec. 4.1 (baseline)",
    compute=last_entropy,
)
