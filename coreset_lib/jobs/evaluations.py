"""Comparisons in the background: a detached process that outlives the dashboard."""

from dataclasses import dataclass
from pathlib import Path

from coreset_lib.evaluation.evaluate import create_evaluation, evaluations_folder, read_plan
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.jobs.processes.detached import (
    check_idle,
    check_under_way,
    end_work,
    newest_first,
    start_work,
    work_status,
)
from coreset_lib.jobs.slurm import evaluations as slurm_evaluations
from coreset_lib.jobs.slurm.client import read_job
from coreset_lib.runs.records import Status

KIND = "comparison"


@dataclass(frozen=True)
class Evaluation:
    """One comparison in the cache, and how far it is."""

    paths: EvaluationPaths
    plan: EvaluationPlan
    status: Status


def start(cache: Path, plan: EvaluationPlan) -> EvaluationPaths:
    """Start a comparison, or go on with it; finished trainings are kept.

    Raises
    ------
    CoresetError
        If it is under way already, or no process can be started.
    """
    paths = create_evaluation(cache, plan)
    check_idle(evaluation_status(paths, plan), KIND)
    paths.slurm_job.unlink(missing_ok=True)
    queued = Status(state="queued", epochs=sum(1 for _ in plan.cells()), step="starting")
    start_work(paths, paths.log, "coreset_lib.evaluation", KIND, queued)
    return paths


def stop(paths: EvaluationPaths, plan: EvaluationPlan) -> None:
    """End a comparison; its finished trainings are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way, or Slurm works on it and cannot be reached.
    """
    status = check_under_way(evaluation_status(paths, plan), KIND)
    if read_job(paths) is not None:
        slurm_evaluations.stop(paths, plan)
    else:
        end_work(paths, status)


def evaluation_status(paths: EvaluationPaths, plan: EvaluationPlan) -> Status | None:
    """Return how far a comparison is; None if it was never started in the background."""
    if read_job(paths) is not None:
        return slurm_evaluations.array_status(paths, plan)
    return work_status(paths)


def evaluations_of(cache: Path, run_id: str) -> list[Evaluation]:
    """Return the comparisons of a run, newest first; damaged ones are left out."""

    def open_one(path: Path) -> Evaluation | None:
        paths = EvaluationPaths(path)
        plan = read_plan(paths)
        if plan.run_id != run_id:
            return None
        return Evaluation(paths, plan, evaluation_status(paths, plan) or Status(state="stopped"))

    return newest_first(evaluations_folder(cache), open_one)
