"""What a refinement found: curves against the budget, and how right its judgement was."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.evaluation.kept_predictions import read_predictions
from coreset_lib.evaluation.verdicts.contributions import contributions
from coreset_lib.evaluation.verdicts.intervals import Difference, Draws, difference
from coreset_lib.evaluation.verdicts.judging import judge
from coreset_lib.refinement.plan import JUDGED, PLAIN, RefinementPlan, RoundCell
from coreset_lib.refinement.results import Record, RefinementPaths, read_judgement

REFERENCES = ("random", PLAIN)
FIGURE = "accuracy"


def curve_table(
    plan: RefinementPlan, cells: dict[RoundCell, Record], paths: RefinementPaths | None = None
) -> pd.DataFrame:
    """One row per query strategy and round whose trainings are finished for every seed.

    Parameters
    ----------
    plan : RefinementPlan
    cells : dict
        From :func:`coreset_lib.refinement.results.read_cells`.
    paths : RefinementPaths, optional
        Where predictions lie: with them, intervals are over draws and test images.

    Returns
    -------
    DataFrame
        query, round, labels (mean number of answers), seeds; mean and standard deviation of
        accuracy and balanced accuracy on test at the final epoch; wrong and wrong_trained
        (number of wrong labels left in all and among the samples trained on, likewise; empty
        where nobody knows); for each reference that is another strategy the difference in
        accuracy with its 95 % interval and verdict (better, equivalent, worse or undecided, see
        :mod:`coreset_lib.evaluation.verdicts`).
    """
    rows: list[dict[str, Any]] = []
    for arm in plan.arms:
        for n_round in range(plan.n_rounds + 1):
            records = records_of(plan, cells, arm, n_round)
            if records is None:
                continue
            row = {"query": arm, "round": n_round, "seeds": len(records), **means_of(records)}
            ours = _draws(plan, cells, arm, (n_round,), paths)
            for reference in REFERENCES:
                theirs = _draws(plan, cells, reference, (n_round,), paths)
                if reference != arm and ours is not None and theirs is not None:
                    row |= _comparison(reference, difference(ours, theirs))
            rows.append(row)
    return pd.DataFrame(rows)


def compare_curves(
    plan: RefinementPlan,
    cells: dict[RoundCell, Record],
    arm: str,
    reference: str,
    paths: RefinementPaths | None = None,
) -> Difference | None:
    """Compare the mean accuracy over all rounds with that of a reference.

    Parameters as for :func:`curve_table`.

    Returns
    -------
    Difference or None
        Of the means over rounds 1 to the last; None while trainings miss. Seeds are draws of
        each side by itself: equal seeds hardly pair.
    """
    rounds = range(1, plan.n_rounds + 1)
    ours, theirs = (_draws(plan, cells, name, rounds, paths) for name in (arm, reference))
    return None if ours is None or theirs is None else difference(ours, theirs)


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


def _cells_of(plan: RefinementPlan, arm: str, n_round: int) -> list[RoundCell]:
    """Return the trainings of all seeds; none for a strategy that does not take part."""
    name = arm if n_round or arm == PLAIN else JUDGED
    is_part = arm in plan.arms
    return [RoundCell(seed=s, arm=name, n_round=n_round) for s in plan.seeds if is_part]


def records_of(
    plan: RefinementPlan, cells: dict[RoundCell, Record], arm: str, n_round: int
) -> list[Record] | None:
    """Return the trainings of all seeds; None while one is missing."""
    wanted = _cells_of(plan, arm, n_round)
    return [cells[c] for c in wanted] if wanted and all(c in cells for c in wanted) else None


def _draws(
    plan: RefinementPlan,
    cells: dict[RoundCell, Record],
    arm: str,
    rounds: Sequence[int],
    paths: RefinementPaths | None,
) -> Draws | None:
    """Return the accuracy of each seed, mean over some rounds; None while one is missing."""
    found = [records_of(plan, cells, arm, number) for number in rounds]
    finished = [records for records in found if records is not None]
    if not finished or len(finished) < len(found):
        return None
    values = [[record["test"][FIGURE] for record in records] for records in finished]
    moved = [_contributions(paths, _cells_of(plan, arm, number)) for number in rounds]
    known = [each for each in moved if each is not None]
    is_whole = len(known) == len(moved)
    return Draws(np.mean(values, axis=0), np.mean(known, axis=0) if is_whole else None)


def _contributions(
    paths: RefinementPaths | None, wanted: Sequence[RoundCell]
) -> NDArray[np.float64] | None:
    """Return how far each test image moves the accuracy of each seed; None if not kept."""
    said = [None if paths is None else read_predictions(paths, cell) for cell in wanted]
    known = [contributions(each, FIGURE) for each in said if each is not None]
    return np.array(known) if len(known) == len(said) else None


def means_of(records: list[Record]) -> dict[str, float]:
    """Average what the seeds gave: the columns of a table of curves."""
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


def _comparison(reference: str, found: Difference) -> dict[str, Any]:
    """Return the columns of a comparison of one round."""
    name = reference.replace(", ", "_")
    return {
        f"difference_to_{name}": found.mean,
        f"low_{name}": found.low,
        f"high_{name}": found.high,
        f"verdict_{name}": judge(found),
    }
