"""The results of a refinement as a table to take away."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.atomic import csv_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export, make_export
from coreset_lib.refinement.first_table import first_table
from coreset_lib.refinement.plan import RefinementPlan, RoundCell, plan_from_dict
from coreset_lib.refinement.report import curve_table
from coreset_lib.refinement.results import (
    RefinementPaths,
    read_cells,
    read_judgement,
    refinements_folder,
)
from coreset_lib.runs.store import Run

KIND = "refinement"
# Named in provenance files; those from before name none and have their own table.
TABLE = "draws"


def export_refinement(paths: RefinementPaths, plan: RefinementPlan, run: Run) -> Export:
    """Return the curves as CSV, with plan, judgements and all trainings as provenance."""
    cells = read_cells(paths, plan)
    csv = csv_bytes(curve_table(plan, cells, paths))
    return _with_provenance(paths, plan, run, cells, csv, {"table": TABLE})


def refinement_again(run: Run, record: Mapping[str, Any]) -> Export:
    """Make the table that a provenance tells of once more, from the trainings in the cache.

    Raises
    ------
    CoresetError
        If a training of then is not in the cache any more, or the plan cannot be read.
    """
    plan, recorded = _recorded(record)
    paths = RefinementPaths(refinements_folder(run.paths.cache) / plan.refinement_id)
    cells = {c: r for c, r in read_cells(paths, plan).items() if c in recorded}
    if len(cells) < len(recorded):
        raise CoresetError(
            f"refinement {plan.refinement_id} must have its {len(recorded)} finished trainings in "
            f"the cache {run.paths.cache}, got {len(cells)}. Restore it from a copy, or train "
            "again with: coreset-lens refine start"
        )
    if record.get("table") != TABLE:
        return _with_provenance(paths, plan, run, cells, csv_bytes(first_table(plan, cells)), {})
    csv = csv_bytes(curve_table(plan, cells, paths))
    return _with_provenance(paths, plan, run, cells, csv, {"table": TABLE})


def _with_provenance(
    paths: RefinementPaths,
    plan: RefinementPlan,
    run: Run,
    cells: dict[RoundCell, dict[str, Any]],
    csv: bytes,
    how: Mapping[str, Any],
) -> Export:
    """Add plan, judgements and trainings to a table."""
    judgements = [read_judgement(paths, seed) for seed in plan.seeds]
    details: dict[str, Any] = {
        **how,
        "plan": plan.as_dict(),
        "judgements": [record for record in judgements if record is not None],
        "cells": list(cells.values()),
    }
    return make_export(KIND, run, csv, details, n_epochs=run.status().epoch)


def _recorded(record: Mapping[str, Any]) -> tuple[RefinementPlan, set[RoundCell]]:
    """Return the plan and the finished trainings of then; raises CoresetError for others."""
    try:
        cells = {RoundCell(**each["cell"]) for each in record["cells"]}
        return plan_from_dict(record["plan"]), cells
    except (KeyError, TypeError, AttributeError):
        raise CoresetError(
            "the plan in the provenance has unknown fields. Use the version that wrote it."
        ) from None
