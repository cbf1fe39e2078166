"""K-Medoids clustering: a fixed number of clusters, or the number chosen by silhouette."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice, check_whole
from coreset_lib.clustering.engines import DEFAULT_ENGINE, ENGINES, Task
from coreset_lib.clustering.fasterpam import Starts
from coreset_lib.clustering.points import Distances, Points, Rows, check_points, count_distinct
from coreset_lib.clustering.result import KCurvePoint, KMedoidsResult
from coreset_lib.clustering.sampling import matrix_megabytes, sample_rows
from coreset_lib.clustering.silhouette import mean_silhouette
from coreset_lib.errors import CoresetError
from coreset_lib.system.computing import allowed_processors

INITS = ("build", "random")

_LARGEST_SEED = 2**31 - 1
# Keeps the sample of the silhouette apart from the samples that the search drew.
_SILHOUETTE_DRAW = 1000


def k_medoids(
    features: NDArray[Any],
    k: int,
    *,
    metric: str = "euclidean",
    engine: str = "auto",
    seed: int = 0,
    init: str = "build",
    n_restarts: int | None = None,
    max_memory_mb: int = 400,
    workers: int | None = None,
) -> KMedoidsResult:
    """Cluster samples around ``k`` of them so that the summed distance to these is small.

    Parameters
    ----------
    features : array, shape (samples, features)
        Real, finite numbers. Distances are computed in float64 and stored in float32.
    k : int
        Number of clusters, from 1 to the number of different samples.
    metric : {"euclidean", "cosine", "manhattan"}
        Distance between samples; cosine is 1 - cos, in [0, 2].
    engine : {"auto", "fasterpam", "pam", "alternate", "clara"}
        ``auto`` is the own FasterPAM; the last three are those of scikit-learn-extra, where
        it is installed.
    seed : int
        Seed of random starts and samples, at least 0. Same input and seed, same result.
    init : {"build", "random"}
        First start: PAM's greedy BUILD, or a random draw.
    n_restarts : int, optional
        Further random starts of ``fasterpam``; the best start is returned. Default: 16 up to
        790 samples, fewer for more, 1 from 2,237 samples on.
    max_memory_mb : int
        Largest distance matrix to hold, in MB of 10^6 bytes: 4 samples² bytes, so that the
        default fits 10,000 samples. Above it ``fasterpam`` searches in samples. The peak adds
        the features (scaled copies for cosine) and about 20 bytes per sample and thread.
    workers : int, optional
        Threads of ``fasterpam`` and of the distances; default: the usable cores. Does not
        change the result.

    Returns
    -------
    KMedoidsResult

    Raises
    ------
    CoresetError
        For an unknown option; k below 1 or above the number of different samples; features
        of the wrong shape or type, not finite, or all-zero rows with cosine; an engine that
        is not installed or needs more memory than allowed.

    Notes
    -----
    FasterPAM keeps each point's nearest and second nearest medoid. One pass over a
    candidate's distances then prices its swap with all k medoids, since the gain of adding it
    is shared and a removed medoid only concerns the points of its own cluster: O(samples²) per
    round instead of PAM's O(k samples²). Eager variant: every improving swap is made at once,
    and the search ends after a full round of candidates without one, in a local optimum of
    single swaps. Up to 6,000 samples the steepest descent of PAM is followed from BUILD as well
    and the better end is kept; the loss then is never above PAM's, up to ties and rounding.
    The removal loss is summed anew per candidate, without branches, rather than cached and
    corrected; the value is the same.

    In samples (``is_sampled``): FasterPAM on three seeded samples of up to 4,000, the medoids
    that serve all samples best kept (as CLARA does), then FasterPAM once more on all samples
    with up to 1,000 neighbours of these medoids as the only candidates.

    The compiled loops are built on first use, which takes some seconds, and are then cached on
    disk by numba.

    References
    ----------
    Schubert and Rousseeuw (2021), Fast and eager k-medoids clustering: O(k) runtime improvement
    of the PAM, CLARA, and CLARANS algorithms, Information Systems, arXiv 2008.05171.
    """
    task = _prepare(features, metric, engine, seed, init, n_restarts, max_memory_mb, workers)
    _check_k(task.points, k)
    return _cluster(task, engine, [int(k)])[0]


def choose_k(
    features: NDArray[Any],
    k_range: tuple[int, int] = (2, 10),
    *,
    metric: str = "euclidean",
    engine: str = "auto",
    seed: int = 0,
    init: str = "build",
    n_restarts: int | None = None,
    max_memory_mb: int = 400,
    workers: int | None = None,
) -> KMedoidsResult:
    """Cluster samples with the number of clusters whose mean silhouette is highest.

    Parameters
    ----------
    features : array, shape (samples, features)
        As for `k_medoids`.
    k_range : (int, int)
        Smallest (at least 2) and largest number of clusters, both included. The largest is
        lowered to what the samples allow: one less than their number, and no more than there
        are different ones.
    metric, engine, seed, init, n_restarts, max_memory_mb, workers
        As for `k_medoids`.

    Returns
    -------
    KMedoidsResult
        For the k with the highest silhouette, the smallest of equals; ``k_curve`` holds every
        k tried.

    Raises
    ------
    CoresetError
        As for `k_medoids`, and where the samples allow no k of the range.

    Notes
    -----
    One distance matrix serves all ks, and one BUILD: its first k medoids are the start for k.
    With ``fasterpam`` the solution for k - 1 and the best further medoid is one more start
    for k: the inertia then falls with every k (not with samples, ``is_sampled``).
    """
    task = _prepare(features, metric, engine, seed, init, n_restarts, max_memory_mb, workers)
    results = _cluster(task, engine, _allowed_ks(task.points, k_range))
    curve = tuple(KCurvePoint(each.k, each.inertia, each.silhouette) for each in results)
    best = max(results, key=lambda each: -1.0 if each.silhouette is None else each.silhouette)
    return replace(best, k_curve=curve)


def _prepare(
    features: NDArray[Any],
    metric: str,
    engine: str,
    seed: int,
    init: str,
    n_restarts: int | None,
    max_memory_mb: int,
    workers: int | None,
) -> Task:
    """Check everything but k; the distances come later, once k is known to be possible."""
    check_choice("engine", engine, ["auto", *ENGINES])
    check_choice("init", init, INITS)
    check_whole("seed", seed, least=0, most=_LARGEST_SEED)
    check_whole("max_memory_mb", max_memory_mb, least=1)
    n_workers = (
        allowed_processors() if workers is None else check_whole("workers", workers, least=1)
    )
    if n_restarts is not None:
        check_whole("n_restarts", n_restarts, least=0)
    points = check_points(features, metric=metric, workers=n_workers)
    starts = Starts(init=init, seed=seed, n_restarts=n_restarts, workers=n_workers)
    return Task(points, None, starts, max_memory_mb)


def _cluster(task: Task, engine: str, ks: Sequence[int]) -> list[KMedoidsResult]:
    """Return one result per k; all engines are measured in the same way."""
    name = DEFAULT_ENGINE if engine == "auto" else engine
    points = task.points
    is_sampled = matrix_megabytes(points.n_samples) > task.megabytes
    if not is_sampled:
        task = replace(task, matrix=points.matrix())
    found = ENGINES[name](task, ks)
    rows, distances = _silhouette_distances(task)

    def describe(k: int) -> KMedoidsResult:
        medoids = np.sort(found[k].medoids)
        labels, inertia = points.assign(medoids)
        return KMedoidsResult(
            medoids=medoids,
            labels=labels,
            inertia=inertia,
            silhouette=mean_silhouette(distances, labels[rows]),
            k=k,
            engine=name,
            n_iterations=found[k].n_iterations,
            is_sampled=is_sampled,
        )

    return [describe(k) for k in ks]


def _silhouette_distances(task: Task) -> tuple[Rows | slice, Distances]:
    """Return the samples whose silhouettes are averaged, and the distances between them."""
    if task.matrix is not None:
        return slice(None), task.matrix
    rows = sample_rows(
        task.points.n_samples,
        megabytes=task.megabytes,
        seed=task.starts.seed,
        draw=_SILHOUETTE_DRAW,
    )
    return rows, task.points.take(rows).matrix()


def _check_k(points: Points, k: int) -> None:
    """Raise unless there are k different samples to be medoids."""
    if not float(k).is_integer():
        raise CoresetError(f"k must be a whole number, got {k}.")
    check_whole("k", k, least=1)
    if k > points.n_samples:
        raise CoresetError(
            f"k must be at most the number of samples, {points.n_samples}, got {k}. "
            "Ask for fewer clusters."
        )
    n_distinct = count_distinct(points, enough=k)
    if n_distinct < k:
        _raise_alike(points, n_distinct, f"k = {k}")


def _allowed_ks(points: Points, k_range: tuple[int, int]) -> range:
    """Return the ks of the range that the samples allow; raise where there is none."""
    low, high = k_range
    if not (float(low).is_integer() and float(high).is_integer() and 2 <= low <= high):
        raise CoresetError(
            "k_range must be two whole numbers, smallest and largest, with 2 <= smallest <= "
            f"largest, got ({low}, {high})."
        )
    if points.n_samples <= low:
        raise CoresetError(
            f"choosing k from {low} on needs at least {low + 1} samples, "
            f"got {points.n_samples}. Use k_medoids with a fixed k."
        )
    n_distinct = count_distinct(points, enough=high)
    if n_distinct < low:
        _raise_alike(points, n_distinct, f"k from {low} on")
    return range(int(low), min(int(high), points.n_samples - 1, n_distinct) + 1)


def _raise_alike(points: Points, n_distinct: int, wanted: str) -> NoReturn:
    """Raise the sentence for constant features, or for too few different samples."""
    if n_distinct == 1:
        raise CoresetError(
            f"features must differ between samples for {wanted}, got {points.n_samples} samples "
            f"without any {points.metric} distance. Use k = 1 or other features."
        )
    raise CoresetError(
        f"features must hold enough different samples for {wanted}, got {n_distinct} different "
        f"ones among {points.n_samples}. Ask for at most {n_distinct} clusters."
    )
