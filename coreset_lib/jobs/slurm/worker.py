"""``python -m coreset_lib.jobs.slurm.worker RUN_DIR``: train a run inside a Slurm job.

Slurm sends SIGTERM before the time limit, before preemption, and on scancel. Only the last
is a person's wish; otherwise the job goes back to the queue and resumes there.
"""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.device_queue.waiting import train_with_ranks
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.client import write_job
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import plain_status
from coreset_lib.runs.status import write_status
from coreset_lib.system.signals import on_end_request
from coreset_lib.training.processes.ranks import MOST_PROCESSES
from coreset_lib.training.running.stopping import Stop, stop_on_signals

REQUEUED = "going back to Slurm's queue"
log = logging.getLogger("coreset_lib.jobs")


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Train the run; 0 if finished, stopped or sent back to the queue, 1 if it failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    job_id = slurm.job_of(environment)
    if len(arguments) != 1 or job_id is None:
        log.error("usage, inside a Slurm job: python -m coreset_lib.jobs.slurm.worker RUN_DIR")
        return 2
    paths = RunPaths(Path(arguments[0]))
    may_requeue = environment.get("CORESET_LENS_REQUEUE") == "1"
    stop = stop_on_signals(paths)
    _listen_to_slurm(paths, stop, may_requeue=may_requeue)
    try:
        if plain_status(paths).state == "finished":  # requeued by hand
            return 0
        write_job(paths, job_id)
        status = train_with_ranks(paths, processes_of(environment), stop=stop)
    except CoresetError as error:
        log.error("%s", error)
        return 1
    log.info("%s after %d of %d epochs", status.state, status.epoch, status.epochs)
    if status.state == "queued":
        _requeue(paths, status, job_id)
    return 0


def processes_of(environment: Mapping[str, str]) -> int:
    """Return how many processes shall train together, as the script says."""
    text = environment.get("CORESET_LENS_PROCESSES", "1")
    number = int(text) if text.isdecimal() else 0
    return check_whole("CORESET_LENS_PROCESSES", number, least=1, most=MOST_PROCESSES)


def _listen_to_slurm(paths: RunPaths, stop: Stop, *, may_requeue: bool) -> None:
    """Let SIGTERM without a stop request end the training for now, not for good."""

    def on_notice(_: int, __: object) -> None:
        if not paths.stop_request.exists() and not stop.is_set():
            stop.state = "queued" if may_requeue else "interrupted"
            stop.step = REQUEUED if may_requeue else ""
        stop.set()

    on_end_request(on_notice)


def _requeue(paths: RunPaths, status: Status, job_id: str) -> None:
    """Send the job back to the queue, or say why it cannot go there."""
    try:
        slurm.requeue(job_id)
    except CoresetError as error:
        log.error("%s", error)
        write_status(paths, replace(status, state="interrupted", step="", error=str(error)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
