"""k-center: every sample close to a kept one."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.scores.score import Option
from coreset_lib.seeds import stream
from coreset_lib.selection.geometry import (
    reduced_features,
    squared_distances,
    variance_option,
)
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

Float64s = NDArray[np.float64]
# Distances that differ by rounding alone must not be taken for a bound.
SLACK = 1e-9


def choose_k_center(
    problem: SelectionProblem, *, variance: float, start: str
) -> tuple[Indices, dict[str, Any]]:
    """Return samples chosen greedily, each the farthest from those before.

    Parameters
    ----------
    problem : SelectionProblem
        With features.
    variance : float
        Share of the variance that PCA keeps.
    start : {"center", "random"}
        First sample: the one nearest to the mean, or a draw.

    Returns
    -------
    indices : int array, shape (n_keep,)
        In the order of choice, part by part; ties by index.
    report : dict
        Per part the radius: the largest distance of a sample to the nearest kept one, at
        most twice the smallest possible.

    References
    ----------
    Gonzalez (1985); Sener and Savarese, Active learning for convolutional neural networks: a
    core-set approach (2018), Algorithm 1.
    """
    reduced, pca = reduced_features(problem, variance)
    chosen: list[Indices] = []
    report: list[dict[str, Any]] = []
    for number, (title, members, quota) in enumerate(problem.parts()):
        points = reduced[members].astype(np.float64)
        first = int(squared_distances(points, points.mean(axis=0)).argmin())
        if start == "random":
            first = int(stream(problem.seed, "k_center", number).integers(len(points)))
        rows, radius = farthest_first(points, quota, first=first)
        chosen.append(members[rows])
        report.append({"part": title, "kept": quota, "radius": radius})
    return np.concatenate(chosen), {"pca": pca, "parts": report}


def farthest_first(points: Float64s, n_keep: int, *, first: int) -> tuple[Indices, float]:
    """Return the farthest-first traversal from ``first`` and the radius that it leaves.

    Notes
    -----
    A new centre c takes point x from its centre o only if d(o, c) < 2 d(o, x), by the triangle
    inequality. Only those distances are computed, so the cost per step falls as centres
    accumulate; the result is that of the plain algorithm.
    """
    chosen = np.full(n_keep, first, dtype=np.intp)
    nearest: Float64s = squared_distances(points, points[first])
    owner = np.zeros(len(points), dtype=np.intp)
    nearest[first] = -1.0  # below every distance, so that copies of a centre come before it
    for step in range(1, n_keep):
        new = int(nearest.argmax())
        between = squared_distances(points[chosen[:step]], points[new])
        rows = np.flatnonzero(between[owner] < 4 * (1 + SLACK) * nearest)
        distances = squared_distances(points[rows], points[new])
        is_closer = distances < nearest[rows]
        nearest[rows[is_closer]] = distances[is_closer]
        owner[rows[is_closer]] = step
        nearest[new] = -1.0
        chosen[step] = new
    return chosen, math.sqrt(max(float(nearest.max()), 0.0))


K_CENTER = Strategy(
    title="k-center",
    summary="Keeps samples far from each other, so that every sample is close to a kept one.",
    source="Sener and Savarese 2018",
    choose=choose_k_center,
    needs_score=False,
    needs_features=True,
    options={
        "variance": variance_option(),
        "start": Option(
            kind="choice",
            choices=("center", "random"),
            default="center",
            help="first sample: nearest to the mean, or drawn",
        ),
    },
)
