"""Medoids of more points than fit a distance matrix: search in samples, refine on all points."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from coreset_lib.clustering.fasterpam import Found, Starts, improve, search_matrix
from coreset_lib.clustering.points import Points, Rows
from coreset_lib.errors import CoresetError

_DRAWS = 3
_SAMPLE_SIZE = 4000
_MOST_CANDIDATES = 1000
_BYTES_PER_DISTANCE = 4


def matrix_megabytes(n_samples: int) -> float:
    """Return the size of the float32 distance matrix, in MB of 10^6 bytes."""
    return _BYTES_PER_DISTANCE * n_samples**2 / 1e6


def sample_rows(n_samples: int, *, megabytes: int, seed: int, draw: int) -> Rows:
    """Return sorted random rows whose distance matrix takes at most ``megabytes``."""
    affordable = int((megabytes * 1e6 / _BYTES_PER_DISTANCE) ** 0.5)
    size = min(n_samples, _SAMPLE_SIZE, affordable)
    rng = np.random.default_rng([seed, 0, draw])
    return np.sort(rng.choice(n_samples, size, replace=False)).astype(np.int64)


def search_samples(
    points: Points, ks: Sequence[int], starts: Starts, *, megabytes: int
) -> dict[int, Found]:
    """Return the best medoids found for every k, holding at most ``megabytes`` of distances.

    As CLARA, FasterPAM searches several random samples and the medoids that serve *all* points
    best are kept; samples are far larger than CLARA's 40 + 2k. Then FasterPAM runs once more on
    all points, with the neighbours of these medoids as the only candidates.
    """
    best, seen = _best_of_draws(points, ks, starts, megabytes=megabytes)
    candidates = _neighbourhood(points, best, seen, megabytes=megabytes)
    if candidates is None:
        return best
    distances = points.distances_from(candidates)
    for k, found in best.items():
        position = np.searchsorted(candidates, found.medoids)
        if k == 1:
            sums = distances.sum(axis=1, dtype=np.float64)
            best[k] = Found(candidates[[sums.argmin()]], float(sums.min()), 1)
        else:
            refined = improve(distances, position)
            best[k] = refined._replace(medoids=candidates[refined.medoids])
    return best


def _best_of_draws(
    points: Points, ks: Sequence[int], starts: Starts, *, megabytes: int
) -> tuple[dict[int, Found], list[Rows]]:
    """Return the best medoids per k over the samples, and the medoids of every sample."""
    best: dict[int, Found] = {}
    seen: list[Rows] = []
    for draw in range(_DRAWS):
        rows = sample_rows(points.n_samples, megabytes=megabytes, seed=starts.seed, draw=draw)
        _check_sample(len(rows), max(ks), megabytes)
        starts_here = replace(starts, seed=starts.seed + draw)
        for k, found in search_matrix(points.take(rows).matrix(), ks, starts_here).items():
            medoids = rows[found.medoids]
            loss = points.assign(medoids)[1]
            seen.append(medoids)
            if k not in best or loss < best[k].loss:
                best[k] = Found(medoids, loss, found.n_iterations)
    return best, seen


def _neighbourhood(
    points: Points, best: dict[int, Found], seen: list[Rows], *, megabytes: int
) -> Rows | None:
    """Return candidate rows: all medoids seen and the points nearest to the best ones."""
    affordable = int(megabytes * 1e6 / (_BYTES_PER_DISTANCE * points.n_samples))
    room = min(_MOST_CANDIDATES, affordable)
    medoids = np.unique(np.concatenate([found.medoids for found in best.values()]))
    if 2 * len(medoids) > room:
        return None
    others = np.setdiff1d(np.concatenate(seen), medoids)[: room - len(medoids)]
    n_near = (room - len(others)) // len(medoids)
    near = [_nearest_rows(points, medoid, n_near) for medoid in medoids]
    return np.unique(np.concatenate([medoids, others, *near]))


def _nearest_rows(points: Points, medoid: np.int64, count: int) -> Rows:
    """Return the ``count`` rows nearest to a medoid, itself among them."""
    distances = points.distances_from(np.array([medoid]))[0]
    return np.argpartition(distances, count - 1)[:count].astype(np.int64)


def _check_sample(size: int, k: int, megabytes: int) -> None:
    """Raise unless a sample holds enough points to find k medoids (CLARA's 40 + 2k)."""
    if size < 40 + 2 * k:
        least = int(np.ceil(matrix_megabytes(40 + 2 * k)))
        raise CoresetError(
            f"max_memory_mb must be at least {least} to search {k} medoids in samples, "
            f"got {megabytes}."
        )
