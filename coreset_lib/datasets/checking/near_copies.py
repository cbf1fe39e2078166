"""Images that are nearly the same: compressed again, rescaled, brightened, or neighbours."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import Images, is_volume

THUMB = 8
ALIKE = 0.995
NEAR = 0.98
# The distance of two vectors of length 1 that correlate so, and the rounding of float32.
REACH = math.sqrt(2 * (1 - ALIKE)) + 1e-4
BLOCK = 1024
MOST_PAIRS = 200_000
Vectors = NDArray[np.float32]


class NearPairs(NamedTuple):
    """Pairs of rows, first < second, and whether the search had to end early."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    is_complete: bool


def find_near_copies(images: Images) -> NearPairs:
    """Return pairs of images that show the same picture.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
        Or volumes, (samples, depth, height, width).

    Returns
    -------
    NearPairs
        Rows of ``images``, exact copies included. Images of one grey value match nothing.

    Notes
    -----
    Two images match if the correlation of their pixels is at least 0.995 after averaging
    to 8 x 8 (volumes also over their depth) and at least 0.98 in full; so brightness and
    contrast do not matter, turned or mirrored copies are not found. The search on thumbnails
    is exact: sorted along their main direction, only neighbours within the distance that the
    correlation allows can match. Cost: samples times neighbours times 64 multiplications. It
    ends after 200,000 pairs, which only a set of nearly equal images reaches.
    """
    vectors = _unit(thumbnails(images))
    order, place = _sorted_along_main_direction(vectors)
    firsts, seconds, count = list[NDArray[np.int64]](), list[NDArray[np.int64]](), 0
    for start in range(0, len(order), BLOCK):
        stop = min(start + BLOCK, len(order))
        end = int(np.searchsorted(place, place[stop - 1] + REACH, side="right"))
        alike = vectors[order[start:stop]] @ vectors[order[start:end]].T >= ALIKE
        rows, columns = np.nonzero(np.triu(alike, 1))
        pair = np.sort(np.stack([order[start + rows], order[start + columns]]), axis=0)
        pair = pair[:, _is_near(images, pair[0], pair[1])]
        firsts.append(pair[0])
        seconds.append(pair[1])
        count += pair.shape[1]
        if count > MOST_PAIRS:
            break
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    sorting = np.lexsort((second, first))
    return NearPairs(first[sorting], second[sorting], count <= MOST_PAIRS)


def thumbnails(images: Images) -> Vectors:
    """Return block means over an 8 x 8 grid and over colours or slices, shape (samples, 64)."""
    over = 1 if is_volume(images) else 3
    sides = images.shape[2:] if is_volume(images) else images.shape[1:3]
    edges = [np.arange(THUMB) * side // THUMB for side in sides]
    areas = np.outer(*(np.diff(e, append=s) for e, s in zip(edges, sides, strict=True)))
    out = np.empty((len(images), THUMB * THUMB), np.float32)
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        grey = (
            block.astype(np.float32) if block.ndim == 3 else block.mean(axis=over, dtype=np.float32)
        )
        sums = np.add.reduceat(np.add.reduceat(grey, edges[0], axis=1), edges[1], axis=2)
        out[start : start + BLOCK] = (sums / areas).reshape(len(block), -1)
    return out


def _unit(vectors: Vectors) -> Vectors:
    """Return vectors centred and of length 1; those without contrast stay 0."""
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1, centred / np.maximum(length, 1), 0).astype(np.float32)


def _sorted_along_main_direction(vectors: Vectors) -> tuple[NDArray[np.int64], Vectors]:
    """Return the order of the vectors along the direction they differ most in, and places."""
    centred = vectors - vectors.mean(axis=0)
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    place = (vectors @ direction).astype(np.float32)
    order = np.argsort(place, kind="stable").astype(np.int64)
    return order, place[order]


def _is_near(
    images: Images, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which pairs correlate in full."""
    near = np.zeros(len(first), dtype=bool)
    for start in range(0, len(first), BLOCK):
        part = slice(start, start + BLOCK)
        pair = (_unit(_flat(images[rows[part]])) for rows in (first, second))
        near[part] = np.einsum("ij,ij->i", *pair) >= NEAR
    return near


def _flat(images: Images) -> Vectors:
    """Return pixels as one row of numbers per image."""
    return images.reshape(len(images), -1).astype(np.float32)
