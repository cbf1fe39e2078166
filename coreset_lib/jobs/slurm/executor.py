"""Training runs as Slurm jobs: submitted with sbatch, watched with squeue, ended with scancel."""

import contextlib
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.atomic import write_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.slurm.client import (
    ENDING,
    ask_slurm,
    forget_answers,
    read_job,
    write_job,
)
from coreset_lib.jobs.slurm.options import SlurmOptions
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import ACTIVE_STATES, Status
from coreset_lib.runs.resume import prepare_start
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run

STOP_GRACE_SECONDS = 40.0
POLL_SECONDS = 0.5
ANSWER_SECONDS = 60.0


def submit(runs: Sequence[RunPaths], options: SlurmOptions) -> list[str]:
    """Hand runs to Slurm: one job, or a job array with one task per run.

    Parameters
    ----------
    runs : sequence of RunPaths
        Runs just created, or stopped, interrupted or failed ones, which then resume.
    options : SlurmOptions

    Returns
    -------
    list of str
        The job of each run, ``12`` or in an array ``12_3``.

    Raises
    ------
    CoresetError
        If a run is finished or under way, or Slurm is missing or refuses.
    """
    with contextlib.ExitStack() as locks:
        for paths in runs:
            locks.enter_context(training_lock(paths))
        before = [open_run(paths).status() for paths in runs]
        waiting = [prepare_start(open_run(p), processes=options.n_processes) for p in runs]
        for paths, status in zip(runs, waiting, strict=True):
            write_bytes(paths.slurm_script, sbatch_script(runs, options).encode())
            # Before sbatch: the job may start at once and has the last word then.
            write_status(paths, replace(status, step="submitting to Slurm"))
    try:
        number = submit_script(runs[0].slurm_script)
    except CoresetError as error:
        for paths, status in zip(runs, before, strict=True):
            failed = replace(status, state="failed", step="", error=str(error))
            write_status(paths, failed if status.state == "queued" else status)
        raise
    jobs = [f"{number}_{task}" for task in range(len(runs))] if len(runs) > 1 else [number]
    for paths, job_id in zip(runs, jobs, strict=True):
        write_job(paths, job_id)
    forget_answers()
    return jobs


def stop(run: Run, *, grace: float = STOP_GRACE_SECONDS) -> Status:
    """Cancel the job of a run; Slurm terminates it and later kills it.

    Returns
    -------
    Status
        ``stopped``, with the complete epochs kept. Where Slurm cannot be reached, the
        request is left in the run's directory, and the status is the present one.

    Raises
    ------
    CoresetError
        If the run is neither queued nor running.
    """
    status = run.status()
    if status.state not in ACTIVE_STATES:
        raise CoresetError(
            f"run {run.run_id} must be queued or running to be stopped, got {status.state}. "
            "Nothing was done."
        )
    run.paths.stop_request.touch()
    job = read_job(run.paths)
    try:
        if job is not None:
            cancel(job.job_id)
    except CoresetError:
        return run.status()
    return _wait_for_the_end(run, grace)


def sbatch_script(runs: Sequence[RunPaths], options: SlurmOptions) -> str:
    """Return the script that trains the runs, for sbatch on any host that sees the files.

    The paths of Python and of the runs stand at its top, to be changed for another host.
    """
    folders = [str(paths.root.resolve()) for paths in runs]
    return job_script(
        folders[0],
        "train.log",
        n_tasks=len(runs),
        options=options,
        lines=[
            f"RUNS=({' '.join(map(shlex.quote, folders))})",
            "",
            f"export CORESET_LENS_PROCESSES={options.n_processes}",
            'run="${RUNS[${SLURM_ARRAY_TASK_ID:-0}]}"',
            # exec: signals of Slurm to the batch shell must reach the training itself.
            'exec "$PYTHON" -u -m coreset_lib.jobs.slurm.worker "$run" >>"$run/train.log" 2>&1',
        ],
    )


def job_script(
    folder: str, log: str, *, n_tasks: int, options: SlurmOptions, lines: Sequence[str]
) -> str:
    """Return a script for sbatch.

    Parameters
    ----------
    folder, log : str
        Where the output of the job goes; that of an array has a file for each task.
    n_tasks : int
        Tasks of the job array; 1 for a job of its own.
    options : SlurmOptions
    lines : sequence of str
        What to do, with ``$PYTHON`` set.
    """
    is_array = n_tasks > 1
    output = f"{folder}/slurm-%A_%a.log" if is_array else f"{folder}/{log}".replace("%", "%%")
    directives = [
        "--job-name=coreset-lens",
        f'--output="{output}"',
        "--open-mode=append",
        *([f"--array=0-{n_tasks - 1}"] if is_array else []),
        *options.directives(),
    ]
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {directive}" for directive in directives),
            "",
            f"PYTHON={shlex.quote(sys.executable)}",
            f"export PYTHONPATH={shlex.quote(str(Path(__file__).parents[3]))}:${{PYTHONPATH:-}}",
            f"export CORESET_LENS_REQUEUE={int(options.requeue)}",
            *lines,
            "",
        ]
    )


def submit_script(script: Path) -> str:
    """Hand a script to Slurm and return the number of its job; raises CoresetError if refused."""
    return _slurm("sbatch", "--parsable", str(script.resolve())).strip().partition(";")[0]


def cancel(job_id: str) -> None:
    """End a job, all tasks of an array; raises CoresetError if Slurm refuses."""
    _slurm("scancel", job_id)


def requeue(job_id: str) -> None:
    """Send a job back to the queue; raises CoresetError if it was cancelled or Slurm refuses.

    A job that Slurm only gives notice to is still running; one that somebody has cancelled
    completes, and would start again if it were sent back.
    """
    forget_answers()
    answer = ask_slurm(job_id)
    if answer is not None and answer.word in ENDING:
        raise CoresetError(f"Slurm job {job_id} was cancelled; resume the work to go on with it.")
    _slurm("scontrol", "requeue", job_id)


def job_of(environment: Mapping[str, str]) -> str | None:
    """Return the id of the job that this process belongs to, ``12`` or ``12_3``."""
    array, task = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    if array and task:
        return f"{array}_{task}"
    return environment.get("SLURM_JOB_ID")


def _wait_for_the_end(run: Run, grace: float) -> Status:
    """Wait until a cancelled job is gone and the status says how it ended."""
    deadline = time.monotonic() + grace
    while True:
        forget_answers()
        status = run.status()
        if status.state not in ACTIVE_STATES or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    if status.state == "interrupted":
        status = replace(status, state="stopped", step="", error=None)
        write_status(run.paths, status)
    if status.state == "stopped":
        run.paths.stop_request.unlink(missing_ok=True)
    return status


def _slurm(*command: str) -> str:
    """Run one of Slurm's commands and return what it prints.

    Raises
    ------
    CoresetError
        If it is missing, refuses, or does not answer.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except FileNotFoundError:
        raise CoresetError(
            f"Slurm must be installed on this host, got no command {command[0]}. Run this on a "
            "login node of the cluster, or write the script with: coreset-lens sbatch RUN"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CoresetError(f"Slurm does not answer: {error}. Try again later.") from None
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).split()) or f"exit {done.returncode}"
        raise CoresetError(f"Slurm refused ({command[0]}): {reason.rstrip('.')}.")
    return done.stdout
