"""A detached process on this machine that trains one run and outlives whoever started it."""

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.device_queue.devices import queue_names
from coreset_lib.jobs.device_queue.queue import join
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import ACTIVE_STATES, Status
from coreset_lib.runs.resume import plain_config, prepare_start
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run
from coreset_lib.system.ending import ask_to_end, kill, lower_priority, reap
from coreset_lib.system.processes import WAIT, host_name, is_alive, let_go, spawn

STOP_GRACE_SECONDS = 10.0
POLL_SECONDS = 0.1
NICENESS = 5


def start(paths: RunPaths, *, processes: int | None = None) -> int:
    """Start or resume a run in a detached process, which waits until its device is free.

    Parameters
    ----------
    paths : RunPaths
        A run just created, or one that was stopped, interrupted or failed.
    processes : int, optional
        How many train it together; by default as many as before, at first one.

    Returns
    -------
    int
        Number of the process. Its output goes to the run's log.

    Raises
    ------
    CoresetError
        If the run is finished or under way, or no process can be started.
    """
    with training_lock(paths):
        process = _spawn_in_name(paths, prepare_start(open_run(paths), processes=processes))
        # Now, not when the process gets there: runs take their turns in the order of starting.
        join(paths, queue_names(plain_config(paths).device, 1)[0])
    let_go(process)  # it has waited for this: lock and status are its own now
    return process.pid


def _spawn_in_name(paths: RunPaths, status: Status) -> "subprocess.Popen[bytes]":
    """Start the process and note its number in the status, or why it could not start."""
    try:
        with paths.log.open("ab") as log:
            folder = str(paths.root.resolve())
            process = spawn(["-m", "coreset_lib.jobs", WAIT, folder], log)
        lower_priority(process.pid, NICENESS)
        write_status(paths, claim(status, process.pid))
        return process
    except OSError as error:
        reason = f"the training process cannot be started: {error.strerror or error}."
        with contextlib.suppress(OSError):
            write_status(paths, replace(status, state="failed", step="", error=reason))
        raise CoresetError(f"{reason} Nothing was trained.") from None


def stop(run: Run, *, grace: float = STOP_GRACE_SECONDS) -> Status:
    """Ask a run to stop, then terminate its process group, then kill it.

    Returns
    -------
    Status
        ``stopped``, with the complete epochs kept. For a run on another host, or one that is
        recorded from somebody's own process, the request is left in its directory, and the
        status is the present one.

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
    if run.manifest.is_recorded:  # somebody's own process ends its loop after the epoch
        return run.status()
    if status.host != host_name() or status.pid is None:
        return status
    end_process(status, grace=grace)
    return _settle(run)


def end_process(status: Status, *, grace: float = STOP_GRACE_SECONDS) -> None:
    """Terminate the process group that a status names; kill it after a grace period."""
    for end in (ask_to_end, kill):
        if _end_and_wait(status, end, grace):
            return


def _end_and_wait(status: Status, end: Callable[[int], None], patience: float) -> bool:
    """Ask for the end of the process, or bring it about, and wait for it; whether it ended."""
    assert status.pid is not None
    if is_alive(status.pid, status.process_start):
        end(status.pid)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        reap(status.pid)
        if not is_alive(status.pid, status.process_start):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _settle(run: Run) -> Status:
    """Write ``stopped`` for a process that was killed before it could say so itself."""
    status = run.status()
    if status.state in ("interrupted", "queued"):
        status = replace(status, state="stopped", step="", eta_seconds=None)
        write_status(run.paths, status)
    with contextlib.suppress(FileNotFoundError):
        run.paths.stop_request.unlink()
    return status
