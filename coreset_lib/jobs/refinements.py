"""Refinements in the background: a detached process that outlives whoever started it."""

from dataclasses import dataclass
from pathlib import Path

from coreset_lib.jobs.processes.detached import (
    check_idle,
    check_under_way,
    end_work,
    newest_first,
    start_work,
    work_status,
)
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.refiner import check_plan
from coreset_lib.refinement.results import (
    RefinementPaths,
    count_finished,
    create_refinement,
    read_plan,
    refinements_folder,
)
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import RunStore

KIND = "refinement"


@dataclass(frozen=True)
class Refinement:
    """One refinement in the cache, and how far it is."""

    paths: RefinementPaths
    plan: RefinementPlan
    status: Status


def start(cache: Path, plan: RefinementPlan) -> RefinementPaths:
    """Start a refinement, or go on with it; finished steps are kept.

    Raises
    ------
    CoresetError
        If it is under way already, its expert would not know the answers, or no process can
        be started.
    """
    check_plan(RunStore(cache).find(plan.run_id), plan)
    paths = create_refinement(cache, plan)
    check_no_work(paths)
    done = count_finished(paths, plan)
    queued = Status(state="queued", epoch=done, epochs=plan.n_steps, step="starting")
    start_work(paths, paths.log, "coreset_lib.refinement", KIND, queued)
    return paths


def check_no_work(paths: RefinementPaths) -> None:
    """Raise CoresetError if a process works on a refinement."""
    check_idle(work_status(paths), KIND)


def stop(paths: RefinementPaths) -> None:
    """End a refinement; its finished steps are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way.
    """
    end_work(paths, check_under_way(work_status(paths), KIND))


def refinements_of(cache: Path, run_id: str) -> list[Refinement]:
    """Return the refinements of a run, newest first; damaged ones are left out."""

    def open_one(path: Path) -> Refinement | None:
        paths = RefinementPaths(path)
        plan = read_plan(paths)
        if plan.run_id != run_id:
            return None
        return Refinement(paths, plan, work_status(paths) or Status(state="stopped"))

    return newest_first(refinements_folder(cache), open_one)
