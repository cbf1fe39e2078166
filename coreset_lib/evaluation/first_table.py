"""The table of results as version 0.1.0 wrote it, for provenance files of then."""

import math
from typing import Any

import numpy as np
import pandas as pd

from coreset_lib.evaluation.paired import PairedComparison, compare_paired
from coreset_lib.evaluation.plan import FULL_SET, Arm, Cell, EvaluationPlan, is_random
from coreset_lib.evaluation.results import Cells, chosen_variant, read_values


def first_table(plan: EvaluationPlan, cells: Cells) -> pd.DataFrame:
    """One row per strategy and rate whose cells are finished.

    Parameters
    ----------
    plan : EvaluationPlan
    cells : mapping
        From :func:`read_cells`.

    Returns
    -------
    DataFrame
        strategy, rate, n_samples, variant, mean, standard_deviation, reference,
        difference, low, high, verdict, seeds, seeds_to_tell, steps, seconds; the
        difference is against random with the same class balance.
    """
    rows: list[dict[str, Any]] = []
    for rate in sorted(plan.rates):
        for arm in plan.all_arms():
            variant = chosen_variant(plan, cells, arm, rate)
            if variant is not None:
                rows.append(_row(plan, cells, arm.name, variant, rate))
                _add_comparison(rows[-1], plan, cells, arm, variant, rate)
    if read_values(plan.cells_of(FULL_SET, 0, 1.0), cells, "test", "accuracy") is not None:
        rows.append(_row(plan, cells, FULL_SET, 0, 1.0))
    return pd.DataFrame(rows)


def _row(
    plan: EvaluationPlan,
    cells: Cells,
    arm: str,
    variant: int,
    rate: float,
) -> dict[str, Any]:
    """Describe the results of one arm at one rate."""
    values = _accuracies(plan, cells, arm, variant, rate)
    assert values is not None
    first = cells[Cell(arm=arm, variant=variant, rate=rate, seed=0)]
    seconds = [cells[c]["seconds"] for c in plan.cells_of(arm, variant, rate)]
    return {
        "strategy": arm,
        "rate": rate,
        "n_samples": first["n_samples"],
        "variant": variant,
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        "seeds": len(values),
        "steps": first["steps"],
        "seconds": float(np.mean(seconds)),
    }


def _add_comparison(
    row: dict[str, Any],
    plan: EvaluationPlan,
    cells: Cells,
    arm: Arm,
    variant: int,
    rate: float,
) -> None:
    """Add the paired comparison with random, unless the arm is random itself."""
    if is_random(arm.name):
        return
    ours = _accuracies(plan, cells, arm.name, variant, rate)
    random = _accuracies(plan, cells, arm.reference, 0, rate)
    if ours is None or random is None:
        return
    found: PairedComparison = compare_paired(ours, random)
    row |= {
        "reference": arm.reference,
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "verdict": found.verdict,
        "seeds_to_tell": found.seeds_to_tell,
    }


def _accuracies(
    plan: EvaluationPlan, cells: Cells, arm: str, variant: int, rate: float
) -> list[float] | None:
    """Return what the protocol looked at, per seed; None while a seed is missing."""
    wanted = plan.cells_of(arm, variant, rate)
    if plan.protocol == "paper":
        return read_values(wanted, cells, "val", "best_accuracy")
    return read_values(wanted, cells, "test", "accuracy")
