"""What the images of a set have in common, and what is left of each without it."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import Images, is_volume

LARGEST_SIDE = 32
BLOCK = 1024
MOST_SAMPLES = 5000
PRIOR_SAMPLES = 100
SEARCHED = 96
CHECKED = 150
SEARCH_POWER = 0.35
CHECK_FLOOR = 0.1
N_TURNS = 8
Pictures = NDArray[np.float32]
Vectors = NDArray[np.float32]


class CommonLook(NamedTuple):
    """Directions that a set of images varies in.

    Attributes
    ----------
    side : int
        Height and width in pixels at which images are compared.
    search : float32 array, shape (side * side, directions)
        Weighs frequent differences down by a part: robust, for finding candidates.
    check : float32 array, shape (side * side, directions)
        Weighs all differences alike, down to those as small as the noise of compression.
    """

    side: int
    search: Vectors
    check: Vectors


def common_look(images: Images) -> CommonLook:
    """Return the directions that images vary in, whichever way round they lie.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width), with colours or a depth

    Notes
    -----
    The principal components of up to 5,000 images, each also turned and mirrored, so that
    what nearly all images show (a bright middle, a dark border, two lungs) fills few of them.
    With few images the covariance leans on that of natural images, whose power falls with the
    square of the frequency.
    """
    side = min(LARGEST_SIDE, *_sides(images))
    step = math.ceil(len(images) / MOST_SAMPLES)
    n_samples, covariance = 0, np.zeros((side * side, side * side))
    for rows in blocks(len(images[::step])):
        flat = pictures(images[::step][rows], side).reshape(-1, side * side).astype(np.float64)
        flat = flat[flat.any(axis=1)]
        covariance += flat.T @ flat
        n_samples += len(flat)
    covariance = _in_all_turns(covariance, side)
    prior = PRIOR_SAMPLES * natural_covariance(side)
    power, directions = np.linalg.eigh((covariance + prior) / (n_samples + PRIOR_SAMPLES))
    power, directions = np.maximum(power[::-1], 1e-6), directions[:, ::-1]
    search = directions[:, :SEARCHED] / power[:SEARCHED] ** SEARCH_POWER
    check = directions[:, :CHECKED] / np.sqrt(power[:CHECKED] + CHECK_FLOOR)
    return CommonLook(side, search.astype(np.float32), check.astype(np.float32))


def pictures(images: Images, side: int) -> Pictures:
    """Return grey pictures of mean 0 and deviation 1, shape (samples, side, side).

    Colours and slices are averaged, larger images averaged down; what has no contrast is 0.
    """
    over = 1 if is_volume(images) else 3
    grey = images if images.ndim == 3 else images.mean(axis=over, dtype=np.float32)
    rows, columns = (area_means(length, side) for length in grey.shape[1:])
    small = rows @ grey.astype(np.float32) @ columns.T
    small -= small.mean(axis=(1, 2), keepdims=True)
    deviation = small.std(axis=(1, 2), keepdims=True)
    return np.where(deviation > 1, small / np.maximum(deviation, 1), 0).astype(np.float32)


@lru_cache(maxsize=16)
def area_means(length: int, side: int) -> Vectors:
    """Return the matrix that averages ``length`` pixels to ``side`` ones by their area."""
    edges = np.linspace(0, length, side + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(length)
    overlap = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return (np.maximum(overlap, 0) * side / length).astype(np.float32)


def turned(pictures: NDArray[Any], turn: int) -> NDArray[Any]:
    """Return pictures in one of eight positions: turned by quarters, from 4 on mirrored first."""
    mirrored = pictures[:, :, ::-1] if turn >= N_TURNS // 2 else pictures
    return np.rot90(mirrored, turn % 4, axes=(1, 2))


def unit_vectors(flat: Vectors, directions: Vectors) -> Vectors:
    """Return images in the given directions, of length 1; those without contrast stay 0."""
    vectors = flat @ directions
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, 1e-6)


def blocks(n_rows: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that cover so many rows."""
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


@lru_cache(maxsize=4)
def natural_covariance(side: int) -> NDArray[np.float64]:
    """Return the covariance of pixels whose power falls with the square of the frequency."""
    cosine, frequency = cosines(side), np.arange(side)
    squared = np.add.outer(frequency**2, frequency**2).astype(float)
    squared[0, 0] = np.inf
    power = (1 / squared).ravel()
    basis = np.kron(cosine, cosine)
    return (basis.T * (power * side**2 / power.sum())) @ basis


def cosines(side: int) -> NDArray[np.float64]:
    """Return the orthonormal cosine transform of a line of pixels, shape (waves, pixels)."""
    place, frequency = np.arange(side) + 0.5, np.arange(side)
    cosine = np.cos(np.pi * np.outer(frequency, place) / side)
    return cosine / np.linalg.norm(cosine, axis=1, keepdims=True)


def _sides(images: Images) -> Sequence[int]:
    """Return height and width."""
    return images.shape[2:] if is_volume(images) else images.shape[1:3]


def _in_all_turns(covariance: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return the covariance as it is with every image in all eight positions."""
    pixels = np.arange(side * side).reshape(1, side, side)
    total = np.zeros_like(covariance)
    for turn in range(N_TURNS):
        order = turned(pixels, turn).ravel()
        total += covariance[np.ix_(order, order)]
    return total / N_TURNS
