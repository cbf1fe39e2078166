"""Laying one picture over another that may be a cut-out of it, and saying how alike they are."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, laplace

from coreset_lib.datasets.checking.common_look import Pictures, Vectors, blocks, unit_vectors

N_COARSE, N_FINE = 4, 2
COARSE = 1.0
SMALLEST_SCALE, LARGEST_SCALE = 0.85, 1.02
LARGEST_SHIFT = 0.09
BATCH = 128
STEPS = 64
Placing = NDArray[np.float32]


def likeness(first: Pictures, second: Pictures, check: Vectors) -> NDArray[np.float32]:
    """Return how alike pairs of pictures are once one is laid over the other.

    Parameters
    ----------
    first, second : float32 array, shape (pairs, side, side)
        As `coreset_lib.datasets.checking.common_look.pictures` makes them.
    check : float32 array, shape (side * side, directions)
        See `CommonLook`.

    Returns
    -------
    float32 array, shape (pairs,)
        The correlation in the given directions, -1 to 1, the largest of three: as they are,
        the first as a cut-out of the second, and the other way round.

    Notes
    -----
    A cut-out keeps 85 % or more of each side. It is placed by six steps of least squares
    (inverse compositional alignment, Baker and Matthews 2004) for scale and shift along each
    axis, together with contrast, brightness and sharpness.
    """
    found = np.empty(len(first), np.float32)
    for rows in blocks(len(first), BATCH):
        one, other = first[rows], second[rows]
        best = _correlation(one, other, check)
        for part, whole in ((one, other), (other, one)):
            placed = warp(whole, place_cut_out(part, whole))
            best = np.maximum(best, _correlation(part, placed, check))
        found[rows] = best
    return found


def place_cut_out(part: Pictures, whole: Pictures) -> Placing:
    """Return where pictures lie in others that they may be cut out of.

    Parameters
    ----------
    part, whole : float32 array, shape (pairs, side, side)

    Returns
    -------
    float32 array, shape (pairs, 4)
        Scale and shift in pixels along the first axis, then along the second.
    """
    side = part.shape[1]
    placing = np.tile(np.array([1, 0, 1, 0], np.float32), (len(part), 1))
    low = np.array([SMALLEST_SCALE, -LARGEST_SHIFT * side] * 2, np.float32)
    high = np.array([LARGEST_SCALE, LARGEST_SHIFT * side] * 2, np.float32)
    for blur, n_steps in ((COARSE, N_COARSE), (0.0, N_FINE)):
        target, source = (_blurred(images, blur) for images in (part, whole))
        solve = _solver(target)
        for _ in range(n_steps):
            rest = (warp(source, placing) - target).reshape(len(part), -1, 1)
            step = (solve @ rest)[:, :4, 0]
            scale = 1 + np.clip(step[:, ::2], -0.1, 0.1)
            placing[:, 1::2] -= placing[:, ::2] * np.clip(step[:, 1::2], -1, 1) / scale
            placing[:, ::2] /= scale
            placing = np.clip(placing, low, high)
    return placing


def warp(images: Pictures, placing: Placing) -> Pictures:
    """Return the part of each picture that a placing names, at full size (Catmull-Rom)."""
    side = images.shape[1]
    rows = resampling(placing[:, 0], placing[:, 1], side)
    columns = resampling(placing[:, 2], placing[:, 3], side)
    return rows @ images @ columns.transpose(0, 2, 1)


def resampling(scale: Placing, shift: Placing, side: int) -> Pictures:
    """Return matrices that take a part of a line of pixels to full length, (pairs, side, side).

    Parameters
    ----------
    scale, shift : float32 array, shape (pairs,)
        Length of the part, 1 for all; and by how many pixels its middle lies from theirs.
    side : int
    """
    centre, pixel = (side - 1) / 2, np.arange(side, dtype=np.float32)
    place = (pixel - centre) * scale[:, None] + np.float32(centre) + shift[:, None]
    steps = np.rint(np.clip(place, 0, side - 1) * STEPS).astype(np.intp)
    return _weights(side)[steps]


@lru_cache(maxsize=4)
def _weights(side: int) -> Vectors:
    """Return what each pixel weighs at each place, shape (steps, side): cubic, Catmull-Rom."""
    place = np.arange((side - 1) * STEPS + 1) / STEPS
    distance = np.abs(place[:, None] - np.arange(side))
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _solver(target: Pictures) -> Pictures:
    """Return the matrices that turn what is left of a picture into a step of its placing."""
    side = target.shape[1]
    place = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
    down, right = np.gradient(target, axis=(1, 2))
    terms = [down * place[:, None], down, right * place, right]
    terms += [target, np.ones_like(target), _sharpness(target)]
    columns = np.stack(terms, axis=1).reshape(len(target), len(terms), -1)
    square = columns @ columns.transpose(0, 2, 1)
    diagonal = np.arange(len(terms))
    square[:, diagonal, diagonal] = square[:, diagonal, diagonal] * 1.001 + 0.01
    return np.linalg.inv(square) @ columns


def _correlation(target: Pictures, source: Pictures, check: Vectors) -> NDArray[np.float32]:
    """Return the correlation in the given directions, the source made as sharp as the target."""
    flat = (images.reshape(len(images), -1) for images in (target, source, _sharpness(source)))
    target_flat, source_flat, sharp = (each - each.mean(axis=1, keepdims=True) for each in flat)
    both = np.stack([source_flat, sharp], axis=2)
    square = both.transpose(0, 2, 1) @ both + 0.01 * np.eye(2, dtype=np.float32)
    weights = np.linalg.solve(square, both.transpose(0, 2, 1) @ target_flat[:, :, None])
    fitted = (both @ weights)[:, :, 0]
    one, other = (unit_vectors(each, check) for each in (target_flat, fitted))
    return np.einsum("ij,ij->i", one, other)


def _sharpness(images: Pictures) -> Pictures:
    """Return the second derivative, which tells a sharp picture from a blurred one."""
    return laplace(images, axes=(1, 2))


def _blurred(images: Pictures, width: float) -> Pictures:
    """Return pictures blurred by a bell of that width in pixels."""
    return gaussian_filter(images, width, axes=(1, 2)) if width else images
