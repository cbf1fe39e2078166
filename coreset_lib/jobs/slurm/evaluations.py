"""Comparisons as job arrays of Slurm: the tasks share the cells, none is trained twice.

``python -m coreset_lib.jobs.slurm.evaluations DIR CACHE``, inside a job: one task's share.
"""

import logging
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coreset_lib.atomic import write_bytes
from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation, read_plan
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths, count_finished, read_cells
from coreset_lib.jobs.processes.detached import check_idle, work_status
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.client import (
    JobState,
    ask_slurm_for_tasks,
    forget_answers,
    read_job,
    write_job,
)
from coreset_lib.jobs.slurm.options import SlurmOptions
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import RunStore
from coreset_lib.system.processes import host_name
from coreset_lib.system.signals import on_end_request

MOST_TASKS = 1000
log = logging.getLogger("coreset_lib.jobs")


class _Notice(BaseException):
    """Slurm is about to end this task."""


def submit(
    cache: Path, plan: EvaluationPlan, options: SlurmOptions, *, n_tasks: int
) -> EvaluationPaths:
    """Hand a comparison to Slurm as a job array; finished trainings are kept.

    Parameters
    ----------
    cache : Path
    plan : EvaluationPlan
    options : SlurmOptions
        Resources of one task.
    n_tasks : int
        Tasks of the array; more than there are open cells are not started.

    Raises
    ------
    CoresetError
        If it is under way or finished already, or Slurm is missing or refuses.
    """
    paths = create_evaluation(cache, plan)
    is_in_slurm = read_job(paths) is not None
    check_idle(array_status(paths, plan) if is_in_slurm else work_status(paths), "comparison")
    script = evaluation_script(cache, plan, paths, options, n_tasks=n_tasks)
    write_bytes(paths.slurm_script, script.encode())
    for leftover in (paths.stop_request, paths.task_error):
        leftover.unlink(missing_ok=True)
    write_job(paths, slurm.submit_script(paths.slurm_script))
    forget_answers()
    # What a process on this machine once said of it is no longer true.
    write_status(paths, replace(array_status(paths, plan), host=host_name()))
    return paths


def evaluation_script(
    cache: Path,
    plan: EvaluationPlan,
    paths: EvaluationPaths,
    options: SlurmOptions,
    *,
    n_tasks: int,
) -> str:
    """Return the script of the job array, for sbatch on any host that sees the files.

    Raises
    ------
    CoresetError
        If all cells are finished, or the number of tasks is not allowed.
    """
    check_whole("tasks", n_tasks, least=1, most=MOST_TASKS)
    n_open = sum(1 for _ in plan.cells()) - len(read_cells(paths, plan))
    if n_open == 0:
        raise CoresetError("all trainings of this comparison are finished. Nothing is left to do.")
    folder = str(paths.root.resolve())
    return slurm.job_script(
        folder,
        paths.log.name,
        n_tasks=min(n_tasks, n_open),
        options=options,
        lines=[
            f"EVALUATION={shlex.quote(folder)}",
            f"CACHE={shlex.quote(str(cache.resolve()))}",
            "",
            'exec "$PYTHON" -u -m coreset_lib.jobs.slurm.evaluations "$EVALUATION" "$CACHE"',
        ],
    )


def stop(paths: EvaluationPaths, plan: EvaluationPlan) -> None:
    """Cancel all tasks; finished trainings are kept and it can go on later.

    Raises
    ------
    CoresetError
        If Slurm is missing or refuses.
    """
    job = read_job(paths)
    assert job is not None
    paths.stop_request.touch()
    slurm.cancel(job.job_id)
    forget_answers()
    status = array_status(paths, plan)
    paths.slurm_job.unlink(missing_ok=True)
    write_status(paths, replace(status, state="stopped", step="", error=None))


def array_status(paths: EvaluationPaths, plan: EvaluationPlan) -> Status:
    """Return how far a comparison is that Slurm works on, by its cells and by Slurm's word."""
    job = read_job(paths)
    assert job is not None
    cells = list(plan.cells())
    seen = Status(state="finished", epoch=count_finished(paths, cells), epochs=len(cells))
    if seen.epoch == seen.epochs:
        return replace(seen, eta_seconds=0.0)
    tasks = ask_slurm_for_tasks(job.job_id)
    if tasks is None:
        step = f"Slurm job {job.job_id}, which this machine cannot ask about"
        return replace(seen, state="queued", step=step)
    return _state_of_tasks(paths, seen, job.job_id, tasks)


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Train this task's share of the open cells; 0 if nothing is left to it, 1 if it failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    job_id = slurm.job_of(environment)
    if len(arguments) != 2 or job_id is None:
        log.error("usage, inside a job: python -m coreset_lib.jobs.slurm.evaluations DIR CACHE")
        return 2
    paths, store = EvaluationPaths(Path(arguments[0])), RunStore(Path(arguments[1]))
    on_end_request(_raise_notice)
    try:
        _work(paths, store, _share(environment))
    except _Notice:
        log.info("Slurm ends this task; finished trainings are kept")
        if environment.get("CORESET_LENS_REQUEUE") == "1" and not paths.stop_request.exists():
            return _requeue(job_id)
    except CoresetError as error:
        log.error("%s", error, exc_info=error.__cause__)
        write_bytes(paths.task_error, " ".join(str(error).split()).encode())
        return 1
    return 0


def _requeue(job_id: str) -> int:
    """Send the task back to the queue; a task that somebody has cancelled stays ended."""
    try:
        slurm.requeue(job_id)
    except CoresetError as error:
        log.info("%s", error)
    return 0


def _work(paths: EvaluationPaths, store: RunStore, share: float) -> None:
    """Train what is open, beginning where no other task does."""

    def on_cell(done: int, total: int) -> None:
        log.info("%d of %d trainings", done, total)

    plan = read_plan(paths)
    evaluator = Evaluator.open(store.find(plan.run_id), plan, paths)
    n_left = evaluator.work(on_cell=on_cell, start_at=share)
    log.info("done; other tasks are at %d trainings", n_left)


def _share(environment: Mapping[str, str]) -> float:
    """Return where among the open cells this task begins, in [0, 1)."""
    task = int(environment.get("SLURM_ARRAY_TASK_ID", "0"))
    count = int(environment.get("SLURM_ARRAY_TASK_COUNT", "1"))
    return (task % max(count, 1)) / max(count, 1)


def _state_of_tasks(
    paths: EvaluationPaths, seen: Status, job_id: str, tasks: list[JobState]
) -> Status:
    """Return the status of an unfinished comparison from the states of its tasks."""
    n_running = sum(task.is_running for task in tasks)
    waiting = [task for task in tasks if task.is_waiting]
    if n_running:
        return replace(seen, state="running", step=f"{n_running} tasks in Slurm")
    if waiting:
        reason = f" ({waiting[0].reason})" if waiting[0].reason not in ("", "None") else ""
        return replace(seen, state="queued", step=f"waiting in Slurm{reason}")
    if paths.task_error.exists():
        error = paths.task_error.read_text(errors="replace")
        return replace(seen, state="failed", error=error)
    words = ", ".join(sorted({task.word for task in tasks})) or "ENDED"
    error = f"Slurm job {job_id} ended before all trainings were done ({words})."
    return replace(seen, state="interrupted", error=error)


def _raise_notice(_: int, __: object) -> None:
    """Give up the training under way."""
    raise _Notice


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
