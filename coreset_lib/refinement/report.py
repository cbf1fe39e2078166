"""What a refinement found: curves against the budget, and how right its judgement was."""

import math
from typing import Any

import numpy as np
import pandas as pd

from coreset_lib.evaluation.paired import PairedComparison, compare_paired
from coreset_lib.refinement.plan import JUDGED, PLAIN, RefinementPlan, RoundCell
from coreset_lib.refinement.results import Record, RefinementPaths, read_judgement

REFERENCES = ("random", PLAIN)


def curve_table(plan: RefinementPlan, cells: dict[RoundCell, Record]) -> pd.DataFrame:
    """One row per query strategy and round whose trainings are finished for every seed.

    Returns
    -------
    DataFrame
        query, round, labels (mean number of answers), seeds; mean and standard deviation of
        accuracy and balanced accuracy on test at the final epoch; wrong and wrong_trained
        (number of wrong labels left in all and among the samples trained on, likewise; empty
        where nobody knows); for each reference that is another strategy the paired difference in
        accuracy with its 95 % interval and verdict.
    """
    rows: list[dict[str, Any]] = []
    for arm in plan.arms:
        for n_round in range(plan.n_rounds + 1):
            records = _records(plan, cells, arm, n_round)
            if records is None:
                continue
            row = {"query": arm, "round": n_round, "seeds": len(records), **_means(records)}
            for reference in REFERENCES:
                theirs = _records(plan, cells, reference, n_round)
                if reference != arm and theirs is not None:
                    row |= _comparison(reference, _accuracy(records), _accuracy(theirs))
            rows.append(row)
    return pd.DataFrame(rows)


def compare_curves(
    plan: RefinementPlan, cells: dict[RoundCell, Record], arm: str, reference: str
) -> PairedComparison | None:
    """Compare the mean accuracy over all rounds with that of a reference, seed by seed.

    Returns
    -------
    PairedComparison or None
        Differences of the mean over rounds 1 to the last; None while trainings miss.
    """
    ours, theirs = (_curve_means(plan, cells, name) for name in (arm, reference))
    return None if ours is None or theirs is None else compare_paired(ours, theirs)


def judgement_table(paths: RefinementPaths, plan: RefinementPlan) -> pd.DataFrame:
    """One row per seed: assumed and true noise rate, labels called wrong, how right that was."""
    rows: list[dict[str, Any]] = []
    for seed in plan.seeds:
        record = read_judgement(paths, seed)
        if record is None:
            continue
        row = {k: record[k] for k in ("seed", "noise_rate", "true_rate", "n_noisy")}
        figures = record["figures"] or {}
        names = ("n_wrong", "precision", "recall", "clean_called_noisy", "minority", "majority")
        row |= {name: figures.get(name) for name in names}
        rows.append(row | {"test_accuracy": record["test"]["accuracy"]})
    return pd.DataFrame(rows)


def _records(
    plan: RefinementPlan, cells: dict[RoundCell, Record], arm: str, n_round: int
) -> list[Record] | None:
    """Return the trainings of all seeds; None while one is missing."""
    if arm not in plan.arms:
        return None
    name = arm if n_round or arm == PLAIN else JUDGED
    wanted = [RoundCell(seed=seed, arm=name, n_round=n_round) for seed in plan.seeds]
    return None if any(cell not in cells for cell in wanted) else [cells[c] for c in wanted]


def _curve_means(
    plan: RefinementPlan, cells: dict[RoundCell, Record], arm: str
) -> list[float] | None:
    """Return the mean accuracy over the rounds of each seed."""
    rounds = [_records(plan, cells, arm, number) for number in range(1, plan.n_rounds + 1)]
    finished = [_accuracy(records) for records in rounds if records is not None]
    if not finished or len(finished) < len(rounds):
        return None
    return np.mean(finished, axis=0).tolist()


def _accuracy(records: list[Record]) -> list[float]:
    """Accuracy on test of each seed."""
    return [record["test"]["accuracy"] for record in records]


def _means(records: list[Record]) -> dict[str, float]:
    """Average what the seeds gave."""
    means: dict[str, float] = {"labels": float(np.mean([r["n_labels"] for r in records]))}
    for figure in ("accuracy", "balanced_accuracy"):
        values = [record["test"][figure] for record in records]
        means[figure] = float(np.mean(values))
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        means[f"{figure}_deviation"] = deviation
    for name, key in (("wrong", "n_wrong"), ("wrong_trained", "n_wrong_trained")):
        counts = [record[key] for record in records]
        is_known, has_spread = None not in counts, None not in counts and len(counts) > 1
        means[name] = float(np.mean(counts)) if is_known else math.nan
        means[f"{name}_deviation"] = float(np.std(counts, ddof=1)) if has_spread else math.nan
    return means


def _comparison(reference: str, ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return the columns of a paired comparison of one round."""
    found, name = compare_paired(ours, theirs), reference.replace(", ", "_")
    return {
        f"difference_to_{name}": found.mean,
        f"low_{name}": found.low,
        f"high_{name}": found.high,
        f"verdict_{name}": found.verdict,
    }
