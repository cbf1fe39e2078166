# pyright: basic
"""Compiled loops of K-Medoids; imported lazily, because numba takes long to import.

All kernels release the interpreter lock, so that independent starts run in threads. Distances
arrive as float32, candidate rows x points; sums are kept in float64, so that the sign of a small
change of the loss is never decided by rounding. Only sums whose order does not matter may be
reordered (``reassoc``), which lets the compiler use vector instructions.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_REORDERED = {"reassoc", "nsz"}
# Below this share of |x|² + |y|², a squared distance would keep fewer than about 9 digits.
_CLOSE = 1e-6
# Searches end after some dozens of rounds. The bound is for inputs that nobody has thought of.
_MOST_ROUNDS = 1000
_ROUNDS_PER_MEDOID = 4


@njit(nogil=True, cache=True)
def finish_squares(products, left, right, left_squares, right_squares, is_rooted, out):
    """Fill ``out`` with the distances (or half their squares) of left rows to right rows.

    |x|² + |y|² - 2xy from the given ``products`` is fast but loses the digits of close pairs:
    where little remains of the sum, the differences are taken feature by feature instead.
    """
    for row in range(products.shape[0]):
        n_close = 0
        for column in range(products.shape[1]):
            size = left_squares[row] + right_squares[column]
            square = size - 2.0 * products[row, column]
            n_close += square <= _CLOSE * size
            positive = np.float32(max(square, 0.0))
            out[row, column] = np.sqrt(positive) if is_rooted else np.float32(0.5) * positive
        if n_close > 0:
            for column in range(products.shape[1]):
                size = left_squares[row] + right_squares[column]
                if size - 2.0 * products[row, column] <= _CLOSE * size:
                    square = _squared_distance(left[row], right[column])
                    out[row, column] = np.sqrt(square) if is_rooted else 0.5 * square


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def _squared_distance(left, right):
    """Return the squared distance of two points."""
    total = 0.0
    for feature in range(left.shape[0]):
        step = left[feature] - right[feature]
        total += step * step
    return total


@njit(nogil=True, cache=True)
def fill_absolutes(left, right_by_feature, out):
    """Fill ``out`` with the summed absolute differences of left rows to right rows.

    ``right_by_feature`` is (features, columns): the inner loop then runs over columns, which
    vectorises without reordering any sum.
    """
    sums = np.empty(out.shape[1])
    for row in range(left.shape[0]):
        for column in range(out.shape[1]):
            sums[column] = 0.0
        for feature in range(left.shape[1]):
            value, others = left[row, feature], right_by_feature[feature]
            for column in range(out.shape[1]):
                sums[column] += abs(value - others[column])
        for column in range(out.shape[1]):
            out[row, column] = sums[column]


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def _sum(values):
    """Return the float64 sum of float32 values."""
    total = 0.0
    for index in range(values.shape[0]):
        total += values[index]
    return total


@njit(nogil=True, cache=True)
def row_sums(distances):
    """Return the float64 sum of every row."""
    sums = np.empty(distances.shape[0])
    for row in range(distances.shape[0]):
        sums[row] = _sum(distances[row])
    return sums


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def _gain(row, nearest):
    """Return how much the loss falls when the candidate of ``row`` becomes a further medoid."""
    total = 0.0
    for point in range(row.shape[0]):
        total += max(nearest[point] - row[point], np.float32(0))
    return total


@njit(nogil=True, cache=True)
def extend(distances, medoids, n_medoids):
    """Return ``medoids`` greedily extended to ``n_medoids`` (the rest of PAM's BUILD).

    A gain can only shrink while medoids are added, so the gain of an earlier round is an upper
    bound: once the most promising candidate is priced, most of the others are passed over.
    """
    chosen = np.empty(n_medoids, np.int64)
    nearest = np.full(distances.shape[1], np.float32(np.inf), np.float32)
    bounds = np.full(distances.shape[0], np.inf)
    for count in range(n_medoids):
        if count < medoids.shape[0]:
            chosen[count] = medoids[count]
        else:
            chosen[count] = _best_addition(distances, nearest, bounds)
        bounds[chosen[count]] = -1.0
        row = distances[chosen[count]]
        for point in range(row.shape[0]):
            nearest[point] = min(nearest[point], row[point])
    return chosen


@njit(nogil=True, cache=True)
def _best_addition(distances, nearest, bounds):
    """Return the candidate with the largest gain (ties: the first), and lower the bounds."""
    promising = np.argmax(bounds)
    best = promising
    bounds[best] = _gain(distances[best], nearest)
    for candidate in range(bounds.shape[0]):
        if candidate != promising and bounds[candidate] >= bounds[best]:
            bounds[candidate] = _gain(distances[candidate], nearest)
            is_tie = bounds[candidate] == bounds[best] and candidate < best
            if bounds[candidate] > bounds[best] or is_tie:
                best = candidate
    return best


class _Caches(NamedTuple):
    """Per point: cluster of and distance to its nearest and its second nearest medoid."""

    first: np.ndarray
    first_distance: np.ndarray
    second: np.ndarray
    second_distance: np.ndarray


@njit(nogil=True, cache=True)
def _fill_caches(distances, medoids, caches, point):
    """Search the two nearest medoids of one point."""
    first = second = medoids.shape[0]
    first_distance = second_distance = np.float32(np.inf)
    for cluster in range(medoids.shape[0]):
        distance = distances[medoids[cluster], point]
        if distance < first_distance:
            second, second_distance = first, first_distance
            first, first_distance = cluster, distance
        elif distance < second_distance:
            second, second_distance = cluster, distance
    caches.first[point], caches.first_distance[point] = first, first_distance
    caches.second[point], caches.second_distance[point] = second, second_distance


@njit(nogil=True, cache=True)
def _new_caches(distances, medoids):
    """Return the filled caches of all points."""
    n_points = distances.shape[1]
    caches = _Caches(
        np.empty(n_points, np.uint32),
        np.empty(n_points, np.float32),
        np.empty(n_points, np.uint32),
        np.empty(n_points, np.float32),
    )
    for point in range(n_points):
        _fill_caches(distances, medoids, caches, point)
    return caches


@njit(nogil=True, cache=True)
def _replace(distances, medoids, cluster, candidate, caches):
    """Make ``candidate`` the medoid of ``cluster`` and mend the caches of all points."""
    medoids[cluster] = candidate
    for point in range(distances.shape[1]):
        distance = distances[candidate, point]
        is_first = caches.first[point] == cluster
        is_second = caches.second[point] == cluster
        if (is_first or is_second) and distance > caches.second_distance[point]:
            _fill_caches(distances, medoids, caches, point)
        elif is_first:
            caches.first_distance[point] = distance
        elif distance < caches.first_distance[point]:
            caches.second[point] = caches.first[point]
            caches.second_distance[point] = caches.first_distance[point]
            caches.first[point], caches.first_distance[point] = cluster, distance
        elif distance < caches.second_distance[point]:
            caches.second[point], caches.second_distance[point] = cluster, distance


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def _shared_gain(row, caches, regrets):
    """Return the gain of adding a candidate; fill what each point adds if it loses its medoid.

    The differences of two float32 are exact in float64.
    """
    gain = 0.0
    for point in range(row.shape[0]):
        distance = row[point]
        nearest = min(distance, caches.first_distance[point])
        gain += np.float64(caches.first_distance[point]) - np.float64(nearest)
        fallback = min(distance, caches.second_distance[point])
        regrets[point] = np.float64(fallback) - np.float64(nearest)
    return gain


@njit(nogil=True, cache=True)
def _price(row, caches, regrets, lanes):
    """Return the change of the loss, and the cluster, of the best swap with one candidate.

    One pass serves all clusters: the gain of adding the candidate is shared, and each cluster
    adds the regrets of its own points. Four partial sums per cluster, taken in turn, spare
    waiting for the previous addition to the same cluster; there is no branch to mispredict.
    """
    n_points, n_clusters = row.shape[0], lanes.shape[1]
    gain = _shared_gain(row, caches, regrets)
    for lane in range(4):
        for cluster in range(n_clusters):
            lanes[lane, cluster] = 0.0
    for point in range(0, n_points - 3, 4):
        lanes[0, caches.first[point]] += regrets[point]
        lanes[1, caches.first[point + 1]] += regrets[point + 1]
        lanes[2, caches.first[point + 2]] += regrets[point + 2]
        lanes[3, caches.first[point + 3]] += regrets[point + 3]
    for point in range(n_points - n_points % 4, n_points):
        lanes[0, caches.first[point]] += regrets[point]
    best, least = -1, np.inf
    for cluster in range(n_clusters):
        regret = (lanes[0, cluster] + lanes[1, cluster]) + (lanes[2, cluster] + lanes[3, cluster])
        if regret < least:
            best, least = cluster, regret
    return least - gain, best


@njit(nogil=True, cache=True)
def _mark(n_candidates, medoids):
    """Return for every candidate whether it is a medoid."""
    is_medoid = np.zeros(n_candidates, np.bool_)
    for medoid in medoids:
        is_medoid[medoid] = True
    return is_medoid


@njit(nogil=True, cache=True)
def _least_improvement(caches, tolerance):
    """Return by how much a swap must lower the loss: a share of the loss that there is at first.

    A share of the loss as it falls would go to nothing with it, where rows are copies, and
    rounding would swap equal medoids for ever.
    """
    return tolerance * _sum(caches.first_distance)


@njit(nogil=True, cache=True)
def _is_lower(distances, medoids, cluster, candidate, caches, least):
    """Make a swap, and whether the loss, summed anew, fell by ``least``; else take it back."""
    before, former = _sum(caches.first_distance), medoids[cluster]
    _replace(distances, medoids, cluster, candidate, caches)
    if before - _sum(caches.first_distance) > least:
        return True
    _replace(distances, medoids, cluster, former, caches)
    return False


@njit(nogil=True, cache=True)
def swap_eagerly(distances, medoids, tolerance):
    """Make every improving swap at once, until a full round of candidates holds none.

    Changes ``medoids`` (at least two) in place; an improvement counts above ``tolerance``
    times the first loss. Returns the loss and the number of rounds begun.
    """
    n_candidates = distances.shape[0]
    caches = _new_caches(distances, medoids)
    regrets, lanes = np.empty(distances.shape[1]), np.empty((4, medoids.shape[0]))
    is_medoid = _mark(n_candidates, medoids)
    least = _least_improvement(caches, tolerance)
    most_visits = n_candidates * (_MOST_ROUNDS + _ROUNDS_PER_MEDOID * medoids.shape[0])
    n_visits, n_idle = 0, 0
    while n_idle < n_candidates and n_visits < most_visits:
        candidate = n_visits % n_candidates
        n_visits += 1
        n_idle += 1
        if is_medoid[candidate]:
            continue
        change, cluster = _price(distances[candidate], caches, regrets, lanes)
        if change < -least:
            former = medoids[cluster]
            if _is_lower(distances, medoids, cluster, candidate, caches, least):
                is_medoid[former], is_medoid[candidate] = False, True
                n_idle = 0
    return _sum(caches.first_distance), (n_visits + n_candidates - 1) // n_candidates


@njit(nogil=True, cache=True)
def swap_steepest(distances, medoids, tolerance):
    """Make the best swap of each round, as PAM does; otherwise as `swap_eagerly`."""
    caches = _new_caches(distances, medoids)
    regrets, lanes = np.empty(distances.shape[1]), np.empty((4, medoids.shape[0]))
    is_medoid = _mark(distances.shape[0], medoids)
    least = _least_improvement(caches, tolerance)
    n_rounds = 0
    while n_rounds < _MOST_ROUNDS + _ROUNDS_PER_MEDOID * medoids.shape[0]:
        n_rounds += 1
        best_change, best_cluster, best_candidate = 0.0, -1, -1
        for candidate in range(distances.shape[0]):
            if not is_medoid[candidate]:
                change, cluster = _price(distances[candidate], caches, regrets, lanes)
                if change < best_change:
                    best_change, best_cluster, best_candidate = change, cluster, candidate
        if best_change >= -least:
            break
        former = medoids[best_cluster]
        if not _is_lower(distances, medoids, best_cluster, best_candidate, caches, least):
            break
        is_medoid[former], is_medoid[best_candidate] = False, True
    return _sum(caches.first_distance), n_rounds
