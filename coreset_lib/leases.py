"""Leases: the right to do a step of a plan, for as long as its holder gives signs of life.

Unlike a lock, a lease needs neither a file system that locks nor a live host: it is a small file
that is made at once or not at all, and whose age tells whether its holder still lives. Two
processes may, in the worst case, do one step at the same time: steps must come to the same result
whoever does them.
"""

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from coreset_lib.system.files import make_new, server_time, touch
from coreset_lib.system.processes import (
    host_name,
    is_alive,
    machine_start,
    process_identity,
    process_start,
)

LIFETIME_SECONDS = 60.0
SIGNS_PER_LIFETIME = 4
ENDING = ".lease"
WORKER = "worker-"


@dataclass(frozen=True)
class Owner:
    """The process that holds a lease.

    Attributes
    ----------
    token : str
        Differs between any two owners.
    host, machine : str
        Name of its machine, and which start of which machine it is; empty where the system does
        not tell.
    pid : int
    start : float or None
        Seconds since 1970.
    identity : str
        See `coreset_lib.system.processes.process_identity`.
    """

    token: str
    host: str = ""
    machine: str = ""
    pid: int = 0
    start: float | None = None
    identity: str = ""

    @classmethod
    def this_process(cls) -> "Owner":
        """Return an owner that is this process."""
        pid = os.getpid()
        return cls(
            token=secrets.token_hex(8),
            host=host_name(),
            machine=machine_start(),
            pid=pid,
            start=process_start(pid),
            identity=process_identity(pid),
        )

    def is_dead_here(self) -> bool:
        """Whether it was a process of this machine and is gone; False if that cannot be known."""
        if not self.machine or self.machine != machine_start():
            return False
        return not is_alive(self.pid, self.start, self.identity)


class Leases:
    """The leases that one process holds in a folder; their signs of life come from a thread.

    Parameters
    ----------
    folder : Path
        Made if it is missing. Every process that shares the work sees it.
    owner : Owner, optional
        By default this process.
    lifetime : float
        Seconds after which a lease without a sign of life is anybody's.
    """

    def __init__(
        self, folder: Path, owner: Owner | None = None, *, lifetime: float = LIFETIME_SECONDS
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.owner = owner or Owner.this_process()
        self._folder = folder
        self._lifetime = lifetime
        self._held: set[Path] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()

    @contextlib.contextmanager
    def alive(self) -> Generator["Leases"]:
        """Give signs of life inside the block, and give all leases back behind it."""
        self._ended.clear()
        thread = threading.Thread(target=self._give_signs, name="leases", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()
            for path in tuple(self._held):
                self._give_back(path)

    @contextlib.contextmanager
    def taken(self, key: str) -> Generator[bool]:
        """Yield whether a step is this process's to do, within the block."""
        path = self._folder / f"{key}{ENDING}"
        is_mine = self.take(path)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._give_back(path)

    def take(self, path: Path) -> bool:
        """Take a lease that is free, or whose holder is gone; whether it was taken."""
        if not self._make(path) and not (self._clear(path) and self._make(path)):
            return False
        with self._guard:
            self._held.add(path)
        return True

    def _make(self, path: Path) -> bool:
        """Make a lease of our own, unless there is one."""
        return make_new(path, json.dumps(asdict(self.owner)).encode())

    def _clear(self, path: Path) -> bool:
        """Remove the lease of a holder that is gone; whether the place may be free now."""
        holder = read_owner(path)
        if holder is None:
            return not path.exists()
        if not (holder.is_dead_here() or self._is_late(path)):
            return False
        aside = path.with_suffix(f".{self.owner.token}.late")
        try:
            os.rename(path, aside)
        except OSError:  # somebody else was faster
            return False
        moved = read_owner(aside)
        if moved is not None and moved.token != holder.token:
            # Between our look and our move another process had taken it over: it gets it back.
            make_new(path, json.dumps(asdict(moved)).encode())
            aside.unlink(missing_ok=True)
            return False
        aside.unlink(missing_ok=True)
        return True

    def _is_late(self, path: Path) -> bool:
        """Whether a lease's last sign of life is too old, by the clock of the file server."""
        try:
            return server_time(self._folder, self.owner.token) - path.stat().st_mtime > (
                self._lifetime
            )
        except OSError:
            return False

    def _give_signs(self) -> None:
        """Renew the held leases until the end; one that another process has is let go."""
        while not self._ended.wait(self._lifetime / SIGNS_PER_LIFETIME):
            with self._guard:
                held = tuple(self._held)
            for path in held:
                if self._is_ours(path):
                    touch(path)

    def _give_back(self, path: Path) -> None:
        """Remove a lease of ours; one that another process has taken over stays."""
        with self._guard:
            self._held.discard(path)
        if self._is_ours(path):
            with contextlib.suppress(OSError):
                path.unlink()

    def _is_ours(self, path: Path) -> bool:
        """Whether a lease still names us."""
        holder = read_owner(path)
        return holder is not None and holder.token == self.owner.token


def worker_key(owner: Owner) -> str:
    """Name of the lease that a worker holds from its beginning to its end."""
    return f"{WORKER}{owner.token}"


def live_workers(folder: Path, *, lifetime: float = LIFETIME_SECONDS) -> list[Owner]:
    """Return who works in a folder of leases and has given a sign of life lately.

    Parameters
    ----------
    folder : Path
        It may be missing.
    lifetime : float
        Seconds.
    """
    try:
        now = server_time(folder, secrets.token_hex(8))
        paths = sorted(folder.glob(f"{WORKER}*{ENDING}"))
        ages = {path: now - path.stat().st_mtime for path in paths}
    except OSError:
        return []
    owners = [read_owner(path) for path, age in ages.items() if age <= lifetime]
    return [owner for owner in owners if owner and owner.token and not owner.is_dead_here()]


def read_owner(path: Path) -> Owner | None:
    """Return who holds a lease; None if it is gone, and a nameless owner if it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        return Owner(**json.loads(content))
    except (ValueError, TypeError):
        return Owner(token="")
