"""How much the whole population moves in each epoch: what a window of epochs can see at all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.windows import Window

LEAST_LATE = 0.1

Float64s = NDArray[np.float64]


def population_movement(dynamics: TrainingDynamics) -> Float64s:
    """Share of each epoch in all movement of the error norm, summed over samples.

    Movement is the squared difference from the epoch before; cells that were not recorded
    count as not moved.

    Parameters
    ----------
    dynamics : TrainingDynamics

    Returns
    -------
    float64 array, shape (epochs,)
        Sums to 1, or all 0 where nothing moves. The first epoch has none before it: 0.

    Notes
    -----
    The variance inside a window is large only where the error moves inside it, so a window
    over epochs of small shares adds little to EVA (Eq. 4-6), whatever its length.
    """
    moved = np.zeros(dynamics.n_epochs)
    before: NDArray[Any] | None = None
    for epoch, row in enumerate(dynamics.epochs("error_norm")):
        if before is not None:
            step = row.astype(np.float64) - before
            moved[epoch] = np.nansum(step * step)
        before = row
    total = moved.sum()
    return moved / total if total > 0 else moved


def suggest_windows(movement: Float64s, length: int) -> tuple[Window, Window]:
    """Two windows that see something: where most moves early, and the last that still counts.

    Parameters
    ----------
    movement : float array, shape (epochs,)
        As :func:`population_movement` gives it.
    length : int
        Epochs in each window; at most half of the run.

    Returns
    -------
    early, late : Window
        Early: the window in the first half of the run in which most moves. Late: the last one
        behind it that sees at least a tenth of what the early one sees; where none does, the
        one that sees most.

    Raises
    ------
    CoresetError
        If two windows of this length do not fit into the run.
    """
    n_epochs = len(movement)
    if not 1 <= length <= n_epochs // 2:
        raise CoresetError(
            f"length must be from 1 to half of the {n_epochs} epochs, got {length}. "
            "Choose shorter windows."
        )
    seen = np.convolve(movement, np.ones(length), mode="valid")
    last_start = max(n_epochs // 2 - length, 0)
    early = int(np.argmax(seen[: last_start + 1]))
    behind = seen[early + length :]
    enough = np.flatnonzero(behind >= LEAST_LATE * seen[early])
    late = early + length + int(enough[-1] if len(enough) else np.argmax(behind))
    return Window(early + 1, early + length), Window(late + 1, late + length)
