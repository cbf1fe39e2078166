"""CCS: coverage-centric selection, the same budget from every stratum of a score."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.scores.score import Option
from coreset_lib.seeds import stream
from coreset_lib.selection.groups import even_quotas, take_per_group
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

DEFAULT_STRATA = 50


def choose_ccs(problem: SelectionProblem, *, strata: int) -> tuple[Indices, dict[str, Any]]:
    """Return samples drawn at random from equal-width strata of the score, evenly over these.

    The noise cut of the problem is CCS's beta: the candidates are what it left. With a class
    balance each class has its own strata.

    Returns
    -------
    indices : int array, shape (n_keep,), in the order of the draw
    report : dict
        Range of the score, count and quota of every stratum.

    References
    ----------
    Zheng et al., Coverage-centric coreset selection for high pruning rates (2023), Algorithm 1.
    """
    assert problem.score is not None
    shuffled = stream(problem.seed, "ccs").permutation(len(problem.labels))
    is_kept = np.zeros(len(shuffled), dtype=np.bool_)
    report: list[dict[str, Any]] = []
    for title, members, quota in problem.parts():
        is_member = np.zeros(len(shuffled), dtype=np.bool_)
        is_member[members] = True
        drawn = shuffled[is_member[shuffled]]
        values = problem.score.values[drawn]
        stratum = find_strata(values, strata)
        counts = np.bincount(stratum, minlength=strata)
        quotas = even_quotas(quota, counts)
        is_kept[drawn[take_per_group(stratum, quotas)]] = True
        report.append(
            {
                "part": title,
                "range": [float(values.min()), float(values.max())],
                "counts": counts.tolist(),
                "quotas": quotas.tolist(),
            }
        )
    return shuffled[is_kept[shuffled]], {"strata": report}


def find_strata(values: NDArray[np.float64], n_strata: int) -> NDArray[np.int64]:
    """Return the equal-width stratum of each value, 0 to ``n_strata`` - 1; 0 if all are equal."""
    low = values.min()
    width = (values.max() - low) / n_strata
    if not width > 0:
        return np.zeros(len(values), dtype=np.int64)
    return np.minimum(((values - low) / width).astype(np.int64), n_strata - 1)


CCS = Strategy(
    title="CCS (coverage-centric)",
    summary="Draws evenly from easy to hard: the same budget from every stratum of the score.",
    source="Zheng et al. 2023",
    choose=choose_ccs,
    options={
        "strata": Option(
            kind="whole",
            default=DEFAULT_STRATA,
            least=1,
            most=10_000,
            help="equal-width strata of the score",
        )
    },
)
