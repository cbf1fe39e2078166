"""Where in a training the samples still move, and the windows that lie there: one rule for all."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores.eva import windowed_variance
from coreset_lib.windows import Window, check_windows, default_windows

Float64s = NDArray[np.float64]
STILL_MOVING = 0.3
# A window with less of the score adds next to nothing.
LITTLE = 0.05
# Of more samples a part is looked at: runs of neighbours, which lie together on the disk.
MOST_SAMPLES, LENGTH_OF_A_RUN = 20_000, 1_000


def mean_movement(dynamics: TrainingDynamics) -> Float64s:
    """How far the error of a sample moves from one epoch to the next, in the mean.

    Parameters
    ----------
    dynamics : TrainingDynamics

    Returns
    -------
    float64 array, shape (epochs,)
        Mean absolute change of ``error_norm`` since the epoch before, in [0, sqrt(2)]; 0 for
        the first epoch, and where nothing was recorded in both.

    Notes
    -----
    Of more than 20,000 samples, twenty runs of 1,000 at equal distances are looked at.
    """
    error_norm = dynamics.histories("error_norm", _some_samples(dynamics.n_samples))
    changes = np.abs(np.diff(error_norm.astype(np.float64), axis=0))
    is_there = ~np.isnan(changes)
    sums = np.where(is_there, changes, 0.0).sum(axis=1)
    return np.concatenate([[0.0], sums / np.maximum(is_there.sum(axis=1), 1)])[: dynamics.n_epochs]


def _some_samples(n_samples: int) -> NDArray[np.int64]:
    """Return all positions, or runs of them at equal distances."""
    if n_samples <= MOST_SAMPLES:
        return np.arange(n_samples)
    n_runs = MOST_SAMPLES // LENGTH_OF_A_RUN
    starts = np.linspace(0, n_samples - LENGTH_OF_A_RUN, n_runs).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(LENGTH_OF_A_RUN))


def window_shares(
    dynamics: TrainingDynamics, *, early: Window, late: Window
) -> tuple[float, float]:
    """Return the share of each window in the EVA score of all samples together.

    Returns
    -------
    tuple of float
        Early and late; they add up to 1, and are 0 where nothing moves in either.

    Raises
    ------
    CoresetError
        If the windows overlap, reach past the run, or were not recorded.
    """
    check_windows(early, late, n_epochs=dynamics.n_epochs)
    return shares_of_sums(*(windowed_variance(dynamics, window) for window in (early, late)))


def shares_of_sums(early: Float64s, late: Float64s) -> tuple[float, float]:
    """Return the shares of two parts of a score in its sum over the samples, or two zeros."""
    sums = float(early.sum()), float(late.sum())
    total = sum(sums)
    return (sums[0] / total, sums[1] / total) if total > 0 else (0.0, 0.0)


def shares_of_movement(movement: Float64s) -> Float64s:
    """Return the share of each epoch in all movement; all 0 where nothing moves.

    Parameters
    ----------
    movement : float array, shape (epochs,)
        As :func:`mean_movement` gives it.
    """
    total = movement.sum()
    return movement / total if total > 0 else movement


def moving_windows(dynamics: TrainingDynamics) -> tuple[Window, Window]:
    """Return an early and a late window that both lie where the population still moves.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With at least two epochs.

    Returns
    -------
    tuple of Window
        As :func:`suggest_windows` puts them, of the usual length.
    """
    return suggest_windows(mean_movement(dynamics))


def suggest_windows(movement: Float64s, length: int | None = None) -> tuple[Window, Window]:
    """Return two windows that see something, from the movement of the population.

    Parameters
    ----------
    movement : float array, shape (epochs,)
        As :func:`mean_movement` gives it, or any multiple of that.
    length : int, optional
        Epochs in each window, at most half of the run; by default as
        :func:`coreset_lib.windows.default_windows` has it.

    Returns
    -------
    tuple of Window
        The early one begins with the run. The late one is the last of the same length in which
        the mean movement is still 30 % of that in the early window, but no later than the middle
        of the run; if there is none, the one that follows the early window.

    Raises
    ------
    CoresetError
        If two windows of this length do not fit into the run.

    Notes
    -----
    A network that has learned its set by heart moves nothing any more: a late window there
    adds a trace to the score whatever the samples are like. This rule is the project's own.
    """
    n_epochs = len(movement)
    if length is not None and not 1 <= length <= n_epochs // 2:
        raise CoresetError(
            f"length must be from 1 to half of the {n_epochs} epochs, got {length}. "
            "Choose shorter windows."
        )
    early, late = default_windows(n_epochs, length)
    wanted = STILL_MOVING * movement[early.rows].mean()
    for first in range(late.first, early.last, -1):
        window = Window(first, first + early.n_epochs - 1)
        if movement[window.rows].mean() >= wanted > 0:
            return early, window
    return early, Window(early.last + 1, early.last + early.n_epochs)
