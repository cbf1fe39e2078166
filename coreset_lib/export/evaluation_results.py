"""The results of a comparison as a table to take away."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.atomic import csv_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import evaluations_folder
from coreset_lib.evaluation.first_table import first_table
from coreset_lib.evaluation.held_out import held_out_note
from coreset_lib.evaluation.kept_predictions import read_predictions
from coreset_lib.evaluation.plan import Cell, EvaluationPlan, plan_from_dict
from coreset_lib.evaluation.report import figure_table
from coreset_lib.evaluation.results import FIGURES, Cells, EvaluationPaths, read_cells
from coreset_lib.evaluation.standings import standings
from coreset_lib.evaluation.tied_scores import tied_scores
from coreset_lib.export.provenance import Export, make_export
from coreset_lib.runs.store import Run

KIND = "evaluation"
# Named in provenance files; those of version 0.1.0 name none and have their own table.
TABLE = "figures"


def export_evaluation(
    paths: EvaluationPaths, plan: EvaluationPlan, run: Run, *, figure: str = FIGURES[0]
) -> Export:
    """Return every figure as CSV with the plan, all trainings and verdicts as provenance.

    Parameters
    ----------
    paths : EvaluationPaths
    plan : EvaluationPlan
    run : Run
    figure : str
        What is judged on, one of :data:`coreset_lib.evaluation.results.FIGURES`.
    """
    return _export(paths, plan, run, read_cells(paths, plan), figure)


def evaluation_again(run: Run, record: Mapping[str, Any]) -> Export:
    """Make the table that a provenance tells of once more, from the trainings in the cache.

    Raises
    ------
    CoresetError
        If a training of then, or what its network predicted, is not in the cache any more, or
        the plan cannot be read.
    """
    plan, recorded = _recorded(record)
    paths = EvaluationPaths(evaluations_folder(run.paths.cache) / plan.evaluation_id)
    cells = {c: r for c, r in read_cells(paths, plan).items() if c in recorded}
    is_first = record.get("table") != TABLE
    whole = [c for c in cells if is_first or not recorded[c] or read_predictions(paths, c)]
    if len(whole) < len(recorded):
        raise CoresetError(
            f"comparison {plan.evaluation_id} must have its {len(recorded)} finished trainings in "
            f"the cache {run.paths.cache}, got {len(whole)}. Restore it from a copy, or train "
            "again with: coreset-lens evaluate"
        )
    if is_first:
        csv = csv_bytes(first_table(plan, cells).drop(columns="seconds", errors="ignore"))
        return _with_provenance(plan, run, cells, csv, {})
    return _export(paths, plan, run, cells, str(record.get("figure", FIGURES[0])))


def _export(
    paths: EvaluationPaths, plan: EvaluationPlan, run: Run, cells: Cells, figure: str
) -> Export:
    """Return the table of some finished trainings."""
    found = standings(paths, plan, cells, figure=figure)
    csv = csv_bytes(figure_table(found, run.manifest.dataset.class_names))
    return _with_provenance(plan, run, cells, csv, {"table": TABLE, "figure": figure})


def _with_provenance(
    plan: EvaluationPlan, run: Run, cells: Cells, csv: bytes, how: Mapping[str, Any]
) -> Export:
    """Add plan and trainings to a table."""
    details: dict[str, Any] = {**how, "plan": plan.as_dict(), "cells": list(cells.values())}
    note = held_out_note(run.manifest.dataset) if run.manifest.is_recorded else ""
    if note:
        details["held_out"] = note
    ties = tied_scores(run.dynamics(), plan)
    if ties:
        details["notes"] = ties
    return make_export(KIND, run, csv, details, n_epochs=run.status().epoch)


def _recorded(record: Mapping[str, Any]) -> tuple[EvaluationPlan, dict[Cell, bool]]:
    """Return the plan and the finished trainings of then, and whether predictions were kept."""
    try:
        cells = {Cell(**each["cell"]): "predictions" in each for each in record["cells"]}
        return plan_from_dict(record["plan"]), cells
    except (KeyError, TypeError, AttributeError):
        raise CoresetError(
            "the plan in the provenance has unknown fields. Use the version that wrote it."
        ) from None
