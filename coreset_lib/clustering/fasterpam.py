"""FasterPAM on a distance matrix: several starts, eager swaps, the best result kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from coreset_lib.clustering.compiled import kernels
from coreset_lib.clustering.points import Distances, Rows
from coreset_lib.clustering.threads import run_each

# A change of the loss below this share of it is rounding, not an improvement.
_TOLERANCE = 1e-10
_MOST_RESTARTS = 16
_RESTART_WORK = 1e7
# PAM's own path takes a round per swap: worth its time only while a round is cheap.
_MOST_STEEPEST = 6000


class Found(NamedTuple):
    """Medoid rows, their loss (sum of distances) and the rounds over the candidates."""

    medoids: Rows
    loss: float
    n_iterations: int


@dataclass(frozen=True)
class Starts:
    """From where to search: BUILD or a random draw, plus further random draws."""

    init: str
    seed: int
    n_restarts: int | None = None
    workers: int = 1

    def restarts(self, n_samples: int) -> int:
        """Return the number of further random starts: many where they cost milliseconds."""
        if self.n_restarts is not None:
            return self.n_restarts
        return int(np.clip(_RESTART_WORK / n_samples**2, 1, _MOST_RESTARTS))


def search_matrix(distances: Distances, ks: Sequence[int], starts: Starts) -> dict[int, Found]:
    """Return the best medoids found for every k of ``ks``, from one distance matrix.

    The work shared among the ks: the matrix; BUILD, whose first k medoids are its result for
    k; and, where k - 1 was solved as well, its solution with the best further medoid as one
    more start, which also makes the loss fall with every k.
    """
    central = np.array([kernels().row_sums(distances).argmin()], np.int64)
    built = kernels().extend(distances, central, max(ks)) if starts.init == "build" else None
    n_random = starts.restarts(len(distances)) + (built is None)
    jobs = [(k, start) for k in sorted(ks, reverse=True) for start in range(-1, n_random)]

    def run(job: tuple[int, int]) -> Found | None:
        k, start = job
        if k == 1:
            return _single(distances, central) if start == -1 else None
        if start >= 0:
            return improve(distances, _random_rows(distances, k, starts.seed, start))
        return None if built is None else _improve_built(distances, built[:k])

    best: dict[int, Found] = {}
    for (k, _), found in zip(jobs, run_each(run, jobs, workers=starts.workers), strict=True):
        _keep_better(best, k, found)
    for k in sorted(best):
        if k - 1 in best:
            start = kernels().extend(distances, best[k - 1].medoids, k)
            _keep_better(best, k, improve(distances, start))
    return best


def improve(distances: Distances, medoids: Rows, *, is_eager: bool = True) -> Found:
    """Swap from ``medoids`` (at least two) to a local optimum: no single swap lowers the loss.

    ``distances`` may hold fewer rows than columns: then only its rows may become medoids.
    """
    medoids = medoids.copy()
    swap = kernels().swap_eagerly if is_eager else kernels().swap_steepest
    loss, n_rounds = swap(distances, medoids, _TOLERANCE)
    return Found(medoids, loss, n_rounds)


def _improve_built(distances: Distances, built: Rows) -> Found:
    """Improve BUILD eagerly and by steepest descent, PAM's own path; return the better.

    The second makes sure that the loss is never above PAM's. Where BUILD already was a local
    optimum both paths end there, and it is skipped.
    """
    eager = improve(distances, built)
    if np.array_equal(eager.medoids, built) or len(distances) > _MOST_STEEPEST:
        return eager
    return min(eager, improve(distances, built, is_eager=False), key=_loss)


def _single(distances: Distances, central: Rows) -> Found:
    """Return the one medoid: the row with the smallest sum, which is the global optimum."""
    return Found(central, float(distances[central[0]].sum(dtype=np.float64)), 1)


def _random_rows(distances: Distances, k: int, seed: int, start: int) -> Rows:
    """Return k different rows; the same for the same seed, k and start."""
    rng = np.random.default_rng([seed, k, start])
    return rng.choice(len(distances), k, replace=False).astype(np.int64)


def _keep_better(best: dict[int, Found], k: int, found: Found | None) -> None:
    """Store ``found`` where it has the lower loss; the earlier start wins ties."""
    if found is not None and (k not in best or found.loss < best[k].loss):
        best[k] = found


def _loss(found: Found) -> float:
    """Return the loss to compare by."""
    return found.loss
