"""What the pages read of refinements, and start, stop and continue: the library does the work."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from coreset_lib import workflows
from coreset_lib.cache import default_cache
from coreset_lib.export.provenance import Export
from coreset_lib.jobs.refinements import Refinement
from coreset_lib.refinement.experts import OpenRound, decided_labels, open_round
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.report import curve_table, judgement_table
from coreset_lib.refinement.results import read_cells
from coreset_lib.refinement.sentences import StrategyFinding, judgement_in_words, strategy_findings
from coreset_lib.runs.summary import ACTIVE_STATES, RunSummary
from dashboard import reads
from dashboard.review import data as review_data
from dashboard.review.data import Review
from dashboard.shared.text import time_in_words


@dataclass(frozen=True, eq=False)
class Asked:
    """A refinement that waits for labels, and the samples it asks about, most useful first."""

    refinement: Refinement
    round: OpenRound
    sample_ids: tuple[str, ...]

    @property
    def n_rounds(self) -> int:
        """Rounds in all."""
        return self.refinement.plan.n_rounds


@dataclass(frozen=True, kw_only=True)
class AskedProgress:
    """How far the labels of a round have come in.

    ``n_decided`` are decided for good, ``n_waiting`` need a second reader or an end of a
    disagreement, the rest nobody has labelled.
    """

    n_asked: int
    n_decided: int
    n_waiting: int

    @property
    def is_complete(self) -> bool:
        """Whether every label is decided for good."""
        return self.n_decided == self.n_asked


@dataclass(frozen=True, eq=False)
class Findings:
    """What a refinement has found so far."""

    curves: pd.DataFrame
    judgement: list[str]
    strategies: list[StrategyFinding]


def refinements(run_id: str) -> list[Refinement]:
    """Return the refinements of a run as they are now, newest first."""
    return workflows.refinements(run_id, cache=default_cache())


def is_active(refinement: Refinement) -> bool:
    """Whether a process works on it or is about to."""
    return refinement.status.state in ACTIVE_STATES


def start(plan: RefinementPlan) -> None:
    """Start a refinement in the background, or go on with it."""
    workflows.start_refinement(plan, cache=default_cache())


def stop(refinement: Refinement) -> None:
    """End a refinement; its finished steps are kept."""
    workflows.stop_refinement(refinement)


def asked_in(found: Sequence[Refinement], summary: RunSummary) -> Asked | None:
    """Return the first of a run's refinements that waits for people; None if none does."""
    return next(filter(None, (asked_by(each, summary) for each in found)), None)


def asked_by(refinement: Refinement, summary: RunSummary) -> Asked | None:
    """Return what a refinement of a run asks people now; None if it asks nothing."""
    found = open_round(refinement.paths, refinement.plan)
    if found is None:
        return None
    ids = reads.read_samples(summary.version)["sample_id"].to_numpy()
    return Asked(refinement, found, tuple(ids[found.rows].tolist()))


def people_under_way(found: Sequence[Refinement]) -> Refinement | None:
    """Return one of the refinements by people whose next round is being prepared now."""
    return next((r for r in found if r.plan.expert == "people" and is_active(r)), None)


def progress_of(asked: Asked, review: Review) -> AskedProgress:
    """Count the labels that have come in."""
    n_decided = len(decided_labels(asked.sample_ids, review.states))
    states = [review.states[name] for name in asked.sample_ids if name in review.states]
    n_waiting = sum(state.status in ("proposed", "conflict") for state in states)
    return AskedProgress(n_asked=len(asked.sample_ids), n_decided=n_decided, n_waiting=n_waiting)


def go_on_with_labels(asked: Asked) -> None:
    """Give a refinement the labels of the review, and go on with it in the background."""
    workflows.continue_refinement(asked.refinement, labels=review_data.reviews())


def findings(refinement: Refinement) -> Findings:
    """Return curves, judgement and verdicts of what is finished."""
    paths, plan = refinement.paths, refinement.plan
    cells = read_cells(paths, plan)
    curves = curve_table(plan, cells, paths)
    judgement = judgement_in_words(judgement_table(paths, plan))
    return Findings(curves, judgement, strategy_findings(plan, cells, curves, paths))


def export(refinement: Refinement) -> Export:
    """Return the results with provenance, as the command line writes them."""
    return workflows.export_refinement(refinement)


def knows_truth(summary: RunSummary) -> bool:
    """Whether a simulated expert would know the answers."""
    return reads.store().at(summary.folder).true_labels() is not None


def can_estimate(summary: RunSummary) -> bool:
    """Whether the noise rate can be estimated from what the run recorded."""
    return reads.open_dynamics(summary.version).has("probabilities")


def cost_in_words(summary: RunSummary, plan: RefinementPlan) -> str:
    """Say what a refinement will train, and roughly how long by the speed of the run."""
    n_seeds = len(plan.seeds)
    n_trainings = plan.n_steps - n_seeds
    text = f"{n_seeds} × two networks that judge the labels, then {n_trainings} trainings"
    text += f" of {plan.epochs} epochs."
    epochs = [m["seconds"] for m in reads.read_metrics(summary.folder) if "seconds" in m]
    if not epochs or plan.model != summary.model:
        return text
    seconds = sum(epochs) / len(epochs) * plan.epochs * (n_trainings + 2 * n_seeds)
    return f"{text} At the speed of this run about {time_in_words(seconds)}."
