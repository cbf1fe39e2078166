"""How each strategy of a comparison stands at each rate: figures with intervals, and a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.kept_predictions import read_predictions
from coreset_lib.evaluation.plan import FULL_SET, Arm, Cell, EvaluationPlan, is_random
from coreset_lib.evaluation.results import (
    FIGURES,
    Cells,
    EvaluationPaths,
    chosen_variant,
    read_values,
)
from coreset_lib.evaluation.verdicts.contributions import PER_CLASS, Predictions, contributions
from coreset_lib.evaluation.verdicts.intervals import (
    Difference,
    Draws,
    Estimate,
    difference,
    estimate,
)
from coreset_lib.evaluation.verdicts.judging import Headroom, Verdict, headroom, judge_all

BEST_ON_VAL = "best_val_accuracy"
GUARDED = ("accuracy", "balanced_accuracy", "macro_auc", "recall")


@dataclass(frozen=True)
class Figure:
    """What is measured: a figure of the whole test set, or one of a class, by its number."""

    name: str
    klass: int | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One strategy at one rate, all its draws trained.

    Attributes
    ----------
    strategy : str
    rate : float
    n_samples, steps : int
        Samples kept, and updates taken.
    variant : int
        The one that validation chose.
    seconds : float
        Mean time of a training.
    judged_on : Figure
    estimates : dict of Figure to Estimate
        All that were kept; ``judged_on`` first.
    reference : str or None
        The random arm that it is judged against; None for random and the full set.
    differences : dict of Figure to Difference
        From the reference.
    verdict : Verdict or None
    headroom : Headroom or None
        Where the full set was trained.
    """

    strategy: str
    rate: float
    n_samples: int
    steps: int
    variant: int
    seconds: float
    judged_on: Figure
    estimates: dict[Figure, Estimate]
    reference: str | None = None
    differences: dict[Figure, Difference] = field(default_factory=dict[Figure, Difference])
    verdict: Verdict | None = None
    headroom: Headroom | None = None


@dataclass(frozen=True, kw_only=True)
class _Group:
    """All draws of one arm at one rate."""

    arm: str
    rate: float
    variant: int
    reference: str | None
    cells: Sequence[Cell]
    draws: dict[Figure, Draws]


def standings(
    paths: EvaluationPaths, plan: EvaluationPlan, cells: Cells, *, figure: str = FIGURES[0]
) -> list[Standing]:
    """Judge every strategy and rate whose trainings are finished, all together.

    Parameters
    ----------
    paths : EvaluationPaths
        Where predictions lie, if they were kept.
    plan : EvaluationPlan
    cells : mapping
        From :func:`coreset_lib.evaluation.results.read_cells`.
    figure : str
        One of ``FIGURES``: what is judged on, on test at the final epoch (protocol ``honest``);
        it also chooses variants, on validation. A plan of protocol ``paper`` looks at the
        best-epoch accuracy on validation instead, only to compare with published numbers.

    Returns
    -------
    list of Standing
        By rate, then as in the plan; the full set last.

    Raises
    ------
    CoresetError
        If the figure is unknown, not defined on test, or was not kept.
    """
    check_choice("figure", figure, FIGURES)
    judged_on = Figure(BEST_ON_VAL) if plan.protocol == "paper" else Figure(figure)
    full, found = _full_set(paths, plan, cells, judged_on), list[Standing]()
    for rate in sorted(plan.rates):
        references: dict[str, _Group] = {}
        for arm in sorted(plan.all_arms(), key=lambda arm: not is_random(arm.name)):
            group = _group(paths, plan, cells, arm, rate, judged_on)
            if group is None:
                continue
            if is_random(arm.name):
                references[arm.name] = group
            reference = None if group.reference is None else references.get(group.reference)
            found.append(_standing(group, reference, cells, judged_on, full))
    if full is not None:
        found.append(_standing(full, None, cells, judged_on, None))
    return _in_order_of_plan(plan, _with_verdicts(found))


def draws_of(
    paths: EvaluationPaths,
    plan: EvaluationPlan,
    cells: Cells,
    strategy: str,
    rate: float,
    *,
    figure: str = FIGURES[0],
) -> dict[Figure, Draws] | None:
    """Return every figure of all draws of a strategy, to compare it with another than random.

    Parameters
    ----------
    paths, plan, cells, figure
        As of :func:`standings`.
    strategy : str
        Name of an arm, or ``FULL_SET``.
    rate : float
        Of no account for the full set.

    Returns
    -------
    dict of Figure to Draws, or None
        The given figure first, of the variant that it chose on validation; None while
        trainings miss.
    """
    if strategy == FULL_SET:
        full = _full_set(paths, plan, cells, Figure(figure))
        return None if full is None else full.draws
    (arm,) = (arm for arm in plan.all_arms() if arm.name == strategy)
    group = _group(paths, plan, cells, arm, rate, Figure(figure))
    return None if group is None else group.draws


def is_over_images(found: Sequence[Standing]) -> bool:
    """Whether every interval speaks of other test images too; not without predictions."""
    known = [each.estimates[each.judged_on] for each in found if each.estimates]
    return all(each.covers_images for each in known)


def _group(
    paths: EvaluationPaths,
    plan: EvaluationPlan,
    cells: Cells,
    arm: Arm,
    rate: float,
    judged_on: Figure,
) -> _Group | None:
    """Read the draws of an arm at a rate; None while trainings miss."""
    chosen_by = "best_accuracy" if judged_on.name == BEST_ON_VAL else judged_on.name
    variant = chosen_variant(plan, cells, arm, rate, chosen_by)
    if variant is None:
        return None
    wanted = plan.cells_of(arm.name, variant, rate)
    reference = None if is_random(arm.name) else arm.reference
    return _Group(
        arm=arm.name,
        rate=rate,
        variant=variant,
        reference=reference,
        cells=wanted,
        draws=_read_draws(paths, cells, wanted, judged_on),
    )


def _full_set(
    paths: EvaluationPaths, plan: EvaluationPlan, cells: Cells, judged_on: Figure
) -> _Group | None:
    """Read the trainings on all samples; None while one is missing."""
    wanted = plan.cells_of(FULL_SET, 0, 1.0)
    if any(cell not in cells for cell in wanted):
        return None
    draws = _read_draws(paths, cells, wanted, judged_on)
    return _Group(arm=FULL_SET, rate=1.0, variant=0, reference=None, cells=wanted, draws=draws)


def _read_draws(
    paths: EvaluationPaths, cells: Cells, wanted: Sequence[Cell], judged_on: Figure
) -> dict[Figure, Draws]:
    """Return every figure of some trainings, the judged one first, with contributions if kept."""
    if judged_on.name == BEST_ON_VAL:
        values = read_values(wanted, cells, "val", "best_accuracy")
        return {judged_on: Draws(np.array(values, dtype=np.float64))}
    read_values(wanted, cells, "test", judged_on.name)  # raises where it is not defined
    said = [read_predictions(paths, cell) for cell in wanted]
    known = [each for each in said if each is not None]
    is_whole = len(known) == len(wanted)
    return {
        figure: Draws(values, _contributions(known, figure) if is_whole else None)
        for figure, values in _read_figures(cells, wanted, judged_on)
    }


def _read_figures(
    cells: Cells, wanted: Sequence[Cell], judged_on: Figure
) -> Iterator[tuple[Figure, NDArray[np.float64]]]:
    """Yield every figure that was kept and is defined for all trainings."""
    n_classes = len(cells[wanted[0]]["test"]["recall"])
    overall = dict.fromkeys((judged_on.name, *FIGURES))
    figures = [Figure(name) for name in overall]
    figures += [Figure(name, klass) for name in PER_CLASS for klass in range(n_classes)]
    for figure in figures:
        try:
            values = read_values(wanted, cells, "test", figure.name, figure.klass)
        except CoresetError:  # not kept, or no sample of that class: nothing is said of it
            continue
        yield figure, np.array(values, dtype=np.float64)


def _contributions(said: Sequence[Predictions], figure: Figure) -> NDArray[np.float32]:
    """Return how far each image moves a figure, shape (draws, images)."""
    return np.array(
        [contributions(each, figure.name, figure.klass) for each in said], dtype=np.float32
    )


def _standing(
    group: _Group, reference: _Group | None, cells: Cells, judged_on: Figure, full: _Group | None
) -> Standing:
    """Describe a strategy at a rate, still without its verdict."""
    records: list[dict[str, Any]] = [cells[cell] for cell in group.cells]
    differences: dict[Figure, Difference] = {}
    room = None
    if reference is not None:
        shared = [figure for figure in group.draws if figure in reference.draws]
        differences = {f: difference(group.draws[f], reference.draws[f]) for f in shared}
        if full is not None:
            means = [float(each.draws[judged_on].values.mean()) for each in (full, reference)]
            room = headroom(means[0], means[1], differences[judged_on].mean)
    return Standing(
        strategy=group.arm,
        rate=group.rate,
        n_samples=records[0]["n_samples"],
        steps=records[0]["steps"],
        variant=group.variant,
        seconds=float(np.mean([record["seconds"] for record in records])),
        judged_on=judged_on,
        estimates={figure: estimate(draws) for figure, draws in group.draws.items()},
        reference=None if reference is None else reference.arm,
        differences=differences,
        headroom=room,
    )


def _with_verdicts(found: list[Standing]) -> list[Standing]:
    """Judge all cells of the comparison together."""
    judged = [each for each in found if each.differences]
    guarded = [
        {figure: d for figure, d in each.differences.items() if _is_guarded(figure, each)}
        for each in judged
    ]
    verdicts = iter(judge_all([each.differences[each.judged_on] for each in judged], guarded))
    return [replace(each, verdict=next(verdicts)) if each.differences else each for each in found]


def _is_guarded(figure: Figure, standing: Standing) -> bool:
    """Whether a figure must not be worse for a strategy to be plainly better."""
    return figure.name in GUARDED and figure != standing.judged_on


def _in_order_of_plan(plan: EvaluationPlan, found: list[Standing]) -> list[Standing]:
    """Sort by rate, then as in the plan; the full set last."""
    order = [arm.name for arm in plan.all_arms()]

    def place(standing: Standing) -> tuple[bool, float, int]:
        is_full = standing.strategy == FULL_SET
        return is_full, standing.rate, 0 if is_full else order.index(standing.strategy)

    return sorted(found, key=place)
