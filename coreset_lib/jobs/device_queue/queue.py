"""Runs that wait for a device: one trains, the others stand in line, and nobody serves them.

Each waiting process looks itself whether its turn has come. The order lies in a small file
per host and device below the cache; the turn is a lock that ends with the process that
holds it, and whoever dies while waiting is passed over.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.atomic import write_json
from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import plain_status
from coreset_lib.runs.store import Run
from coreset_lib.system.locks import FileLock
from coreset_lib.system.privacy import make_private
from coreset_lib.system.processes import host_name

POLL_SECONDS = 0.3
GUARD_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class QueueEntry:
    """A run that waits: ``position`` 1 is next on ``device`` of ``host``."""

    run_id: str
    device: str
    host: str
    position: int


class DeviceQueue:
    """The runs that wait for one device of one host, first to last."""

    def __init__(self, cache: Path, device: str, host: str | None = None) -> None:
        self.cache = cache
        self.device = device
        self.host = host or host_name()
        folder = cache / "queue"
        name = f"{self.host}--{device.replace(':', '-')}"
        self._order = folder / f"{name}.json"
        self._guard = folder / f"{name}.guard"
        self.holder = FileLock(folder / f"{name}.turn")
        make_private(folder)

    @contextlib.contextmanager
    def change(self) -> Generator[list[str]]:
        """Yield the run ids in order, to be changed in place; the dead are left out."""
        guard = FileLock(self._guard)
        if not guard.acquire(patience=GUARD_PATIENCE_SECONDS):
            raise CoresetError(
                f"the queue of {self.device} is held by another process. Try again in a minute."
            )
        try:
            written = self._read()
            run_ids = [run_id for run_id in written if self._status(run_id) is not None]
            yield run_ids
            if run_ids != written:
                write_json(self._order, {"schema_version": 1, "runs": run_ids})
        finally:
            guard.release()

    def waiting(self) -> list[str]:
        """Return the runs that wait now, without changing anything."""
        return [run_id for run_id in self._read() if self._status(run_id) is not None]

    def ahead_of(self, run_id: str) -> list[str]:
        """Return the runs before ``run_id`` that have a process to take their turn."""
        run_ids = self.waiting()
        if run_id not in run_ids:  # somebody rewrote the file
            with self.change() as order:
                order.append(run_id)
            return self.ahead_of(run_id)
        before = run_ids[: run_ids.index(run_id)]
        return [other for other in before if _has_process(self._status(other))]

    def _read(self) -> list[str]:
        """Read the order; a file that cannot be read is an empty line."""
        try:
            return [str(run_id) for run_id in json.loads(self._order.read_bytes())["runs"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _status(self, run_id: str) -> Status | None:
        """Return the status of a run that still waits, else None."""
        try:
            status = plain_status(RunPaths(runs_folder(self.cache) / run_id))
        except CoresetError:
            return None
        return status if status.state == "queued" else None


def join(paths: RunPaths, device: str) -> None:
    """Put a run at the end of the device's line, if it does not stand there already."""
    with DeviceQueue(cache_of(paths), device).change() as run_ids:
        if paths.root.name not in run_ids:
            run_ids.append(paths.root.name)


@contextlib.contextmanager
def hold_device(
    paths: RunPaths,
    device: str,
    *,
    stop: threading.Event,
    on_wait: Callable[[list[str]], None] = lambda _: None,
) -> Generator[bool]:
    """Wait until the run may use the device, and keep the device for the block.

    Parameters
    ----------
    paths : RunPaths
        A run whose status is ``queued`` in the name of this process.
    device : str
        Name of the queue, from :func:`coreset_lib.jobs.device_queue.devices.queue_name`.
    stop : threading.Event
        Set it to give up waiting.
    on_wait : callable
        Told of the runs ahead whenever they change while the device is taken.

    Yields
    ------
    bool
        Whether the turn has come; False if ``stop`` was set first.
    """
    line, run_id = DeviceQueue(cache_of(paths), device), paths.root.name
    join(paths, device)
    try:
        has_turn = _wait(line, run_id, stop, on_wait)
    finally:
        with contextlib.suppress(CoresetError, OSError), line.change() as run_ids:
            if run_id in run_ids:
                run_ids.remove(run_id)
    try:
        yield has_turn
    finally:
        line.holder.release()


def queue(cache: Path) -> list[QueueEntry]:
    """Return the waiting runs of every device, each device from first to last."""
    entries: list[QueueEntry] = []
    for path in sorted((cache / "queue").glob("*.json")):
        host, _, device = path.stem.rpartition("--")
        line = DeviceQueue(cache, device.replace("-", ":"), host)
        entries += [
            QueueEntry(run_id=run_id, device=line.device, host=host, position=position)
            for position, run_id in enumerate(line.waiting(), start=1)
        ]
    return entries


def move(run: Run, position: int) -> list[QueueEntry]:
    """Give a waiting run another place in its line; 1 is next.

    Returns
    -------
    list of QueueEntry
        The line it stands in, in the new order.

    Raises
    ------
    CoresetError
        If the run does not wait, or there is no such place.
    """
    cache = cache_of(run.paths)
    mine = [entry for entry in queue(cache) if entry.run_id == run.run_id]
    if not mine:
        raise CoresetError(
            f"run {run.run_id} must be waiting for a device to be moved, got "
            f"{run.status().state}. See: coreset-lens queue"
        )
    line = DeviceQueue(cache, mine[0].device, mine[0].host)
    with line.change() as run_ids:
        check_whole("position in the queue", position, least=1, most=max(len(run_ids), 1))
        if run.run_id in run_ids:
            run_ids.remove(run.run_id)
            run_ids.insert(position - 1, run.run_id)
    return [e for e in queue(cache) if (e.device, e.host) == (line.device, line.host)]


def cache_of(paths: RunPaths) -> Path:
    """Return the cache directory that a run lies in."""
    return paths.root.resolve().parent.parent


def _wait(
    line: DeviceQueue,
    run_id: str,
    stop: threading.Event,
    on_wait: Callable[[list[str]], None],
) -> bool:
    """Wait for the turn; whether it came before ``stop`` was set."""
    told: list[str] | None = None
    while not stop.is_set():
        ahead = line.ahead_of(run_id)
        if not ahead and line.holder.acquire():
            line.holder.sign(run_id)
            return True
        if ahead != told:
            told = ahead
            on_wait(ahead)
        stop.wait(POLL_SECONDS)
    return False


def _has_process(status: Status | None) -> bool:
    """Whether some process waits for the run's turn; one just created has none yet."""
    return status is not None and status.pid is not None
