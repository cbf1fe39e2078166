"""One score of every training sample as a table to take away."""

from collections.abc import Mapping, Sequence
from typing import Any

from coreset_lib.atomic import csv_bytes
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.provenance import Export, make_export, notes_on, plugins_used
from coreset_lib.export.repetitions import recorded_names, recorded_repetitions, scores_of
from coreset_lib.export.tables import score_table
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import RankStability, rank_stability

KIND = "scores"


def export_scores(
    run: Run,
    score: ScoreValues,
    dynamics: TrainingDynamics,
    *,
    stability: RankStability | None = None,
    runs: Sequence[Run] | None = None,
) -> Export:
    """Return the table of one score of all samples, with provenance.

    Parameters
    ----------
    run : Run
    score : ScoreValues
    dynamics : TrainingDynamics
    stability : RankStability, optional
        The score over repetitions of the run; gives a column ``hardest_tenth``.
    runs : sequence of Run, optional
        These repetitions.
    """
    csv = csv_bytes(score_table(run.samples(), score, stability))
    details = {
        "score": score.name,
        "score_options": score.plain_options(),
        **recorded_names(runs),
        **notes_on(score),
        **plugins_used(score.name),
    }
    return make_export(KIND, run, csv, details, n_epochs=dynamics.n_epochs)


def scores_again(run: Run, record: Mapping[str, Any], dynamics: TrainingDynamics) -> Export:
    """Compute the score that a provenance tells of once more."""
    score = compute_score(dynamics, str(record.get("score")), record["score_options"])
    runs = recorded_repetitions(run, record)
    return export_scores(run, score, dynamics, stability=stability_over(runs, score), runs=runs)


def stability_over(runs: Sequence[Run] | None, score: ScoreValues) -> RankStability | None:
    """Compare a score, with its options, over repetitions of its run; None without any."""
    if runs is None:
        return None
    return rank_stability(scores_of(runs, score.name, score.options))
