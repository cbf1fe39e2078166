# pyright: basic
"""The compiled loop of the lasso; imported on first use, because numba takes a moment."""

from numba import njit

# Safely above the rounding error of a cross product in float64, (3 + 16 u) u with u = 2**-53.
ROUNDING = 2.0**-50
# Below this a product may have lost digits to underflow.
TINY = 1e-290


@njit(cache=True, nogil=True)
def wind(points, box, per_unit, starts, x0, y0, x1, y1, turn, found):
    """Set ``found`` to 1 for points inside, 2 where rounding could decide; it comes as zeros.

    The sides of band b are entries ``starts[b]`` to ``starts[b + 1]`` of the arrays after it.
    """
    n_bands = len(starts) - 1
    for point in range(len(points)):
        x, y = float(points[point, 0]), float(points[point, 1])
        if not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
            continue
        band = min(int((y - box[1]) * per_unit), n_bands - 1)
        winding = 0
        is_doubtful = False
        for side in range(starts[band], starts[band + 1]):
            if y < y0[side] or y >= y1[side]:
                continue
            if x > max(x0[side], x1[side]):
                continue
            along = (x1[side] - x0[side]) * (y - y0[side])
            across = (x - x0[side]) * (y1[side] - y0[side])
            if abs(along - across) <= ROUNDING * (abs(along) + abs(across)) + TINY:
                is_doubtful = True
            elif along > across:
                winding += turn[side]
        found[point] = 2 if is_doubtful else (1 if winding != 0 else 0)
