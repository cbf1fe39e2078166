"""The table of curves with paired intervals, for provenance files that name no table."""

from typing import Any

import pandas as pd

from coreset_lib.evaluation.paired import compare_paired
from coreset_lib.refinement.plan import RefinementPlan, RoundCell
from coreset_lib.refinement.report import FIGURE, REFERENCES, means_of, records_of
from coreset_lib.refinement.results import Record


def first_table(plan: RefinementPlan, cells: dict[RoundCell, Record]) -> pd.DataFrame:
    """One row per query strategy and round, as :func:`~coreset_lib.refinement.report.curve_table`.

    Differences are paired by seed, and verdicts are those of
    :class:`coreset_lib.evaluation.paired.PairedComparison`.
    """
    rows: list[dict[str, Any]] = []
    for arm in plan.arms:
        for n_round in range(plan.n_rounds + 1):
            records = records_of(plan, cells, arm, n_round)
            if records is None:
                continue
            row = {"query": arm, "round": n_round, "seeds": len(records), **means_of(records)}
            for reference in REFERENCES:
                theirs = records_of(plan, cells, reference, n_round)
                if reference != arm and theirs is not None:
                    row |= _comparison(reference, records, theirs)
            rows.append(row)
    return pd.DataFrame(rows)


def _comparison(reference: str, ours: list[Record], theirs: list[Record]) -> dict[str, Any]:
    """Return the columns of a paired comparison of one round."""
    sides = [[record["test"][FIGURE] for record in records] for records in (ours, theirs)]
    found, name = compare_paired(*sides), reference.replace(", ", "_")
    return {
        f"difference_to_{name}": found.mean,
        f"low_{name}": found.low,
        f"high_{name}": found.high,
        f"verdict_{name}": found.verdict,
    }
