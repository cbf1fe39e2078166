"""Verdicts as rows of tables, in percent and points."""

from collections.abc import Sequence
from typing import Any

from coreset_lib.evaluation.plan import FULL_SET
from coreset_lib.evaluation.report import TITLES, losses_in_words
from coreset_lib.evaluation.standings import Figure, Standing
from coreset_lib.evaluation.verdicts.contributions import PER_CLASS
from coreset_lib.evaluation.verdicts.intervals import Difference, Estimate
from coreset_lib.evaluation.verdicts.judging import Verdict

ICONS = {
    "better": ":green[▲]",
    "better, but": ":orange[△]",
    "worse": ":orange[▼]",
    "equivalent": "＝",
    "undecided": "◆",
}


def verdict_icon(verdict: Verdict | None) -> str:
    """Return the sign of a verdict; one of its own where somebody pays for a gain."""
    if verdict is None:
        return "·"
    is_paid_for = verdict.word == "better" and verdict.losses
    return ICONS["better, but" if is_paid_for else verdict.word]


def verdict_rows(found: Sequence[Standing], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """One row per strategy and rate: what is judged on, its interval, verdict and headroom."""
    return [_verdict_row(each, class_names) for each in found]


def rows_of_classes(found: Sequence[Standing], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """One row per strategy, rate and class: figures with intervals, and recall against random."""
    return [
        _class_row(each, klass, class_names)
        for each in found
        for klass in range(len(class_names))
        if Figure("recall", klass) in each.estimates
    ]


def _verdict_row(standing: Standing, class_names: Sequence[str]) -> dict[str, Any]:
    own, apart = standing.estimates[standing.judged_on], None
    verdict, room = standing.verdict, standing.headroom
    if verdict is not None:
        apart = verdict.difference
    return {
        "strategy": standing.strategy,
        "share kept": _share(standing),
        "samples": standing.n_samples,
        f"{TITLES[standing.judged_on.name]}, %": _estimate(own),
        "± points": _number(own.standard_deviation),
        "worst draw, %": _number(own.worst),
        "draws": own.n_draws,
        "difference from random, points": "" if apart is None else _difference(apart),
        "verdict": "" if verdict is None else verdict.word,
        "who pays": "" if verdict is None else losses_in_words(verdict.losses, class_names),
        "q (all comparisons)": "" if verdict is None else _q_value(verdict.q_value),
        "headroom, points": "" if room is None else _number(room.size),
        "updates": standing.steps,
    }


def _class_row(standing: Standing, klass: int, class_names: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "strategy": standing.strategy,
        "share kept": _share(standing),
        "class": class_names[klass],
    }
    for name in PER_CLASS:
        figure = Figure(name, klass)
        own = standing.estimates.get(figure)
        row[f"{TITLES[name]}, %"] = "" if own is None else _estimate(own)
        apart = standing.differences.get(figure)
        row[f"{TITLES[name]} against random, points"] = "" if apart is None else _difference(apart)
    return row


def _share(standing: Standing) -> str:
    return "" if standing.strategy == FULL_SET else f"{100 * standing.rate:g} %"


def _estimate(found: Estimate) -> str:
    """Write a mean with its interval."""
    if found.low != found.low:
        return _number(found.mean)
    low, high = max(found.low, 0.0), min(found.high, 1.0)
    return f"{_number(found.mean)} ({_number(low)} to {_number(high)})"


def _difference(found: Difference) -> str:
    """Write a difference with its interval."""
    if not found.is_known:
        return f"{100 * found.mean:+.1f}"
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _number(share: float) -> str:
    return "" if share != share else f"{100 * share:.1f}"


def _q_value(value: float) -> str:
    return "" if value != value else "< 0.001" if value < 0.001 else f"{value:.3f}"
