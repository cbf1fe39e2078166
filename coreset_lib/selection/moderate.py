"""Moderate coreset: samples at the median distance from the centre of their class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.selection.geometry import reduced_features, squared_distances, variance_option
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

Float64s = NDArray[np.float64]


def choose_moderate(
    problem: SelectionProblem, *, variance: float
) -> tuple[Indices, dict[str, Any]]:
    """Return the samples whose distance to their class's mean is nearest to the median one.

    Means are those of the candidates; the median is that of all candidates, or of each class
    with a class balance.

    Returns
    -------
    indices : int array, shape (n_keep,)
        Nearest to the median first, part by part; ties by index.
    report : dict
        Per part the median distance and the range of those kept.

    References
    ----------
    Xia et al., Moderate coreset: a universal method of data selection for real-world
    data-efficient deep learning (2023), sec. 3.
    """
    reduced, pca = reduced_features(problem, variance)
    distances = distances_to_class_means(reduced.astype(np.float64), problem)
    chosen: list[Indices] = []
    report: list[dict[str, Any]] = []
    for title, members, quota in problem.parts():
        median = float(np.median(distances[members]))
        order = np.argsort(np.abs(distances[members] - median), kind="stable")
        kept = members[order[:quota]]
        chosen.append(kept)
        span = [float(distances[kept].min()), float(distances[kept].max())]
        report.append({"part": title, "kept": quota, "median": median, "range": span})
    return np.concatenate(chosen), {"pca": pca, "parts": report}


def distances_to_class_means(points: Float64s, problem: SelectionProblem) -> Float64s:
    """Return the distance of each candidate to the mean of its class; NaN for the others."""
    distances = np.full(len(points), np.nan)
    candidates = problem.candidates()
    for klass in range(problem.n_classes):
        members = candidates[problem.labels[candidates] == klass]
        if len(members):
            mean = points[members].mean(axis=0)
            distances[members] = np.sqrt(squared_distances(points[members], mean))
    return distances


MODERATE = Strategy(
    title="Moderate",
    summary="Keeps samples neither typical nor far out: at the median distance of their class.",
    source="Xia et al. 2023",
    choose=choose_moderate,
    needs_score=False,
    needs_features=True,
    options={"variance": variance_option()},
)
