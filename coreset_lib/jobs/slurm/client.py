"""What Slurm knows of the job that trains a run; asked only when the run itself is silent."""

import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from coreset_lib.atomic import write_json
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import ACTIVE_STATES, SCHEMA_VERSION, Status
from coreset_lib.runs.status import judge_run
from coreset_lib.system.processes import REMOTE_GRACE_SECONDS, seconds_since

SILENT_SECONDS = 15.0
ANSWER_SECONDS = 10.0
REMEMBER_SECONDS = 3.0
WAITING = (
    "PENDING",
    "CONFIGURING",
    "REQUEUED",
    "REQUEUE_HOLD",
    "REQUEUE_FED",
    "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
    "STOPPED",
    "SUSPENDED",
)
ENDING = ("COMPLETING", "CANCELLED")
RUNNING = ("RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "RESIZING")
_remembered: dict[str, tuple[float, "JobState | None"]] = {}
_remembered_tasks: dict[str, tuple[float, "list[JobState] | None"]] = {}


class JobPlace(Protocol):
    """Whatever a job of Slurm works on: a run, a comparison."""

    @property
    def slurm_job(self) -> Path:
        """The file that names the job."""
        ...


@dataclass(frozen=True, kw_only=True)
class SlurmJob:
    """The job of a run; ``job_id`` is ``12`` or, in an array, ``12_3``."""

    job_id: str
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class JobState:
    """Slurm's word for a job's state, and why it waits."""

    word: str
    reason: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the job will start, or start again."""
        return self.word in WAITING

    @property
    def is_running(self) -> bool:
        """Whether the job has a node."""
        return self.word in RUNNING


def write_job(paths: JobPlace, job_id: str) -> None:
    """Note which job trains a run."""
    write_json(paths.slurm_job, asdict(SlurmJob(job_id=job_id)))


def read_job(paths: JobPlace) -> SlurmJob | None:
    """Return the job of a run, or None for a run that Slurm has nothing to do with."""
    try:
        return SlurmJob(job_id=str(json.loads(paths.slurm_job.read_bytes())["job_id"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ask_slurm(job_id: str) -> JobState | None:
    """Return the state of a job, remembered for a moment; None where Slurm cannot be asked.

    A job that Slurm has forgotten has ended: its word is ``ENDED``.
    """
    moment, answer = _remembered.get(job_id, (-REMEMBER_SECONDS, None))
    if time.monotonic() - moment < REMEMBER_SECONDS:
        return answer
    answer = _ask(job_id)
    _remembered[job_id] = (time.monotonic(), answer)
    return answer


def ask_slurm_for_tasks(job_id: str) -> list[JobState] | None:
    """Return the states of all tasks of a job, remembered for a moment.

    Tasks that wait together are one state. None where Slurm cannot be asked; a job that Slurm
    has forgotten has no tasks.
    """
    moment, answer = _remembered_tasks.get(job_id, (-REMEMBER_SECONDS, None))
    if time.monotonic() - moment < REMEMBER_SECONDS:
        return answer
    listed = _listed(job_id)
    answer = None
    if listed is not None:
        parts = (line.partition("|") for line in listed)
        answer = [JobState(word, reason) for word, _, reason in parts]
    _remembered_tasks[job_id] = (time.monotonic(), answer)
    return answer


def forget_answers() -> None:
    """Ask Slurm anew next time: something has just been changed there."""
    _remembered.clear()
    _remembered_tasks.clear()


def judge_with_slurm(paths: RunPaths, written: Status) -> Status:
    """Return what the written status of a run is worth now.

    The run's own process has the first word; where it is silent, Slurm is asked.
    """
    seen = judge_run(paths, written)
    is_active = written.state in ACTIVE_STATES
    is_silent = seen.state != "running" or seconds_since(written.heartbeat) > SILENT_SECONDS
    job = read_job(paths) if is_active and is_silent else None
    if job is None:
        return seen
    answer = ask_slurm(job.job_id)
    if answer is None:
        return _unasked(job, written, seen)
    if answer.is_waiting:
        reason = f" ({answer.reason})" if answer.reason not in ("", "None") else ""
        return replace(written, state="queued", step=f"waiting in Slurm{reason}", eta_seconds=None)
    if answer.is_running:
        return _running(written)
    error = written.error or f"Slurm job {job.job_id} ended before the training was done."
    if answer.word != "ENDED":
        error = f"Slurm job {job.job_id} ended before the training was done ({answer.word})."
    return replace(written, state="interrupted", step="", eta_seconds=None, error=error)


def _unasked(job: SlurmJob, written: Status, seen: Status) -> Status:
    """Status where Slurm cannot be asked: a waiting job has no heartbeat to judge by."""
    if written.state != "queued":
        return seen
    return replace(written, step=f"Slurm job {job.job_id}, which this machine cannot ask about")


def _running(written: Status) -> Status:
    """Status of a job that has a node while its process says nothing (yet)."""
    if written.state == "running" and seconds_since(written.heartbeat) < REMOTE_GRACE_SECONDS:
        return written
    return replace(written, state="queued", step="starting in Slurm", eta_seconds=None)


def _ask(job_id: str) -> JobState | None:
    """Ask squeue, and sacct for a job that squeue has forgotten."""
    lines = _listed(job_id)
    if lines is None:
        return None
    if lines:
        word, _, reason = lines[0].partition("|")
        return JobState(word, reason)
    past = _call("sacct", "--noheader", "--allocations", "--parsable2", "-j", job_id, "-o", "State")
    states = past.stdout.splitlines() if past is not None and past.returncode == 0 else []
    # "CANCELLED by 1000" names the user too.
    return JobState(states[-1].split()[0] if states and states[-1].strip() else "ENDED")


def _listed(job_id: str) -> list[str] | None:
    """Return squeue's lines on a job, ``STATE|Reason``; None where it cannot be asked."""
    listed = _call("squeue", "--noheader", "--states=all", f"--jobs={job_id}", "--format=%T|%r")
    if listed is None:
        return None
    if listed.returncode != 0:
        return [] if "invalid job id" in listed.stderr.lower() else None
    return listed.stdout.splitlines()


def _call(*command: str) -> "subprocess.CompletedProcess[str] | None":
    """Run one of Slurm's commands; None where it is missing or does not answer."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
