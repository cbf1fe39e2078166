"""Results of finished judgements and trainings: one small file each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coreset_lib.atomic import write_json
from coreset_lib.plans import PlanPaths, damaged_plan, make_plan_folder, read_step
from coreset_lib.refinement.plan import RefinementPlan, RoundCell, plan_from_dict

Record = dict[str, Any]


@dataclass(frozen=True)
class RefinementPaths(PlanPaths):
    """Where the parts of one refinement lie."""

    def cell(self, cell: RoundCell) -> Path:
        """One finished training."""
        return self.cells / f"{cell.key}.json"

    def judgement(self, seed: int) -> Path:
        """What co-teaching with one seed found."""
        return self.cells / f"judgement-{seed}.json"

    def noisy_flags(self, seed: int) -> Path:
        """Labels that it calls wrong, bool, shape (samples,)."""
        return self.cells / f"verdict-{seed}.npy"

    def pair(self, seed: int) -> Path:
        """What each of the two co-teaching networks says of train, where a strategy asks it."""
        return self.root / f"pair-{seed}.npy"

    def predictions(self, cell: RoundCell) -> Path:
        """What the network of a training said of val and test."""
        return self.root / "predictions" / f"{cell.key}.npy"

    def truth(self, part: str) -> Path:
        """Labels of val or test, which predictions are judged by."""
        return self.root / f"truth_{part}.npy"

    def answers(self, n_round: int) -> Path:
        """What people answered in one round."""
        return self.root / f"answers-{n_round}.json"

    def queries(self, n_round: int) -> Path:
        """What people are asked in one round, a table to fill in."""
        return self.root / f"queries-{n_round}.csv"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.root / "refine.log"


def refinements_folder(cache: Path) -> Path:
    """Folder of all refinements below a cache directory."""
    return cache / "refinements"


def create_refinement(cache: Path, plan: RefinementPlan) -> RefinementPaths:
    """Make the plan's directory, or find it with the steps that are finished.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    paths = RefinementPaths(refinements_folder(cache) / plan.refinement_id)
    make_plan_folder(paths, plan.as_dict())
    return paths


def read_plan(paths: RefinementPaths) -> RefinementPlan:
    """Read the plan of a refinement; raises CoresetError if it is damaged."""
    try:
        return plan_from_dict(json.loads(paths.plan.read_bytes())["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged_plan("refinement", paths) from None


def read_judgement(paths: RefinementPaths, seed: int) -> Record | None:
    """Return a finished judgement; an unreadable one counts as not finished."""
    record = read_step(paths.judgement(seed), seed=seed)
    return record if paths.noisy_flags(seed).exists() else None


def write_cell(paths: RefinementPaths, cell: RoundCell, result: Mapping[str, Any]) -> None:
    """Keep the result of a training, whole or not at all."""
    write_json(paths.cell(cell), {"cell": asdict(cell), **result})


def read_cell(paths: RefinementPaths, cell: RoundCell) -> Record | None:
    """Return a finished training; an unreadable one counts as not finished."""
    return read_step(paths.cell(cell), cell=asdict(cell))


def read_cells(paths: RefinementPaths, plan: RefinementPlan) -> dict[RoundCell, Record]:
    """Return all finished trainings of a plan."""
    found = {cell: read_cell(paths, cell) for seed in plan.seeds for cell in plan.cells_of(seed)}
    return {cell: record for cell, record in found.items() if record is not None}


def count_finished(paths: RefinementPaths, plan: RefinementPlan) -> int:
    """Return how many judgements and trainings are finished."""
    judged = sum(read_judgement(paths, seed) is not None for seed in plan.seeds)
    return judged + len(read_cells(paths, plan))
