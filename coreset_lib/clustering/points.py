"""Checked points and the distances between them, in float32 and in bounded memory."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.clustering.compiled import kernels
from coreset_lib.clustering.threads import run_each
from coreset_lib.errors import CoresetError

Distances = NDArray[np.float32]
Rows = NDArray[np.int64]

METRICS = ("euclidean", "cosine", "manhattan")

_TILE = 256
_ASSIGN_BLOCK = 4096
# Beyond this, a distance could pass the largest float32, 3.4e38.
_LARGEST_VALUE = 1e30


@dataclass(frozen=True)
class Points:
    """Samples x features and the metric between them; rows have length 1 for ``cosine``.

    Distances are computed in float64 and kept in float32. Close points keep their digits, and
    equal rows are exactly 0 apart. ``centre`` is subtracted first: distances do not change,
    but points far from the origin come out faster.
    """

    values: NDArray[Any]
    centre: NDArray[np.float64]
    metric: str
    workers: int

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.values)

    def take(self, rows: Rows) -> "Points":
        """Return the points at ``rows``."""
        return replace(self, values=self.values[rows])

    def matrix(self) -> Distances:
        """Return the symmetric distances between all points, shape (samples, samples)."""
        distances = np.empty((self.n_samples, self.n_samples), np.float32)
        starts = range(0, self.n_samples, _TILE)
        run_each(partial(self._fill_rows, distances), starts, workers=self.workers)
        return distances

    def _fill_rows(self, distances: Distances, top: int) -> None:
        """Fill one band of rows right of the diagonal, and its mirror image."""
        rows = slice(top, top + _TILE)
        for left in range(top, self.n_samples, _TILE):
            columns = slice(left, left + _TILE)
            tile = self._tile(self.values[rows], self.values[columns])
            distances[rows, columns] = tile
            distances[columns, rows] = tile.T

    def distances_from(self, rows: Rows) -> Distances:
        """Return the distances of the points at ``rows`` to all, shape (rows, samples)."""
        distances = np.empty((len(rows), self.n_samples), np.float32)
        sources = self.values[rows]

        def fill_columns(left: int) -> None:
            columns = slice(left, left + _TILE)
            distances[:, columns] = self._tile(sources, self.values[columns])

        run_each(fill_columns, range(0, self.n_samples, _TILE), workers=self.workers)
        return distances

    def assign(self, medoids: Rows) -> tuple[NDArray[np.int64], float]:
        """Return each point's nearest medoid (ties: the first) and the sum of distances to it.

        A medoid always belongs to itself, also where another medoid coincides with it.
        """
        labels = np.empty(self.n_samples, np.int64)
        nearest = np.empty(self.n_samples, np.float32)
        sources = self.values[medoids]

        def fill_block(top: int) -> None:
            block = slice(top, top + _ASSIGN_BLOCK)
            distances = self._tile(sources, self.values[block])
            distances.argmin(axis=0, out=labels[block])
            distances.min(axis=0, out=nearest[block])

        run_each(fill_block, range(0, self.n_samples, _ASSIGN_BLOCK), workers=self.workers)
        labels[medoids] = np.arange(len(medoids))
        return labels, float(nearest.sum(dtype=np.float64))

    def _tile(self, rows: NDArray[Any], columns: NDArray[Any]) -> Distances:
        """Return the distances between two small sets of points."""
        left, right = rows - self.centre, columns - self.centre
        distances = np.empty((len(left), len(right)), np.float32)
        if self.metric == "manhattan":
            kernels().fill_absolutes(left, np.ascontiguousarray(right.T), distances)
            return distances
        # Cosine: 1 - cos(x, y) is half the squared distance of the two unit vectors.
        squares = (np.einsum("ij,ij->i", points, points) for points in (left, right))
        is_rooted = self.metric == "euclidean"
        kernels().finish_squares(left @ right.T, left, right, *squares, is_rooted, distances)
        return distances


def check_points(features: NDArray[Any], *, metric: str, workers: int) -> Points:
    """Return the points, or raise one sentence on what is wrong with the features."""
    check_choice("metric", metric, METRICS)
    values = _as_matrix(features)
    centre = np.zeros(values.shape[1])
    if metric == "cosine":
        values = _unit_rows(values)
    else:
        centre = values.mean(axis=0, dtype=np.float64)
    return Points(values, centre, metric, workers)


def _as_matrix(features: NDArray[Any]) -> NDArray[Any]:
    """Return finite numbers, samples x features, in float32 or float64."""
    values = np.asarray(features)
    if values.ndim != 2 or 0 in values.shape:
        raise CoresetError(
            "features must be a table of at least one sample and one feature, "
            f"got shape {values.shape}. Give one row per sample."
        )
    if values.dtype.kind not in "fiub":
        raise CoresetError(
            f"features must be real numbers, got {values.dtype}. Convert them to float."
        )
    is_single = values.dtype in (np.dtype(np.float16), np.dtype(np.float32))
    values = np.ascontiguousarray(values, dtype=np.float32 if is_single else np.float64)
    _check_range(values)
    return values


def _check_range(values: NDArray[Any]) -> None:
    """Raise unless all values are finite and small enough to square."""
    largest = float(max(values.max(), -values.min()))
    if largest <= _LARGEST_VALUE:
        return
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise CoresetError(
            f"features must be finite, got NaN or infinity in {len(bad)} of {len(values)} "
            f"samples, first in row {bad[0]}. Remove these samples or fill the values."
        )
    raise CoresetError(
        f"features must lie within ±{_LARGEST_VALUE:g}, got {largest:g}. Scale them down."
    )


def _unit_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return the rows scaled to length 1; a zero row has no direction."""
    largest = np.abs(values).max(axis=1, keepdims=True)
    empty = np.flatnonzero(largest == 0)
    if len(empty):
        raise CoresetError(
            f"features must have no all-zero sample for metric 'cosine', got {len(empty)}, "
            f"first in row {empty[0]}. Remove them or use metric 'euclidean'."
        )
    # Dividing by the largest value first keeps tiny rows from underflowing when squared.
    scaled = values / largest
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def count_distinct(points: Points, *, enough: int) -> int:
    """Return the number of different rows; counting stops once there are ``enough``."""
    n_distinct, head = 0, max(2 * enough, 256)
    while True:
        # Adding 0 turns -0.0 into 0.0, which NumPy's row comparison would tell apart.
        n_distinct = len(np.unique(points.values[:head] + 0, axis=0))
        if n_distinct >= enough or head >= points.n_samples:
            return n_distinct
        head *= 8
