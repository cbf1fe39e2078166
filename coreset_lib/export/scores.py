"""One score of every training sample as a table to take away."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.atomic import csv_bytes
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.provenance import Export, make_export, notes_on, plugins_used
from coreset_lib.export.tables import score_table
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues

KIND = "scores"


def export_scores(run: Run, score: ScoreValues, dynamics: TrainingDynamics) -> Export:
    """Return the table of one score of all samples, with provenance."""
    csv = csv_bytes(score_table(run.samples(), score))
    details = {
        "score": score.name,
        "score_options": score.plain_options(),
        **notes_on(score),
        **plugins_used(score.name),
    }
    return make_export(KIND, run, csv, details, n_epochs=dynamics.n_epochs)


def scores_again(run: Run, record: Mapping[str, Any], dynamics: TrainingDynamics) -> Export:
    """Compute the score that a provenance tells of once more."""
    score = compute_score(dynamics, str(record.get("score")), record["score_options"])
    return export_scores(run, score, dynamics)
