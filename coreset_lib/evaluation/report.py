"""The outcome of a comparison in plain words and as tables."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import FULL_SET, EvaluationPlan
from coreset_lib.evaluation.results import FIGURES, EvaluationPaths, read_cells
from coreset_lib.evaluation.standings import (
    BEST_ON_VAL,
    Figure,
    Standing,
    is_over_images,
    standings,
)
from coreset_lib.evaluation.verdicts.intervals import Difference
from coreset_lib.evaluation.verdicts.judging import MARGIN, SIGNIFICANCE, Loss, Verdict
from coreset_lib.runs.store import RunStore
from coreset_lib.spreadsheets import disarmed

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "macro_f1": "macro F1",
    "macro_precision": "macro precision",
    BEST_ON_VAL: "best accuracy on validation",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
}
DRAWS, DRAWS_AND_IMAGES = "draws", "draws and test images"
MISSING_PREDICTIONS = (
    "Trained before predictions were kept: the intervals are over draws alone. They say nothing "
    "about other test images, and precision and F1 are not known. A new comparison tells both."
)
ONLY_VALIDATION = "Protocol paper: the best epoch on validation, for published numbers only."


def class_names_of(paths: EvaluationPaths, plan: EvaluationPlan) -> tuple[str, ...]:
    """Return the names of the classes; none if the run is gone."""
    try:
        return RunStore(paths.root.parents[1]).find(plan.run_id).manifest.dataset.class_names
    except CoresetError:
        return ()


def cell_table(paths: EvaluationPaths, plan: EvaluationPlan) -> pd.DataFrame:
    """Return one row per finished training: strategy, rate, seed, figures on val and test."""
    rows: list[dict[str, Any]] = []
    for cell, result in read_cells(paths, plan).items():
        row: dict[str, Any] = {
            "strategy": cell.arm,
            "variant": cell.variant,
            "rate": cell.rate,
            "seed": cell.seed,
            "n_samples": result["n_samples"],
            "steps": result["steps"],
        }
        for split in ("val", "test"):
            row |= {f"{split}_{figure}": result[split].get(figure) for figure in FIGURES}
            recalls = enumerate(result[split]["recall"])
            row |= {f"{split}_recall_{klass}": value for klass, value in recalls}
        row["val_best_accuracy"] = result["val"]["best_accuracy"]
        rows.append(row)
    return pd.DataFrame(rows)


def summary_table(found: Sequence[Standing], class_names: Sequence[str] = ()) -> pd.DataFrame:
    """One row per strategy and rate, of the figure that is judged on.

    Parameters
    ----------
    found : sequence of Standing
        From :func:`coreset_lib.evaluation.standings.standings`.
    class_names : sequence of str
        For what pays.

    Returns
    -------
    DataFrame
        The columns of :func:`figure_table` that say something of the judged figure; empty
        where nothing is finished.
    """
    rows = [_row(each, each.judged_on, class_names) for each in found]
    return pd.DataFrame(rows).drop(columns="class_name", errors="ignore")


def figure_table(found: Sequence[Standing], class_names: Sequence[str] = ()) -> pd.DataFrame:
    """One row per strategy, rate and figure; the judged figure first, then by class.

    Returns
    -------
    DataFrame
        strategy, rate, figure, class_name, n_samples, variant, steps, seeds (draws), mean,
        standard_deviation and worst over draws, mean_low and mean_high (95 % interval),
        reference, reference_seeds, difference, low, high (95 % interval), p_value,
        interval_over; and of the judged figure q_value (Benjamini-Hochberg over the cells),
        verdict, pays, seeds_to_tell, headroom, headroom_won. Shares in [0, 1].
    """
    rows = [_row(each, figure, class_names) for each in found for figure in each.estimates]
    table = pd.DataFrame(rows)
    for column in ("class_name", "pays"):
        if column in table:
            table[column] = [
                disarmed(each) if isinstance(each, str) else each for each in table[column]
            ]
    return table


def verdict_lines(
    paths: EvaluationPaths, plan: EvaluationPlan, *, figure: str = FIGURES[0]
) -> list[str]:
    """Return one sentence per strategy and rate, for people, and what they do not tell."""
    found = standings(paths, plan, read_cells(paths, plan), figure=figure)
    names = class_names_of(paths, plan)
    return [*(standing_in_words(each, names) for each in found), *caveats(found)]


def caveats(found: Sequence[Standing]) -> list[str]:
    """Say what the intervals do not tell."""
    if not found:
        return []
    if found[0].judged_on.name == BEST_ON_VAL:
        return [ONLY_VALIDATION]
    return [] if is_over_images(found) else [MISSING_PREDICTIONS]


def standing_in_words(standing: Standing, class_names: Sequence[str] = ()) -> str:
    """Say in one line how a strategy did at one rate."""
    own = standing.estimates[standing.judged_on]
    name = standing.strategy
    what = name if name == FULL_SET else f"{name} at {100 * standing.rate:g} %"
    line = f"{what}: {figure_title(standing.judged_on, class_names)} {100 * own.mean:.1f} %"
    line += f" ± {100 * own.standard_deviation:.1f} points" if own.n_draws > 1 else " (one draw)"
    if standing.verdict is None or standing.reference is None:
        return line
    line += f"; {_judged(standing.verdict, standing.reference)}"
    losses = standing.verdict.losses
    if losses:
        joint = "and" if standing.verdict.word == "worse" else "but"
        line += f"; {joint} {losses_in_words(losses, class_names)}"
    if own.n_draws > 1:
        line += f"; worst of {own.n_draws} draws {100 * own.worst:.1f} %"
    return line + _won(standing)


def losses_in_words(losses: Sequence[Loss], class_names: Sequence[str] = ()) -> str:
    """Name what pays, the gravest first: "malignant pays: recall −13.1 points"."""
    return ", ".join(_loss_in_words(loss, class_names) for loss in losses)


def figure_title(figure: Figure, class_names: Sequence[str] = ()) -> str:
    """Name a figure for people."""
    title = TITLES[figure.name]
    return title if figure.klass is None else f"{title} of {_class_name(figure, class_names)}"


def _row(standing: Standing, figure: Figure, class_names: Sequence[str]) -> dict[str, Any]:
    """Return what is known of one figure of a strategy at a rate."""
    own, apart = standing.estimates[figure], standing.differences.get(figure)
    row: dict[str, Any] = {
        "strategy": standing.strategy,
        "rate": standing.rate,
        "figure": figure.name,
        "class_name": "" if figure.klass is None else _class_name(figure, class_names),
        "n_samples": standing.n_samples,
        "variant": standing.variant,
        "steps": standing.steps,
        "seeds": own.n_draws,
        "mean": own.mean,
        "standard_deviation": own.standard_deviation,
        "worst": own.worst,
        "mean_low": own.low,
        "mean_high": own.high,
    }
    if apart is not None:
        row |= _difference_columns(standing, apart)
    row["interval_over"] = DRAWS_AND_IMAGES if own.covers_images else DRAWS
    if figure == standing.judged_on and standing.verdict is not None:
        row |= _verdict_columns(standing, standing.verdict, class_names)
    return row


def _difference_columns(standing: Standing, apart: Difference) -> dict[str, Any]:
    """Return the columns of the difference from random."""
    return {
        "reference": standing.reference,
        "reference_seeds": apart.n_draws[1],
        "difference": apart.mean,
        "low": apart.low,
        "high": apart.high,
        "p_value": apart.p_value,
    }


def _verdict_columns(
    standing: Standing, verdict: Verdict, class_names: Sequence[str]
) -> dict[str, Any]:
    """Return the columns of the verdict."""
    room = standing.headroom
    return {
        "q_value": verdict.q_value,
        "verdict": verdict.word,
        "pays": losses_in_words(verdict.losses, class_names),
        "seeds_to_tell": verdict.draws_to_tell,
        "headroom": None if room is None else room.size,
        "headroom_won": None if room is None else room.share_won,
    }


def _judged(verdict: Verdict, reference: str) -> str:
    """Say the verdict with its interval, and what would decide an open one."""
    return "".join(_parts_of_verdict(verdict, reference))


def _parts_of_verdict(verdict: Verdict, reference: str) -> Iterator[str]:
    apart, word = verdict.difference, verdict.word
    relation = {
        "better": f"better than {reference}",
        "worse": f"worse than {reference}",
        "equivalent": f"equivalent to {reference} within {100 * MARGIN:g} point",
        "undecided": f"undecided against {reference}",
    }[word]
    yield f"{relation}: {_points(apart.mean)} points"
    if not apart.is_known:
        yield ", their spread is not known: more seeds would tell it"
        return
    yield f", 95 % interval {_points(apart.low)} to {_points(apart.high)}"
    if word in ("better", "worse") and verdict.q_value > SIGNIFICANCE:
        yield " (may be chance among all that was compared)"
    if word == "undecided" and verdict.draws_to_tell is not None:
        yield f", about {verdict.draws_to_tell} seeds would tell"
    elif word == "undecided":
        yield ", no number of seeds up to 1000 would tell on this test set"


def _loss_in_words(loss: Loss, class_names: Sequence[str]) -> str:
    """Say who pays, and how much."""
    figure = loss.figure
    assert isinstance(figure, Figure)
    apart = loss.difference
    span = f"{_points(apart.mean)} points ({_points(apart.low)} to {_points(apart.high)})"
    chance = "" if loss.is_beyond_chance else ", may be chance among all that was compared"
    if figure.klass is None:
        return f"{figure_title(figure)} is worse: {span}{chance}"
    return f"{_class_name(figure, class_names)} pays: {TITLES[figure.name]} {span}{chance}"


def _won(standing: Standing) -> str:
    """Say how much of the headroom is won, where there is some."""
    room = standing.headroom
    if room is None:
        return ""
    if room.size <= MARGIN:
        return f"; no headroom: all data bring {_points(room.size)} points over random"
    return (
        f"; wins {100 * room.share_won:.0f} % of the headroom of {100 * room.size:.1f} points "
        "that all data have over random"
    )


def _points(share: float) -> str:
    """Write a difference in points with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")


def _class_name(figure: Figure, class_names: Sequence[str]) -> str:
    """Return the name of a figure's class, or its number where names are not known."""
    assert figure.klass is not None
    is_named = figure.klass < len(class_names)
    return class_names[figure.klass] if is_named else f"class {figure.klass}"
