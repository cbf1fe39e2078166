"""Writing the status while training, and reading what is really the case."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from coreset_lib.atomic import write_json
from coreset_lib.runs.lock import is_being_trained
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import ACTIVE_STATES, Status
from coreset_lib.system.locks import FileLock
from coreset_lib.system.processes import (
    QUEUE_GRACE_SECONDS,
    REMOTE_GRACE_SECONDS,
    host_name,
    is_alive,
    process_identity,
    process_start,
    seconds_since,
)

HEARTBEAT_SECONDS = 2.0
MOST_CLOCK_ERROR_SECONDS = 3600.0


class StatusPlace(Protocol):
    """Whatever has a status file: a run, a comparison."""

    @property
    def status(self) -> Path:
        """The status file."""
        ...


class LockedPlace(StatusPlace, Protocol):
    """Whatever has a status file, and a lock that its process holds while it lives."""

    @property
    def lock(self) -> Path:
        """The file that is locked."""
        ...


def write_status(paths: StatusPlace, status: Status) -> None:
    """Replace the status file by ``status``, stamped with the present moment."""
    write_json(paths.status, replace(status, heartbeat=time.time()).as_dict())


def claim(status: Status, pid: int) -> Status:
    """Return ``status`` in the name of a process on this machine."""
    return replace(
        status,
        host=host_name(),
        pid=pid,
        process_start=process_start(pid),
        process_identity=process_identity(pid),
    )


def reconcile(status: Status, *, heartbeat_age: float | None = None) -> Status:
    """Return ``status`` with a run whose process is gone called interrupted.

    A process on this machine is looked up by its number, and by its identity or, where that is
    not known, by its start time; one elsewhere counts as gone when its heartbeat is older than
    two minutes.

    Parameters
    ----------
    status : Status
    heartbeat_age : float, optional
        Seconds; by default by this machine's clock.
    """
    if status.state not in ACTIVE_STATES:
        return status
    is_here = status.host == host_name()
    if is_here and is_alive(status.pid, status.process_start, status.process_identity):
        return status
    is_unclaimed = status.state == "queued" and status.pid is None
    grace = QUEUE_GRACE_SECONDS if is_unclaimed else 0.0
    if not is_here:
        grace = REMOTE_GRACE_SECONDS
    age = seconds_since(status.heartbeat) if heartbeat_age is None else heartbeat_age
    if age <= grace:
        return status
    return replace(status, state="interrupted", eta_seconds=None)


def judge_run(paths: RunPaths, written: Status) -> Status:
    """Return the written status of a run, or "interrupted" where its process is gone.

    Before that is said, the lock is asked that the process holds while it lives.
    """
    return _judge(paths, written, lambda: is_being_trained(paths))


def judge_work(paths: LockedPlace, written: Status) -> Status:
    """Return the written status of a comparison or refinement, judged as a run is."""
    return _judge(paths, written, FileLock(paths.lock).is_held)


def _judge(paths: LockedPlace, written: Status, is_held: Callable[[], bool]) -> Status:
    """Return the written status, or "interrupted" where neither process nor lock is alive."""
    found = reconcile(written)
    if found.state == written.state or is_held():
        return written
    if written.host != host_name():
        return reconcile(written, heartbeat_age=_age_by_the_file_server(paths, written))
    return found


def _age_by_the_file_server(paths: LockedPlace, written: Status) -> float:
    """Return the age of a heartbeat by the clock of whoever keeps the file.

    Both moments are the file server's: when the status was written, and when the lock, touched
    for that, was. A file that was copied here long after is as old as it says itself.
    """
    by_its_own_clock = seconds_since(written.heartbeat)
    try:
        at = paths.status.stat().st_mtime
        os.utime(paths.lock)
        age = paths.lock.stat().st_mtime - at
    except OSError:
        return by_its_own_clock
    return age if abs(at - written.heartbeat) <= MOST_CLOCK_ERROR_SECONDS else by_its_own_clock


class StatusWriter:
    """Keeps a run's status file true from within the process that trains.

    A daemon thread renews the heartbeat, so that a long epoch does not look like a
    dead process; ``update`` writes at once.
    """

    def __init__(self, paths: StatusPlace, status: Status) -> None:
        self._paths = paths
        self._status = status
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    @property
    def status(self) -> Status:
        """The latest status."""
        return self._status

    def __enter__(self) -> "StatusWriter":
        self.update()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def note_progress(self, **changes: Any) -> None:
        """Change the status; the next heartbeat writes it."""
        with self._lock:
            self._status = replace(self._status, **changes)

    def update(self, **changes: Any) -> None:
        """Change the status and write it now."""
        with self._lock:
            self._status = replace(self._status, **changes)
            write_status(self._paths, self._status)

    def _beat(self) -> None:
        """Renew the heartbeat until the end."""
        while not self._ended.wait(HEARTBEAT_SECONDS):
            # A disk that is full for a moment must not end the heartbeat.
            with contextlib.suppress(OSError):
                self.update()
