"""Herding: kept samples whose mean stays as close as can be to the mean of all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.selection.geometry import reduced_features, variance_option
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

Float64s = NDArray[np.float64]


def choose_by_herding(
    problem: SelectionProblem, *, variance: float
) -> tuple[Indices, dict[str, Any]]:
    """Return samples chosen greedily so that their mean approaches that of all candidates.

    With a class balance, the mean of each class.

    Returns
    -------
    indices : int array, shape (n_keep,)
        In the order of choice, part by part; ties by index.
    report : dict
        Per part the distance between the mean of the kept and of all.

    References
    ----------
    Welling, Herding dynamical weights to learn (2009); in the form of Rebuffi et al., iCaRL
    (2017), Algorithm 4.
    """
    reduced, pca = reduced_features(problem, variance)
    chosen: list[Indices] = []
    report: list[dict[str, Any]] = []
    for title, members, quota in problem.parts():
        rows, gap = herd(reduced[members].astype(np.float64), quota)
        chosen.append(members[rows])
        report.append({"part": title, "kept": quota, "distance_of_means": gap})
    return np.concatenate(chosen), {"pca": pca, "parts": report}


def herd(points: Float64s, n_keep: int) -> tuple[Indices, float]:
    """Return the greedy choice and the distance of its mean from the mean of all points.

    Notes
    -----
    With z = x - mean, the next sample minimises the norm of the sum of z over the kept, that
    is |z|² + 2 z · sum: one product of the points with a vector per step.
    """
    centred = points - points.mean(axis=0)
    costs = np.einsum("sf,sf->s", centred, centred)
    total = np.zeros(points.shape[1])
    chosen = np.empty(n_keep, dtype=np.intp)
    for step in range(n_keep):
        new = int((costs + 2 * (centred @ total)).argmin())
        total += centred[new]
        costs[new] = np.inf
        chosen[step] = new
    return chosen, float(np.linalg.norm(total / n_keep))


HERDING = Strategy(
    title="Herding",
    summary="Keeps samples whose mean stays close to the mean of all.",
    source="Welling 2009; Rebuffi et al. 2017",
    choose=choose_by_herding,
    needs_score=False,
    needs_features=True,
    options={"variance": variance_option()},
)
