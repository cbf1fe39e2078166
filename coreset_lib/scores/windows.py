"""Mean and standard deviation in every sliding window of epochs, exact and block by block."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import Array
from coreset_lib.errors import CoresetError

Float64s = NDArray[np.float64]
Blocks = Iterable[tuple[slice, Array]]
Combine = Callable[[Float64s, Float64s], Float64s]


def sliding_moments(values: Array, length: int) -> Iterator[tuple[Float64s, Float64s]]:
    """Mean and population standard deviation of all windows of ``length`` epochs.

    Parameters
    ----------
    values : float array, shape (epochs, samples)
    length : int
        Epochs per window, from 1 to the number of epochs.

    Yields
    ------
    mean, std : float64 arrays, shape (windows, samples)
        For up to ``length`` consecutive windows at a time, from the first to the last.

    Notes
    -----
    A window that slides over ``length`` epochs always holds exactly one of the anchor epochs
    ``length``, ``2 length``, ... Values are centred on the anchor and summed outwards from it,
    so each window costs a few additions however long it is, and nothing is ever subtracted
    from a running sum: a constant window gives exactly 0, and the relative error of a
    variance stays near ``length`` times the rounding of float64.
    """
    for anchor in range(length - 1, len(values), length):
        near = values[anchor - length + 1 : anchor + length]
        centred = np.subtract(near, values[anchor], dtype=np.float64)
        mean = _window_sums(centred, length)
        mean /= length
        np.multiply(centred, centred, out=centred)
        variance = _window_sums(centred, length)
        variance /= length
        variance -= mean * mean
        np.maximum(variance, 0, out=variance)
        mean += values[anchor]
        yield mean, np.sqrt(variance, out=variance)


def average_over_windows(
    blocks: Blocks, n_samples: int, *, length: int, combine: Combine
) -> Float64s:
    """Mean over all sliding windows of what ``combine(mean, std)`` makes of each.

    Parameters
    ----------
    blocks : iterable of (slice of samples, array of shape (epochs, samples of the slice))
    n_samples : int
    length : int
        Epochs per window.
    combine : callable
        Takes and returns float64 arrays of shape (windows, samples).

    Returns
    -------
    float64 array, shape (samples,)
        NaN where a cell is NaN.
    """
    average = np.empty(n_samples)
    for part, values in blocks:
        total = np.zeros(values.shape[1])
        for mean, std in sliding_moments(values, length):
            total += combine(mean, std).sum(axis=0)
        average[part] = total / (len(values) - length + 1)
    return average


def check_window_length(length: int, *, n_epochs: int, least: int = 2) -> None:
    """Raise CoresetError unless ``n_epochs`` epochs hold a sliding window of ``length``."""
    if n_epochs < least:
        raise CoresetError(
            f"sliding windows need at least {least} epochs, got {n_epochs}. Use more epochs."
        )
    if length > n_epochs:
        raise CoresetError(
            f"option window must be at most the {n_epochs} epochs that are scored, got {length}. "
            "Choose a shorter window."
        )


def _window_sums(centred: Float64s, length: int) -> Float64s:
    """Sum every window of ``length`` rows; all windows share row ``length - 1``."""
    sums = centred[:length].copy()
    for row in range(length - 2, -1, -1):
        sums[row] += sums[row + 1]
    n_after = len(centred) - length
    after = np.zeros(centred.shape[1])
    for row in range(n_after):
        after += centred[length + row]
        sums[row + 1] += after
    return sums[: n_after + 1]
