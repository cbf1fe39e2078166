"""Which points lie inside a shape drawn by hand: exact, and fast for a million of them."""

from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coreset_lib.clustering.threads import run_each
from coreset_lib.errors import CoresetError
from coreset_lib.system.computing import allowed_processors

LEAST_CORNERS = 3
DOUBTFUL = 2
_MOST_BANDS = 256
_LARGEST = 1e100  # products of differences stay finite
_PART = 100_000

Bools = NDArray[np.bool_]
Float64s = NDArray[np.float64]


def inside_box(points: NDArray[Any], box: tuple[float, float, float, float]) -> Bools:
    """Whether each point lies in a box, its border included.

    Parameters
    ----------
    points : float array, shape (points, 2)
        A point with NaN lies nowhere.
    box : (x0, y0, x1, y1)
        Two opposite corners, in either order.

    Returns
    -------
    bool array, shape (points,)
    """
    x0, y0, x1, y1 = box
    x, y = points[:, 0], points[:, 1]
    is_across = (x >= min(x0, x1)) & (x <= max(x0, x1))
    return is_across & (y >= min(y0, y1)) & (y <= max(y0, y1))


def inside_polygon(points: NDArray[Any], corners: ArrayLike) -> Bools:
    """Whether each point lies in a polygon, which may cross itself.

    Parameters
    ----------
    points : float array, shape (points, 2)
        A point with NaN lies nowhere.
    corners : float array, shape (corners, 2)
        In order; the last one is joined to the first.

    Returns
    -------
    bool array, shape (points,)
        True where the outline winds around the point (nonzero rule), so the overlap at the ends
        of a lasso belongs to it. Of the outline itself, what has the inside on its right or
        above belongs to it: two polygons with a common side share no point.

    Raises
    ------
    CoresetError
        If there are fewer than three corners, or one is not finite or beyond 1e100.

    Notes
    -----
    Exact: points so close to a side that rounding in float64 could decide are computed again
    in rational numbers. A bounding box goes first; then a point meets only the sides that
    cross its horizontal band. The compiled loop is built on first use and cached on disk;
    :func:`warm_up` does it ahead of time.
    """
    polygon = _checked(corners)
    sides = _sides(polygon)
    points = np.asarray(points)
    if points.dtype.str[1:] not in ("f4", "f8") or not points.dtype.isnative:
        points = points.astype(np.float64)
    box = np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])
    found = np.zeros(len(points), dtype=np.uint8)
    banded = (box, *_bands(sides, box))
    parts = [slice(start, start + _PART) for start in range(0, len(points), _PART)]
    workers = min(allowed_processors(), len(parts)) or 1
    run_each(lambda p: _kernel().wind(points[p], *banded, found[p]), parts, workers=workers)
    for point in np.flatnonzero(found == DOUBTFUL):
        found[point] = _is_inside_exactly(points[point], sides)
    return found.view(np.bool_)


def warm_up() -> None:
    """Build or load the compiled loop, so that the first lasso need not wait for it."""
    for kind in (np.float32, np.float64):
        inside_polygon(np.zeros((1, 2), kind), [(0, 0), (1, 0), (0, 1)])


def _kernel() -> Any:
    """Return the compiled loop; numba's functions carry no types."""
    return import_module("dashboard.map.lasso_kernel")


def _checked(corners: ArrayLike) -> Float64s:
    """Return the corners as an array, or say what is wrong with them."""
    polygon = np.asarray(corners, dtype=np.float64)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < LEAST_CORNERS:
        raise CoresetError(
            f"lasso must have at least {LEAST_CORNERS} corners of two numbers each, "
            f"got shape {polygon.shape}. Draw around the points."
        )
    if not (np.abs(polygon) < _LARGEST).all():
        raise CoresetError(
            f"corners of the lasso must be numbers below {_LARGEST:g}, got others. Draw it anew."
        )
    return polygon


def _sides(polygon: Float64s) -> Float64s:
    """Return the sides that are not level, lower end first: x0, y0, x1, y1, +1 up or -1 down."""
    sides = np.column_stack([polygon, np.roll(polygon, -1, axis=0), np.ones(len(polygon))])
    is_down = sides[:, 1] > sides[:, 3]
    sides[is_down] = sides[is_down][:, [2, 3, 0, 1, 4]] * [1, 1, 1, 1, -1]
    return sides[sides[:, 1] < sides[:, 3]]


def _bands(sides: Float64s, box: Float64s) -> tuple[Any, ...]:
    """Cut the height into bands: bands per unit, first entry of each, the sides of all bands.

    A side is listed in one band more than it crosses at either end, so that rounding in a
    point's band never hides it.
    """
    height = box[3] - box[1]
    with np.errstate(divide="ignore", over="ignore"):
        per_unit = np.float64(_MOST_BANDS) / height
    per_unit = per_unit if np.isfinite(per_unit) else 0.0
    lists: list[list[int]] = [[] for _ in range(_MOST_BANDS)]
    ends = ((sides[:, [1, 3]] - box[1]) * per_unit).astype(np.int64) + np.array((-1, 1))
    for side, (first, last) in enumerate(ends.clip(0, _MOST_BANDS - 1).tolist()):
        for band in range(first, last + 1):
            lists[band].append(side)
    starts = np.cumsum([0, *map(len, lists)])
    listed = sides[[side for each in lists for side in each]].T
    *ends_of_sides, turn = np.ascontiguousarray(listed)
    return float(per_unit), starts, *ends_of_sides, turn.astype(np.int64)


def _is_inside_exactly(point: NDArray[Any], sides: Float64s) -> bool:
    """The same for one point in rational numbers."""
    level = float(point[1])
    x, y = Fraction(float(point[0])), Fraction(level)
    winding = 0
    for x0, y0, x1, y1, turn in sides[(sides[:, 1] <= level) & (sides[:, 3] > level)].tolist():
        along, across = Fraction(x1) - Fraction(x0), Fraction(y1) - Fraction(y0)
        if along * (y - Fraction(y0)) > (x - Fraction(x0)) * across:
            winding += int(turn)
    return winding != 0
