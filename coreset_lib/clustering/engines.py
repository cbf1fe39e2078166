"""Interchangeable searches for medoids, by name in ``ENGINES``."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from coreset_lib.clustering.fasterpam import Found, Starts, search_matrix
from coreset_lib.clustering.points import Distances, Points, Rows
from coreset_lib.clustering.sampling import matrix_megabytes, search_samples
from coreset_lib.errors import CoresetError

_CLARA_DRAWS = 5


@dataclass(frozen=True)
class Task:
    """What to cluster and how; ``matrix`` is None where it would pass ``megabytes``."""

    points: Points
    matrix: Distances | None
    starts: Starts
    megabytes: int


def search_fasterpam(task: Task, ks: Sequence[int]) -> dict[int, Found]:
    """Search with the own FasterPAM, in samples where there is no whole matrix."""
    if task.matrix is not None:
        return search_matrix(task.matrix, ks, task.starts)
    return search_samples(task.points, ks, task.starts, megabytes=task.megabytes)


def search_pam(task: Task, ks: Sequence[int]) -> dict[int, Found]:
    """Search with scikit-learn-extra's ``KMedoids(method="pam")``."""
    return {k: _fit_kmedoids(task, "pam", k) for k in ks}


def search_alternate(task: Task, ks: Sequence[int]) -> dict[int, Found]:
    """Search with scikit-learn-extra's ``KMedoids(method="alternate")``."""
    return {k: _fit_kmedoids(task, "alternate", k) for k in ks}


def search_clara(task: Task, ks: Sequence[int]) -> dict[int, Found]:
    """Search with scikit-learn-extra's ``CLARA``, best of five samples of 40 + 2k points.

    Each sample is its own CLARA of one sampling round: in version 0.3 a run of several rounds
    reads the rows of the best round in the sample of the last.
    """
    return {
        k: min((_fit_clara(task, k, draw) for draw in range(_CLARA_DRAWS)), key=lambda f: f.loss)
        for k in ks
    }


ENGINES: dict[str, Callable[[Task, Sequence[int]], dict[int, Found]]] = {
    "fasterpam": search_fasterpam,
    "pam": search_pam,
    "alternate": search_alternate,
    "clara": search_clara,
}

DEFAULT_ENGINE = "fasterpam"


def _fit_kmedoids(task: Task, method: str, k: int) -> Found:
    """Fit scikit-learn-extra's KMedoids on the shared matrix; BUILD alone is exact for one."""
    if task.matrix is None:
        n_samples = task.points.n_samples
        raise CoresetError(
            f"engine {method!r} needs the whole distance matrix, "
            f"{matrix_megabytes(n_samples):,.0f} MB for {n_samples} samples, got "
            f"max_memory_mb {task.megabytes}. Use engine 'fasterpam' or 'clara', or raise it."
        )
    model = _sklearn_extra(method).KMedoids(
        k,
        method=method,
        init="build" if k == 1 else task.starts.init,
        metric="precomputed",
        max_iter=0 if k == 1 else 300,
        random_state=task.starts.seed,
    )
    return _fit(model, task.matrix, task.points)


def _fit_clara(task: Task, k: int, draw: int) -> Found:
    """Fit scikit-learn-extra's CLARA with one sampling round."""
    model = _sklearn_extra("clara").CLARA(
        k,
        metric=task.points.metric,
        init="build" if k == 1 else task.starts.init,
        max_iter=0 if k == 1 else 300,
        n_sampling_iter=1,
        random_state=int(np.random.SeedSequence([task.starts.seed, draw]).generate_state(1)[0]),
    )
    return _fit(model, task.points.values, task.points)


def _fit(model: Any, values: Any, points: Points) -> Found:
    """Fit a scikit-learn-extra model; its loss is measured on all points as for any engine."""
    with warnings.catch_warnings():
        # An empty cluster or the last allowed round is no failure: the loss tells the quality.
        warnings.simplefilter("ignore", UserWarning)
        model.fit(values)
    medoids: Rows = np.asarray(model.medoid_indices_, dtype=np.int64)
    return Found(medoids, points.assign(medoids)[1], int(getattr(model, "n_iter_", 0)) + 1)


def _sklearn_extra(engine: str) -> Any:
    """Import ``sklearn_extra.cluster``, or say what its absence means."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module("sklearn_extra.cluster")
    except (ImportError, ValueError) as error:  # ValueError: built for another NumPy.
        raise CoresetError(
            f"engine {engine!r} needs scikit-learn-extra, which does not load here ({error}); "
            "it needs Python below 3.12, NumPy below 2 and scikit-learn below 1.10. "
            "Use engine 'fasterpam'."
        ) from error
