"""K-Medoids inside each class: the sub-populations that diversity draws from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.clustering import ENGINES, METRICS, KMedoidsResult, choose_k, k_medoids
from coreset_lib.errors import CoresetError
from coreset_lib.scores.score import Option
from coreset_lib.seeds import stream_seed

AUTO = "auto"
LEAST_TO_CHOOSE = 3


@dataclass(frozen=True, eq=False)
class ClassClusters:
    """Clusters of every class, numbered over all classes.

    Attributes
    ----------
    labels : int64 array, shape (samples,)
        Cluster of each sample; -1 for samples that were left out.
    medoids : int64 array, shape (clusters,)
        The sample at the heart of each cluster.
    class_of : int64 array, shape (clusters,)
        Class of each cluster.
    records : tuple of dict
        One per class, in plain values: class, clusters, k, silhouette, inertia, sizes,
        medoids, k_curve (``[k, inertia, silhouette]`` each, empty for a fixed k), is_sampled.
    """

    labels: NDArray[np.int64]
    medoids: NDArray[np.int64]
    class_of: NDArray[np.int64]
    records: tuple[dict[str, Any], ...]

    @property
    def n_clusters(self) -> int:
        """Number of clusters over all classes."""
        return len(self.medoids)


def cluster_within_classes(
    features: NDArray[Any],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    k: int | str = AUTO,
    most_clusters: int = 10,
    metric: str = "euclidean",
    engine: str = AUTO,
    seed: int = 0,
    is_member: NDArray[np.bool_] | None = None,
) -> ClassClusters:
    """Cluster the samples of each class around medoids.

    Parameters
    ----------
    features : float array, shape (samples, features)
    labels : int64 array, shape (samples,)
    class_names : tuple of str
    k : int or "auto"
        Clusters per class; ``auto`` takes the number from 2 to ``most_clusters`` with the
        highest silhouette, and 1 for a class of fewer than 3 samples or of equal ones.
    most_clusters : int
    metric, engine : str
        As for :func:`coreset_lib.clustering.k_medoids`.
    seed : int
    is_member : bool array, shape (samples,), optional
        Samples to cluster; default: all.

    Raises
    ------
    CoresetError
        If a class has fewer (different) samples than ``k``.

    References
    ----------
    Coreset selection based on intra-class diversity (arXiv 2509.21380), sec. 4.3.
    """
    assigned = np.full(len(labels), -1, dtype=np.int64)
    medoids: list[int] = []
    class_of: list[int] = []
    records: list[dict[str, Any]] = []
    for klass, title in enumerate(class_names):
        is_here = labels == klass if is_member is None else (labels == klass) & is_member
        members = np.flatnonzero(is_here)
        if not len(members):
            continue
        options = {"metric": metric, "engine": engine}
        options["seed"] = stream_seed(seed, "clusters", klass) % 2**31
        found = _cluster(features[members], title, k, most_clusters, options)
        assigned[members] = len(medoids) + found.labels
        records.append(_record(title, found, members, first=len(medoids)))
        medoids += members[found.medoids].tolist()
        class_of += [klass] * found.k
    return ClassClusters(assigned, np.array(medoids), np.array(class_of), tuple(records))


def join_clusters(parts: Sequence[ClassClusters], n_samples: int) -> ClassClusters:
    """Number the clusters of several classes one after the other.

    Parameters
    ----------
    parts : sequence of ClassClusters
        At least one, of different classes, in the order in which they are to be numbered.
    n_samples : int
    """
    labels = np.full(n_samples, -1, dtype=np.int64)
    records: list[dict[str, Any]] = []
    first = 0
    for part in parts:
        is_here = part.labels >= 0
        labels[is_here] = part.labels[is_here] + first
        numbers = list(range(first, first + part.n_clusters))
        records += [record | {"clusters": numbers} for record in part.records]
        first += part.n_clusters
    medoids = np.concatenate([part.medoids for part in parts])
    class_of = np.concatenate([part.class_of for part in parts])
    return ClassClusters(labels, medoids, class_of, tuple(records))


def _cluster(
    rows: NDArray[Any], title: str, k: int | str, most_clusters: int, options: dict[str, Any]
) -> KMedoidsResult:
    """Cluster the samples of one class; errors name it."""
    if k != AUTO and int(k) > len(rows):
        raise CoresetError(
            f"k must be at most the number of samples of every class, got {k} for class "
            f"{title!r}, which has {len(rows)} to cluster. Lower k or write auto."
        )
    try:
        if k != AUTO:
            return k_medoids(rows, int(k), **options)
        if len(rows) < LEAST_TO_CHOOSE or (rows == rows[0]).all():
            return k_medoids(rows, 1, **options)
        return choose_k(rows, (2, most_clusters), **options)
    except CoresetError as error:
        raise CoresetError(f"class {title!r} cannot be clustered: {error}") from None


def _record(
    title: str, found: KMedoidsResult, members: NDArray[np.intp], *, first: int
) -> dict[str, Any]:
    """Describe the clusters of one class in plain values."""
    return {
        "class": title,
        "clusters": list(range(first, first + found.k)),
        "k": found.k,
        "silhouette": found.silhouette,
        "inertia": found.inertia,
        "sizes": np.bincount(found.labels, minlength=found.k).tolist(),
        "medoids": members[found.medoids].tolist(),
        "k_curve": [list(point) for point in found.k_curve or ()],
        "is_sampled": found.is_sampled,
    }


def cluster_options() -> dict[str, Option]:
    """The options of clustering inside classes."""
    return {
        "k": Option(
            kind="whole",
            words=(AUTO,),
            default=AUTO,
            least=1,
            most=1000,
            help="clusters per class, or auto: the number with the highest silhouette",
        ),
        "most_clusters": Option(
            kind="whole", default=10, least=2, most=100, help="largest number that auto tries"
        ),
        "metric": Option(
            kind="choice",
            choices=METRICS,
            default="euclidean",
            help="distance between features",
        ),
        "engine": Option(
            kind="choice",
            choices=(AUTO, *ENGINES),
            default=AUTO,
            help="K-Medoids program; auto is the own FasterPAM",
        ),
    }
