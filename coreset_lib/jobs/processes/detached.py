"""Detached processes, which outlive whoever started them, and the plans that they work on."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes.local import end_process
from coreset_lib.plans import PlanPaths, under_way
from coreset_lib.runs.reading import read_record
from coreset_lib.runs.records import ACTIVE_STATES, Status
from coreset_lib.runs.status import claim, judge_work, write_status
from coreset_lib.system.processes import WAIT, host_name, let_go, spawn


class PlanInFolder(Protocol):
    """A comparison or a refinement in the cache."""

    @property
    def paths(self) -> PlanPaths:
        """Where it lies."""
        ...


Work = TypeVar("Work", bound=PlanInFolder)


def start_detached(
    arguments: Sequence[str],
    log: Path,
    what: str,
    *,
    on_start: Callable[[int], None] = lambda pid: None,
) -> int:
    """Run Python with some arguments in a process of its own.

    Parameters
    ----------
    arguments : sequence of str
        What follows ``python``.
    log : Path
        Takes what the process prints, behind what is there.
    what : str
        Names it in the error, as in "the comparison".
    on_start : callable
        Told the number of the process, which begins after that if ``--wait`` is among its
        arguments, see :func:`coreset_lib.system.processes.wait_for_starter`.

    Returns
    -------
    int
        Number of the process.

    Raises
    ------
    CoresetError
        If it cannot be started.
    """
    try:
        with log.open("ab") as output:
            process = spawn(arguments, output)
        on_start(process.pid)
    except OSError as error:
        raise CoresetError(f"{what} cannot be started: {error.strerror}.") from None
    let_go(process)
    return process.pid


def start_work(paths: PlanPaths, log: Path, module: str, kind: str, status: Status) -> None:
    """Let a process of its own work on a plan; others read ``status`` until it says more."""
    folder = paths.root.resolve()
    start_detached(
        ["-m", module, WAIT, str(folder), str(folder.parents[1])],
        log,
        f"the {kind}",
        on_start=lambda pid: write_status(paths, claim(status, pid)),
    )


def check_idle(status: Status | None, kind: str) -> None:
    """Raise CoresetError if a process works on it."""
    if status is not None and status.state in ACTIVE_STATES:
        raise under_way(kind)


def check_under_way(status: Status | None, kind: str) -> Status:
    """Return the status; raise CoresetError if nobody works on it."""
    if status is None or status.state not in ACTIVE_STATES:
        raise CoresetError(f"this {kind} is not under way. Nothing was done.")
    return status


def end_work(paths: PlanPaths, status: Status) -> None:
    """End the process that a status names; the finished steps are kept.

    Raises
    ------
    CoresetError
        If it runs on another host.
    """
    if status.pid is None or status.host != host_name():
        raise CoresetError(
            f"this work is done on host {status.host}, got a request on {host_name()}. "
            "Stop it there."
        )
    end_process(status)
    write_status(paths, Status(state="stopped", epoch=status.epoch, epochs=status.epochs))


def work_status(paths: PlanPaths) -> Status | None:
    """Return how far the work on a plan is; None if no process ever worked on it."""
    if not paths.status.exists():
        return None
    return judge_work(paths, read_record(paths.status, Status))


def newest_first(folder: Path, open_work: Callable[[Path], Work | None]) -> list[Work]:
    """Return what is opened from the folders in a folder, newest plan first.

    ``open_work`` returns None for what is not wanted; damaged ones are left out.
    """
    found: list[Work] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(CoresetError):
            work = open_work(path)
            if work is not None:
                found.append(work)
    return sorted(found, key=lambda work: -work.paths.plan.stat().st_mtime)
