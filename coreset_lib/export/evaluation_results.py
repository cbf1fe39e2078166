"""The results of a comparison as a table to take away."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.atomic import csv_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import evaluations_folder
from coreset_lib.evaluation.held_out import held_out_note
from coreset_lib.evaluation.plan import Cell, EvaluationPlan, plan_from_dict
from coreset_lib.evaluation.results import EvaluationPaths, read_cells, summary_table
from coreset_lib.evaluation.tied_scores import tied_scores
from coreset_lib.export.provenance import Export, make_export
from coreset_lib.runs.store import Run

KIND = "evaluation"


def export_evaluation(paths: EvaluationPaths, plan: EvaluationPlan, run: Run) -> Export:
    """Return the summary as CSV with the plan, all trainings and verdicts as provenance."""
    return _export(plan, run, read_cells(paths, plan))


def evaluation_again(run: Run, record: Mapping[str, Any]) -> Export:
    """Make the table that a provenance tells of once more, from the trainings in the cache.

    Raises
    ------
    CoresetError
        If a training of then is not in the cache any more, or the plan cannot be read.
    """
    plan, recorded = _recorded(record)
    paths = EvaluationPaths(evaluations_folder(run.paths.cache) / plan.evaluation_id)
    cells = {c: r for c, r in read_cells(paths, plan).items() if c in recorded}
    if len(cells) < len(recorded):
        raise CoresetError(
            f"comparison {plan.evaluation_id} must have its {len(recorded)} finished trainings in "
            f"the cache {run.paths.cache}, got {len(cells)}. Restore it from a copy, or train "
            "again with: coreset-lens evaluate"
        )
    return _export(plan, run, cells)


def _export(plan: EvaluationPlan, run: Run, cells: dict[Cell, dict[str, Any]]) -> Export:
    """Return the table of some finished trainings."""
    csv = csv_bytes(summary_table(plan, cells).drop(columns="seconds", errors="ignore"))
    details: dict[str, Any] = {"plan": plan.as_dict(), "cells": list(cells.values())}
    note = held_out_note(run.manifest.dataset) if run.manifest.is_recorded else ""
    if note:
        details["held_out"] = note
    ties = tied_scores(run.dynamics(), plan)
    if ties:
        details["notes"] = ties
    return make_export(KIND, run, csv, details, n_epochs=run.status().epoch)


def _recorded(record: Mapping[str, Any]) -> tuple[EvaluationPlan, set[Cell]]:
    """Return the plan and the finished trainings of then; raises CoresetError for others."""
    try:
        cells = {Cell(**each["cell"]) for each in record["cells"]}
        return plan_from_dict(record["plan"]), cells
    except (KeyError, TypeError, AttributeError):
        raise CoresetError(
            "the plan in the provenance has unknown fields. Use the version that wrote it."
        ) from None
