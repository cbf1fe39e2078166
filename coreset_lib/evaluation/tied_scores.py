"""Which scores of a comparison tell few of the samples apart."""

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig


def scored_selections(plan: EvaluationPlan) -> list[SelectionConfig]:
    """Return the selections of a plan's contestants that use a score."""
    return [each for arm in plan.all_arms() for each in arm.variants if each.score is not None]


def tied_scores(dynamics: TrainingDynamics, plan: EvaluationPlan) -> list[str]:
    """Return a sentence for every score of a plan that ties most samples, each once.

    Parameters
    ----------
    dynamics : TrainingDynamics
        Of the run that the plan is about.
    plan : EvaluationPlan

    Raises
    ------
    CoresetError
        If a score cannot be computed: a window is too short, or something was not recorded.
    """
    notes: dict[str, None] = {}
    for each in scored_selections(plan):
        assert each.score is not None
        note = compute_score(dynamics, each.score, each.score_options).tie_note
        if note:
            notes[note] = None
    return list(notes)
