"""Comparisons in the background: a detached process that outlives the dashboard."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from coreset_lib.evaluation.evaluate import create_evaluation, evaluations_folder, read_plan
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths, count_finished
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
from coreset_lib.leases import live_workers
from coreset_lib.runs.records import ACTIVE_STATES, Status

KIND = "comparison"
PACE_CELLS = 20


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
    """Return how far a comparison is; None if nobody has ever worked on it."""
    if read_job(paths) is not None:
        return slurm_evaluations.array_status(paths, plan)
    status = work_status(paths)
    if status is not None and status.state in (*ACTIVE_STATES, "finished"):
        return status
    return _status_of_workers(paths, plan, status)


def _status_of_workers(
    paths: EvaluationPaths, plan: EvaluationPlan, status: Status | None
) -> Status | None:
    """Return how far those are who work without a process of ours that leads them."""
    if not paths.leases.is_dir():
        return status
    cells = list(plan.cells())
    seen = Status(state="finished", epoch=count_finished(paths, cells), epochs=len(cells))
    if seen.epoch == seen.epochs:
        return replace(seen, eta_seconds=0.0)
    hosts = Counter(owner.host for owner in live_workers(paths.leases))
    if not hosts:
        return status
    n_workers = hosts.total()
    word = "worker" if n_workers == 1 else "workers"
    where = ", ".join(host if n == 1 else f"{n} on {host}" for host, n in sorted(hosts.items()))
    left = seconds_left(paths, seen.epochs - seen.epoch)
    return replace(seen, state="running", step=f"{n_workers} {word} ({where})", eta_seconds=left)


def seconds_left(paths: EvaluationPaths, n_open: int) -> float | None:
    """Return the time that the open cells will take at the pace of the latest; None untold."""
    with os.scandir(paths.cells) as entries:
        times = sorted(entry.stat().st_mtime for entry in entries)[-PACE_CELLS:]
    if len(times) < 2:
        return None
    return (times[-1] - times[0]) / (len(times) - 1) * n_open


def evaluations_of(cache: Path, run_id: str) -> list[Evaluation]:
    """Return the comparisons of a run, newest first; damaged ones are left out."""

    def open_one(path: Path) -> Evaluation | None:
        paths = EvaluationPaths(path)
        plan = read_plan(paths)
        if plan.run_id != run_id:
            return None
        return Evaluation(paths, plan, evaluation_status(paths, plan) or Status(state="stopped"))

    return newest_first(evaluations_folder(cache), open_one)
