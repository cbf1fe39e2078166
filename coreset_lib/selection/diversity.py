"""Diversity inside classes: the same budget from every cluster, drawn or by a score."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.scores.score import Option
from coreset_lib.seeds import stream
from coreset_lib.selection.class_clusters import (
    ClassClusters,
    cluster_options,
    cluster_within_classes,
)
from coreset_lib.selection.geometry import reduced_features, variance_option
from coreset_lib.selection.groups import even_quotas, take_per_group
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

Chosen = tuple[Indices, dict[str, Any], NDArray[np.int64]]


def choose_diverse(
    problem: SelectionProblem, *, variance: float, medoids_first: str, **options: Any
) -> Chosen:
    """Return samples drawn uniformly inside the clusters of each class, evenly over these.

    Features are reduced by PCA, the candidates of each class clustered by K-Medoids, the
    budget split evenly over clusters (of all classes, or of a class with a class balance)
    and redistributed where a cluster is too small. With fewer samples than clusters the
    largest clusters get one each.

    Parameters
    ----------
    problem : SelectionProblem
        With features.
    variance : float
        Share of the variance that PCA keeps.
    medoids_first : {"no", "yes"}
        Whether a cluster gives its medoid before it gives others.
    **options
        Of :func:`cluster_within_classes`.

    Returns
    -------
    indices : int array, shape (n_keep,)
    report : dict
        PCA, and per class k, silhouette, sizes, quotas and medoids of the clusters.
    clusters : int64 array, shape (samples,)

    Raises
    ------
    CoresetError
        If a class has fewer samples than clusters were asked for.

    References
    ----------
    Coreset selection based on intra-class diversity (arXiv 2509.21380), sec. 4.
    """
    clusters, report = _clusters(problem, variance, options)
    order = stream(problem.seed, "diversity").permutation(problem.candidates())
    if medoids_first == "yes":
        is_medoid = np.isin(order, clusters.medoids)
        order = np.concatenate([order[is_medoid], order[~is_medoid]])
    return _take(problem, order, clusters, report)


def choose_hybrid(problem: SelectionProblem, *, variance: float, **options: Any) -> Chosen:
    """Return the hardest samples of every cluster: a score inside diversity strata.

    Clusters and quotas as in :func:`choose_diverse`.

    Returns
    -------
    indices : int array, shape (n_keep,), hardest first
    report : dict
    clusters : int64 array, shape (samples,)
    """
    assert problem.score is not None
    clusters, report = _clusters(problem, variance, options)
    order = problem.score.order()
    return _take(problem, order[problem.is_candidate[order]], clusters, report)


def _clusters(
    problem: SelectionProblem, variance: float, options: dict[str, Any]
) -> tuple[ClassClusters, dict[str, Any]]:
    """Cluster the candidates inside their classes and say how the features were reduced."""
    reduced, pca = reduced_features(problem, variance)
    clusters = cluster_within_classes(
        reduced,
        problem.labels,
        tuple(map(problem.class_title, range(problem.n_classes))),
        seed=problem.seed,
        is_member=problem.is_candidate,
        **options,
    )
    return clusters, {"pca": pca}


def _take(
    problem: SelectionProblem, order: Indices, clusters: ClassClusters, report: dict[str, Any]
) -> Chosen:
    """Take each cluster's quota in ``order`` and complete the report."""
    quotas = _cluster_quotas(problem, clusters)
    kept = order[take_per_group(clusters.labels[order], quotas)]
    records = [
        {**record, "quotas": quotas[record["clusters"]].tolist()} for record in clusters.records
    ]
    return kept, {**report, "clusters": records}, clusters.labels


def _cluster_quotas(problem: SelectionProblem, clusters: ClassClusters) -> NDArray[np.int64]:
    """Split the budget evenly over all clusters, or each class's quota over its own."""
    counts = np.bincount(clusters.labels[problem.is_candidate], minlength=clusters.n_clusters)
    if problem.balance == "global":
        return even_quotas(problem.n_keep, counts)
    quotas = np.zeros(clusters.n_clusters, dtype=np.int64)
    for klass, quota in enumerate(problem.quotas()):
        here = np.flatnonzero(clusters.class_of == klass)
        quotas[here] = even_quotas(int(quota), counts[here])
    return quotas


DIVERSITY = Strategy(
    title="Diversity inside classes",
    summary="Clusters each class and draws the same number from every cluster.",
    source="arXiv 2509.21380",
    choose=choose_diverse,
    needs_score=False,
    needs_features=True,
    options={
        "variance": variance_option(),
        **cluster_options(),
        "medoids_first": Option(
            kind="choice",
            choices=("no", "yes"),
            default="no",
            help="take the medoid of each cluster before others",
        ),
    },
)
HYBRID = Strategy(
    title="Hybrid: a score inside clusters",
    summary="Clusters each class and keeps the hardest samples of every cluster.",
    source="this project, on arXiv 2509.21380",
    choose=choose_hybrid,
    needs_features=True,
    options={"variance": variance_option(), **cluster_options()},
)
