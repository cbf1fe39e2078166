"""Random samples: the baseline that everything is judged against."""

from typing import Any

import numpy as np

from coreset_lib.seeds import stream
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy


def choose_random(problem: SelectionProblem) -> tuple[Indices, dict[str, Any]]:
    """Return candidates drawn uniformly without replacement, seeded."""
    shuffled = stream(problem.seed, "random coreset").permutation(len(problem.labels))
    shuffled = shuffled[problem.is_candidate[shuffled]]
    if problem.balance == "global":
        return shuffled[: problem.n_keep], {}
    quotas = problem.quotas()
    labels = problem.labels[shuffled]
    kept = [np.flatnonzero(labels == klass)[:quota] for klass, quota in enumerate(quotas)]
    return shuffled[np.sort(np.concatenate(kept))], {"quotas": quotas.tolist()}


RANDOM = Strategy(
    title="Random",
    summary="Draws samples at random; what every other strategy has to beat.",
    source="baseline",
    choose=choose_random,
    needs_score=False,
)
