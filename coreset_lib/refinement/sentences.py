"""What a refinement found, in plain sentences: the judgement, and whether asking paid."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from coreset_lib.evaluation.paired import compare_paired
from coreset_lib.evaluation.verdicts.intervals import Difference
from coreset_lib.evaluation.verdicts.judging import MARGIN, judge
from coreset_lib.evaluation.verdicts.planning import draws_to_tell
from coreset_lib.refinement.plan import PLAIN, RefinementPlan, RoundCell
from coreset_lib.refinement.report import (
    REFERENCES,
    compare_curves,
    curve_table,
    judgement_table,
)
from coreset_lib.refinement.results import Record, RefinementPaths, read_cells


@dataclass(frozen=True, kw_only=True)
class StrategyFinding:
    """What became of one query strategy.

    Attributes
    ----------
    arm : str
    result : str
        Accuracy, and wrong labels left, after the last finished round.
    comparisons : tuple of (verdict, sentence)
        One per reference once all rounds are finished, verdicts as of
        :func:`coreset_lib.evaluation.verdicts.judging.judge`.
    """

    arm: str
    result: str
    comparisons: tuple[tuple[str, str], ...]


def judgement_in_words(table: pd.DataFrame) -> list[str]:
    """Say how many labels co-teaching calls wrong, and where the truth is known, how rightly.

    Parameters
    ----------
    table : DataFrame
        From :func:`coreset_lib.refinement.report.judgement_table`.

    Returns
    -------
    list of str
        Empty where nothing is judged yet.
    """
    if table.empty:
        return []
    numbers = table.astype(float)
    means: dict[Any, float] = numbers.mean().to_dict()
    over = "" if len(table) == 1 else f" (mean of {len(table)} seeds)"
    line = (
        f"{means['n_noisy']:,.0f} labels are called wrong{over}: the noise rate is taken to be "
        f"{_percent(means['noise_rate'])}"
    )
    if math.isnan(means["true_rate"]):
        return [f"{line}. How right that is, nobody knows here."]
    lines = [f"{line}, and {_percent(means['true_rate'])} of the labels are truly wrong."]
    lines.append(
        f"Precision: {_percent(means['precision'])} of the labels called wrong are wrong. "
        f"Recall: {_percent(means['recall'])} of the wrong labels are called wrong."
    )
    return [*lines, *_protection_in_words(numbers, means)]


def strategy_findings(
    plan: RefinementPlan,
    cells: dict[RoundCell, Record],
    table: pd.DataFrame,
    paths: RefinementPaths | None = None,
) -> list[StrategyFinding]:
    """Say for each strategy how it did, and plainly whether it beat the random references.

    Parameters
    ----------
    plan : RefinementPlan
    cells : dict
        From :func:`coreset_lib.refinement.results.read_cells`.
    table : DataFrame
        From :func:`coreset_lib.refinement.report.curve_table`.
    paths : RefinementPaths, optional
        Where predictions lie: with them, intervals are over draws and test images.

    Returns
    -------
    list of StrategyFinding
        In the order of the plan; strategies without a finished round are left out.
    """
    found: list[StrategyFinding] = []
    for arm in plan.arms:
        rows = table[table["query"] == arm] if len(table) else table
        if len(rows):
            result = _result_in_words(rows.iloc[0].to_dict(), rows.iloc[-1].to_dict())
            compared = _comparisons(plan, cells, arm, paths)
            found.append(StrategyFinding(arm=arm, result=result, comparisons=compared))
    return found


def verdict_lines(paths: RefinementPaths, plan: RefinementPlan) -> list[str]:
    """Return what the judgement and each query strategy came to, a line each."""
    cells = read_cells(paths, plan)
    findings = strategy_findings(plan, cells, curve_table(plan, cells, paths), paths)
    return judgement_in_words(judgement_table(paths, plan)) + [
        " ".join([f"{found.arm}: {found.result}", *(text for _, text in found.comparisons)])
        for found in findings
    ]


def comparison_in_words(found: Difference, reference: str) -> str:
    """Say plainly whether a strategy beats a reference, with the interval.

    Points are of accuracy, on average over the rounds.
    """
    points, n_draws = f"{100 * found.mean:+.1f} points", min(found.n_draws)
    if n_draws < 2:
        return f"One seed cannot tell whether it beats “{reference}” ({points}). Take three."
    if not found.is_known:
        return (
            f"{n_draws} seeds cannot tell whether it beats “{reference}” ({points} with each "
            "of them, so their spread is not known). Take more."
        )
    over = " and the test images" if found.covers_images else ""
    points += (
        f" (95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}, over "
        f"{n_draws} seeds of each{over})"
    )
    word = judge(found)
    if word == "better":
        return f"Beats “{reference}”: {points}."
    if word == "worse":
        return f"Does not beat “{reference}”, it is worse: {points}."
    if word == "equivalent":
        return f"Equal to “{reference}” within {100 * MARGIN:g} point: {points}."
    text = f"Undecided against “{reference}”: {points}."
    n_needed = draws_to_tell(found, margin=MARGIN)
    return text if n_needed is None else f"{text} About {n_needed} seeds would tell."


def _protection_in_words(numbers: pd.DataFrame, means: dict[Any, float]) -> list[str]:
    """Say how often rightly labelled samples of small and large classes are called wrong."""
    both = numbers[["minority", "majority"]].dropna()
    if both.empty:
        return []
    line = (
        f"Rightly labelled samples that are called wrong: {_percent(means['minority'])} in "
        f"minority classes, {_percent(means['majority'])} in the others"
    )
    found = compare_paired(both["minority"], both["majority"])
    if found.n_seeds < 2:
        return [f"{line} (one seed)."]
    if math.isnan(found.low):
        return [f"{line} ({100 * found.mean:+.1f} points with each of {found.n_seeds} seeds)."]
    words = {"better": "more often", "worse": "less often"}
    told = words.get(found.verdict, "no difference seen")
    return [
        f"{line}. Minority samples: {told} ({100 * found.mean:+.1f} points, 95 % interval "
        f"{100 * found.low:+.1f} to {100 * found.high:+.1f}, {found.n_seeds} seeds)."
    ]


def _result_in_words(first: dict[Any, Any], last: dict[Any, Any]) -> str:
    """Say where a strategy began and how far it came."""
    line = f"{_percent(last['accuracy'])} accuracy after {last['labels']:,.0f} labels"
    if last["round"] > first["round"]:
        line += f", {_percent(first['accuracy'])} before any"
    if not math.isnan(last["wrong"]):
        line += f"; {last['wrong']:,.0f} of {first['wrong']:,.0f} wrong labels left"
    return line + "."


def _comparisons(
    plan: RefinementPlan, cells: dict[RoundCell, Record], arm: str, paths: RefinementPaths | None
) -> tuple[tuple[str, str], ...]:
    """Compare a strategy with every reference that is another one."""
    found: list[tuple[str, str]] = []
    for reference in REFERENCES:
        if arm in (reference, PLAIN) or reference not in plan.arms:
            continue
        compared = compare_curves(plan, cells, arm, reference, paths)
        if compared is not None:
            found.append((judge(compared), comparison_in_words(compared, reference)))
    return tuple(found)


def _percent(share: float) -> str:
    """Write a share; NaN where there was nothing to divide by."""
    return "none" if math.isnan(share) else f"{100 * share:.1f} %"
