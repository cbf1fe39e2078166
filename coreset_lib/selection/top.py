"""The hardest samples, over all or class by class."""

from typing import Any

import numpy as np

from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy


def choose_top(problem: SelectionProblem) -> tuple[Indices, dict[str, Any]]:
    """Return the hardest candidates, hardest first; ties by index.

    References
    ----------
    EVA, sec. 3.2 (``balance`` global); the class-balanced forms are ours.
    """
    assert problem.score is not None
    order = problem.score.order()
    order = order[problem.is_candidate[order]]
    if problem.balance == "global":
        return order[: problem.n_keep], {}
    quotas = problem.quotas()
    labels = problem.labels[order]
    is_kept = np.zeros(len(order), dtype=np.bool_)
    for klass, quota in enumerate(quotas):
        is_kept[np.flatnonzero(labels == klass)[:quota]] = True
    return order[is_kept], {"quotas": quotas.tolist()}


TOP = Strategy(
    title="Top: the hardest samples",
    summary="Keeps the samples that rank hardest.",
    source="EVA, sec. 3.2",
    choose=choose_top,
)
