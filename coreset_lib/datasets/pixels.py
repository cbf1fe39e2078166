"""An embedding that no network made: the principal components of the images themselves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

N_COMPONENTS = 50
MOST_PIXELS = 784
BLOCK = 2_000
COLOURS = 3


def pixel_components(
    images: NDArray[Any], *, has_colours: bool, n_components: int = N_COMPONENTS
) -> NDArray[np.float32]:
    """Return the strongest principal components of the pixels of every image.

    Parameters
    ----------
    images : uint8 array, shape (samples, [depth,] height, width [, 3])
    has_colours : bool
        Whether the last axis holds colours.
    n_components : int

    Returns
    -------
    float32 array, shape (samples, at most ``n_components``)
        In units of a pixel's brightness from 0 to 1; strongest first. No label had a part in it.

    Notes
    -----
    Larger images are averaged down to at most 784 numbers first. Cost: samples times 784 squared.
    """
    sides = _sides(images.shape[1:], has_colours)
    n_pixels = int(np.prod(sides))
    total, moments = np.zeros(n_pixels), np.zeros((n_pixels, n_pixels))
    for rows in _blocks(images, sides):
        total += rows.sum(axis=0)
        moments += rows.T @ rows
    mean = total / len(images)
    covariance = moments / len(images) - np.outer(mean, mean)
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, : min(n_components, n_pixels)]
    peaks = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    directions = directions * np.where(peaks < 0, -1.0, 1.0)
    parts = [(rows - mean) @ directions for rows in _blocks(images, sides)]
    return np.concatenate(parts).astype(np.float32)


def _sides(shape: tuple[int, ...], has_colours: bool) -> tuple[int, ...]:
    """Return the sides that images are averaged down to, colours last."""
    spatial, rest = (shape[:-1], shape[-1:]) if has_colours else (shape, ())
    allowed = MOST_PIXELS / (COLOURS if has_colours else 1)
    side = int(allowed ** (1 / len(spatial)) + 1e-9)
    return (*(min(length, side) for length in spatial), *rest)


def _blocks(images: NDArray[Any], sides: tuple[int, ...]) -> Any:
    """Yield images as float64 rows of pixels in [0, 1], averaged down."""
    for start in range(0, len(images), BLOCK):
        block = np.asarray(images[start : start + BLOCK], dtype=np.float32) / 255
        for axis, side in enumerate(sides, start=1):
            block = _averaged(block, axis, side)
        yield block.reshape(len(block), -1).astype(np.float64)


def _averaged(block: NDArray[np.float32], axis: int, side: int) -> NDArray[np.float32]:
    """Average neighbouring positions along an axis so that ``side`` of them are left."""
    length = block.shape[axis]
    if length == side:
        return block
    starts = np.arange(side) * length // side
    widths = np.diff(np.append(starts, length))
    shape = [1] * block.ndim
    shape[axis] = side
    return np.add.reduceat(block, starts, axis=axis) / widths.reshape(shape).astype(np.float32)
