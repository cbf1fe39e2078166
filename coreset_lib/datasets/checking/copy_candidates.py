"""Finding, among many images, the few that each of them may be a copy of."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.checking.common_look import (
    N_TURNS,
    CommonLook,
    Vectors,
    blocks,
    pictures,
    turned,
    unit_vectors,
)
from coreset_lib.datasets.checking.registration import resampling
from coreset_lib.datasets.labeled_images import Images
from coreset_lib.seeds import stream

LEAST_ALIKE = 0.6
N_NEAREST = 8
CENTRED = ((1.0, 0.0, 0.0), (0.95, 0.0, 0.0), (0.9, 0.0, 0.0))
SHIFTED = tuple((0.95, down, right) for down in (-0.0125, 0.0125) for right in (-0.0125, 0.0125))
LARGEST_CELL = 1024
MOST_PROBED = 8
N_ROUNDS = 3
MOST_PENDING = 2_000_000
View = tuple[float, float, float]
VIEWS = {turn: CENTRED if turn else (*CENTRED, *SHIFTED) for turn in range(N_TURNS)}
Rows = NDArray[np.int64]


class Candidates(NamedTuple):
    """Images and what they may be copies of, the nearest of each image first.

    Attributes
    ----------
    row, other : int64 array, shape (candidates,)
        The image ``row``, turned by ``turn``, is like ``other``.
    turn : int64 array, shape (candidates,)
        See `coreset_lib.datasets.checking.common_look.turned`.
    rank : int64 array, shape (candidates,)
        0 for the nearest.
    alike : float32 array, shape (candidates,)
        Correlation in the directions of the search.
    """

    row: Rows
    other: Rows
    turn: Rows
    rank: Rows
    alike: NDArray[np.float32]

    def take(self, chosen: NDArray[Any]) -> "Candidates":
        """Return some of the candidates."""
        return Candidates(
            row=self.row[chosen],
            other=self.other[chosen],
            turn=self.turn[chosen],
            rank=self.rank[chosen],
            alike=self.alike[chosen],
        )


def find_candidates(images: Images, look: CommonLook) -> Candidates:
    """Return the eight nearest of each image, in any of eight positions, whole or cut.

    Cut-outs lie in the middle; of images as they are, also beside it.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width), with colours or a depth
    look : CommonLook

    Notes
    -----
    Above 8,192 images, each is compared with those of the eight groups nearest to it out of
    samples / 1024 (an inverted file, Jegou et al. 2011), so time grows little faster than the
    number of images. Memory: about 600 bytes per image.
    """
    vectors = _vectors(images, look.side, look.search)
    centres = _centres(vectors)
    cells = _nearest_centres(vectors, centres, 1)[:, 0]
    members = [np.flatnonzero(cells == cell) for cell in range(len(centres))]
    nearest = _Nearest(len(images))
    for turn in range(N_TURNS):
        for view in VIEWS[turn]:
            queries = _vectors(images, look.side, _as_seen(look, turn, view))
            probed = _nearest_centres(queries, centres, min(MOST_PROBED, len(centres)))
            for cell, rows in enumerate(members):
                asking = np.flatnonzero((probed == cell).any(axis=1))
                for part in blocks(len(asking)):
                    likeness = queries[asking[part]] @ vectors[rows].T
                    nearest.add(asking[part], rows, likeness, turn)
    return nearest.candidates()


class _Nearest:
    """Keeps the nearest of each image while more and more are compared."""

    def __init__(self, n_images: int) -> None:
        self.least = np.full(n_images, LEAST_ALIKE, np.float32)
        none = np.empty(0, np.int64)
        self.kept = Candidates(none, none, none, none, np.empty(0, np.float32))
        self.pending: list[Candidates] = []
        self.n_pending = 0

    def add(self, asking: Rows, rows: Rows, likeness: Vectors, turn: int) -> None:
        """Take in what some images have in common with others."""
        likeness = np.where(asking[:, None] == rows, np.float32(-1), likeness)
        hit, other = np.nonzero(likeness > self.least[asking][:, None])
        turns, ranks = np.full(len(hit), turn), np.zeros(len(hit), np.int64)
        alike = likeness[hit, other]
        self.pending.append(Candidates(asking[hit], rows[other], turns, ranks, alike))
        self.n_pending += len(hit)
        if self.n_pending > MOST_PENDING:
            self._sift()

    def candidates(self) -> Candidates:
        """Return what is left of all."""
        self._sift()
        return self.kept

    def _sift(self) -> None:
        """Keep the nearest, each image once, and know what a nearer one must reach."""
        found = Candidates(*map(np.concatenate, zip(self.kept, *self.pending, strict=True)))
        found = found.take(np.lexsort((-found.alike, found.other, found.row)))
        is_new = np.ones(len(found.row), bool)
        is_new[1:] = (np.diff(found.row) != 0) | (np.diff(found.other) != 0)
        found = found.take(is_new)
        found = found.take(np.lexsort((-found.alike, found.row)))
        first = np.searchsorted(found.row, found.row)
        rank = np.arange(len(found.row)) - first
        self.kept = found._replace(rank=rank).take(rank < N_NEAREST)
        is_last = self.kept.rank == N_NEAREST - 1
        self.least[self.kept.row[is_last]] = self.kept.alike[is_last]
        self.pending, self.n_pending = [], 0


def _vectors(images: Images, side: int, directions: Vectors) -> Vectors:
    """Return all images in the given directions, read block by block."""
    found = np.empty((len(images), directions.shape[1]), np.float32)
    for rows in blocks(len(images)):
        flat = pictures(images[rows], side).reshape(-1, side * side)
        found[rows] = unit_vectors(flat, directions)
    return found


def _as_seen(look: CommonLook, turn: int, view: View) -> Vectors:
    """Return directions that see an image as if it were cut out and then turned.

    A view is the share of each side that is kept, and by which shares of a side its middle
    lies lower and further right.
    """
    side, (kept, *shifts) = look.side, view
    order = turned(np.arange(side * side).reshape(1, side, side), turn).ravel()
    seen = np.empty_like(look.search)
    seen[order] = look.search
    if view == CENTRED[0]:
        return seen
    down, right = (
        resampling(np.array([kept], np.float32), np.array([shift * side], np.float32), side)[0]
        for shift in shifts
    )
    whole = down.T @ seen.T.reshape(-1, side, side) @ right
    return np.ascontiguousarray(whole.reshape(-1, side * side).T)


def _centres(vectors: Vectors) -> Vectors:
    """Return the middles of groups of images that look alike; one group of a small set."""
    n_cells = math.ceil(len(vectors) / LARGEST_CELL)
    if n_cells <= MOST_PROBED:
        return vectors[:1]
    rng = stream(0, "copy candidates")
    sample = vectors[rng.choice(len(vectors), min(len(vectors), 32 * n_cells), replace=False)]
    centres = sample[:n_cells].copy()
    for _ in range(N_ROUNDS):
        own = _nearest_centres(sample, centres, 1)[:, 0]
        for cell in np.unique(own):
            middle = sample[own == cell].mean(axis=0)
            centres[cell] = middle / max(float(np.linalg.norm(middle)), 1e-6)
    return centres


def _nearest_centres(vectors: Vectors, centres: Vectors, count: int) -> Rows:
    """Return the nearest groups of each image, shape (samples, count)."""
    found = np.empty((len(vectors), count), np.int64)
    for rows in blocks(len(vectors)):
        likeness = vectors[rows] @ centres.T
        found[rows] = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    return found
