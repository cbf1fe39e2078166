"""Comparisons in the background: a detached process that outlives the dashboard."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.evaluation.evaluate import create_evaluation, evaluations_folder, read_plan
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.jobs import slurm_evaluations
from coreset_lib.jobs.local import end_process
from coreset_lib.runs.process import background_environment
from coreset_lib.runs.reading import read_record
from coreset_lib.runs.records import Status
from coreset_lib.runs.slurm_jobs import read_job
from coreset_lib.runs.status import claim, reconcile, write_status


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
    before = evaluation_status(paths, plan)
    if before is not None and before.state in ("queued", "running"):
        raise CoresetError("this comparison is under way already. Wait for it or stop it first.")
    paths.slurm_job.unlink(missing_ok=True)
    command = [sys.executable, "-m", "coreset_lib.evaluation"]
    command += [str(paths.root.resolve()), str(cache.resolve())]
    try:
        with paths.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=background_environment(),
                start_new_session=True,
            )
    except OSError as error:
        raise CoresetError(f"the comparison cannot be started: {error.strerror}.") from None
    n_cells = sum(1 for _ in plan.cells())
    write_status(paths, claim(Status(state="queued", epochs=n_cells, step="starting"), process.pid))
    process.returncode = 0  # keeps Popen from warning that the child still runs
    return paths


def stop(paths: EvaluationPaths, plan: EvaluationPlan) -> None:
    """End a comparison; its finished trainings are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way, or Slurm works on it and cannot be reached.
    """
    status = evaluation_status(paths, plan)
    if status is None or status.state not in ("queued", "running"):
        raise CoresetError("this comparison is not under way. Nothing was done.")
    if read_job(paths) is not None:
        slurm_evaluations.stop(paths, plan)
        return
    end_process(status)
    write_status(paths, Status(state="stopped", epoch=status.epoch, epochs=status.epochs))


def evaluation_status(paths: EvaluationPaths, plan: EvaluationPlan) -> Status | None:
    """Return how far a comparison is; None if it was never started in the background."""
    if read_job(paths) is not None:
        return slurm_evaluations.array_status(paths, plan)
    if not paths.status.exists():
        return None
    return reconcile(read_record(paths.status, Status))


def evaluations_of(cache: Path, run_id: str) -> list[Evaluation]:
    """Return the comparisons of a run, newest first; damaged ones are left out."""
    folder = evaluations_folder(cache)
    found: list[tuple[float, Evaluation]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        paths = EvaluationPaths(path)
        try:
            plan = read_plan(paths)
            status = evaluation_status(paths, plan) or Status(state="stopped")
        except (CoresetError, DamagedRunError):
            continue
        if plan.run_id == run_id:
            found.append((paths.plan.stat().st_mtime, Evaluation(paths, plan, status)))
    return [evaluation for _, evaluation in sorted(found, key=lambda pair: -pair[0])]
