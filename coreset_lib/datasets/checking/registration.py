"""Laying one picture over another that may be a cut-out of it, and saying how alike they are."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.checking.common_look import (
    Pictures,
    Vectors,
    blocks,
    cosines,
    unit_vectors,
)

N_COARSE, N_FINE = 4, 2
COARSE = 1.0
DETAIL = 1.5
CUT_OFF = 0.01
LEAST_FOR_DETAIL = 0.85
BANDS, WAVES_OF = (2.5, 4.5, 6.5, 9.5, 13.5), 28
NORMAL_QUARTILE = 0.6745
SMALLEST_SCALE, LARGEST_SCALE = 0.85, 1.02
LARGEST_SHIFT = 0.09
BATCH = 128
STEPS = 64
Placing = NDArray[np.float32]


class Likeness(NamedTuple):
    """How alike pairs of pictures are once one is laid over the other.

    Attributes
    ----------
    overall : float32 array, shape (pairs,)
        The correlation in the directions of a set, -1 to 1.
    detail : float32 array, shape (pairs,)
        The correlation of what changes from pixel to pixel, grain and noise included; down or
        across, whichever is less. 0 where overall likeness is below 0.85.
    rest : float32 array, shape (pairs, 4)
        What is left of one when the other is taken away, as a share of it, in four bands of
        frequency from coarse to half as fine as pixels: 0 for equals. Infinite where overall
        likeness is below 0.85.
    """

    overall: NDArray[np.float32]
    detail: NDArray[np.float32]
    rest: NDArray[np.float32]


def likeness(first: Pictures, second: Pictures, check: Vectors) -> Likeness:
    """Return how alike pairs of pictures are, as they are or one as a cut-out of the other.

    Parameters
    ----------
    first, second : float32 array, shape (pairs, side, side)
        As `coreset_lib.datasets.checking.common_look.pictures` makes them.
    check : float32 array, shape (side * side, directions)
        See `CommonLook`.

    Notes
    -----
    A cut-out keeps 85 % or more of each side. It is placed by six steps of least squares
    (inverse compositional alignment, Baker and Matthews 2004) for scale and shift along each
    axis, together with contrast, brightness and sharpness. Overall likeness tells shapes
    apart; two plain shapes of one kind may be laid over each other, but their grain differs.
    """
    n_pairs, n_bands = len(first), len(BANDS) - 1
    overall, detail = np.empty(n_pairs, np.float32), np.zeros(n_pairs, np.float32)
    found = Likeness(overall, detail, np.full((n_pairs, n_bands), np.inf, np.float32))
    for rows in blocks(len(first), BATCH):
        one, other = first[rows], second[rows]
        overall, target, source = _correlation(one, other, check), one.copy(), other.copy()
        placings = (
            (other, one),
            (one, warp(other, place_cut_out(one, other))),
            (other, warp(one, place_cut_out(other, one))),
        )
        for part, placed in placings:
            better = _correlation(part, placed, check)
            gained = better > overall
            overall[gained], target[gained] = better[gained], part[gained]
            source[gained] = placed[gained]
        found.overall[rows] = overall
        near = overall >= LEAST_FOR_DETAIL
        if near.any():
            source = _as_sharp(target[near], source[near])
            found.detail[rows][near] = _detail(target[near], source)
            found.rest[rows][near] = _rest(target[near], source)
    return found


def likeness_in_place(first: Pictures, second: Pictures, check: Vectors) -> Likeness:
    """Return how alike pairs of pictures are that lie over each other already.

    The lesser of both ways to compare them. Arguments as for `likeness`.
    """
    ways: list[Likeness] = []
    for target, other in ((first, second), (second, first)):
        source = _as_sharp(target, other)
        overall = _correlation(target, other, check)
        ways.append(Likeness(overall, _detail(target, source), _rest(target, source)))
    there, back = ways
    return Likeness(
        overall=np.minimum(there.overall, back.overall),
        detail=np.minimum(there.detail, back.detail),
        rest=np.maximum(there.rest, back.rest),
    )


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
    flat = (images.reshape(len(images), -1) for images in (target, _as_sharp(target, source)))
    one, other = (unit_vectors(each, check) for each in flat)
    return np.einsum("ij,ij->i", one, other)


def _as_sharp(target: Pictures, source: Pictures) -> Pictures:
    """Return the source with sharpness, contrast and cut-off of the target, of mean 0.

    Where the target is at its darkest or brightest, it may have been cut off: only the rest
    decides, and the source is cut off there too.
    """
    n_pixels = target.shape[1] * target.shape[2]
    goal, plain, sharp = (
        images.reshape(-1, n_pixels) for images in (target, source, _sharpness(source))
    )
    low, high = goal.min(axis=1, keepdims=True), goal.max(axis=1, keepdims=True)
    margin = CUT_OFF * (high - low)
    is_inside = ((goal > low + margin) & (goal < high - margin))[:, :, None]
    terms = np.stack([plain, sharp, np.ones_like(plain)], axis=2)
    inside = np.where(is_inside, terms, 0).transpose(0, 2, 1)
    square = inside @ terms + 0.01 * np.eye(3, dtype=np.float32)
    fitted = (terms @ np.linalg.solve(square, inside @ goal[:, :, None]))[:, :, 0]
    fitted = np.clip(fitted, low, high)
    return (fitted - fitted.mean(axis=1, keepdims=True)).reshape(target.shape)


def _detail(target: Pictures, source: Pictures) -> NDArray[np.float32]:
    """Return the correlation of fine detail, strong edges cut short, along the worse axis."""
    rest = np.eye(target.shape[1], dtype=np.float32) - _bell(target.shape[1], DETAIL)
    down = _row_correlation(_cut_short(rest @ target), _cut_short(rest @ source))
    across = _row_correlation(_cut_short(target @ rest.T), _cut_short(source @ rest.T))
    return np.minimum(down, across)


def _rest(target: Pictures, source: Pictures) -> NDArray[np.float32]:
    """Return the share of the target that the source leaves, band by band, (pairs, 4)."""
    side = target.shape[1]
    cosine = cosines(side).astype(np.float32)
    rest, whole = (
        np.square(cosine @ each @ cosine.T).reshape(len(each), -1)
        for each in (target - source, target)
    )
    bands = _bands(side)
    return np.sqrt(rest @ bands / np.maximum(whole @ bands, np.float32(1e-6)))


@lru_cache(maxsize=4)
def _bands(side: int) -> Vectors:
    """Return which waves belong to which band, shape (side * side, 4), ones and zeros.

    Bands are counted in half waves across 28 pixels.
    """
    waves = np.arange(side) * np.float32(WAVES_OF / side)
    frequency = np.hypot(waves[:, None], waves).reshape(-1, 1)
    low, high = np.array(BANDS[:-1]), np.array(BANDS[1:])
    return ((frequency >= low) & (frequency < high)).astype(np.float32)


def _row_correlation(one: Vectors, other: Vectors) -> NDArray[np.float32]:
    """Return the cosine of the angle between rows; 0 where one has no length."""
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.einsum("ij,ij->i", one, other) / np.maximum(length, np.float32(1e-6))


def _cut_short(fine: Pictures) -> Vectors:
    """Return detail as rows, each cut at 1.5 times the deviation of most of its pixels."""
    flat = fine.reshape(len(fine), -1)
    usual = np.median(np.abs(flat), axis=1, keepdims=True) / NORMAL_QUARTILE
    flat = np.clip(flat / np.maximum(usual, 0.02), -1.5, 1.5)
    return flat - flat.mean(axis=1, keepdims=True)


def _sharpness(images: Pictures) -> Pictures:
    """Return the second derivative, which tells a sharp picture from a blurred one."""
    second = _second_derivative(images.shape[1])
    return second @ images + images @ second.T


def _blurred(images: Pictures, width: float) -> Pictures:
    """Return pictures blurred by a bell of that width in pixels."""
    if not width:
        return images
    bell = _bell(images.shape[1], width)
    return bell @ images @ bell.T


@lru_cache(maxsize=4)
def _second_derivative(side: int) -> Vectors:
    """Return the matrix of second differences of a line that is mirrored at its ends."""
    step = np.eye(side, dtype=np.float32)[1:] - np.eye(side, dtype=np.float32)[:-1]
    return -1 * (step.T @ step)


@lru_cache(maxsize=4)
def _bell(side: int, width: float) -> Vectors:
    """Return the matrix that blurs a line of pixels."""
    pixel = np.arange(side)
    weights = np.exp(-0.5 * (np.subtract.outer(pixel, pixel) / width) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
