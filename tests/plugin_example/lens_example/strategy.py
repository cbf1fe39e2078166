"""A strategy: samples at even distances along the ranking."""

import numpy as np

from coreset_lib.selection.problem import Strategy


def choose_evenly(problem):
    """Return candidates at even distances in the order of the score, in each part."""
    chosen = []
    for _, members, quota in problem.parts():
        ranked = members[np.argsort(-problem.score.difficulty[members], kind="stable")]
        chosen.append(ranked[np.arange(quota) * len(ranked) // quota])
    return np.concatenate(chosen), {}


EVENLY = Strategy(
    title="Evenly along the ranking",
    summary="Keeps easy and hard samples alike.",
    source="an example",
    choose=choose_evenly,
)
