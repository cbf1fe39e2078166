"""Locks that the system releases when their process ends, however it ends."""

import contextlib
import errno
import os
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.process import host_name

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        """Lock the first byte or raise OSError."""
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        """Lock the file or raise OSError."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


PATIENCE_SECONDS = 1.0
POLL_SECONDS = 0.02
TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_held_here: dict[Path, int] = {}


class FileLock:
    """An exclusive lock on a file; it ends with :meth:`release` or with the process.

    Where the file system cannot lock, every lock is granted: the caller's other checks
    must do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self, *, patience: float = 0.0) -> bool:
        """Take the lock, waiting at most ``patience`` seconds; whether it was taken."""
        deadline = time.monotonic() + patience
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        while not _try_lock(handle):
            if time.monotonic() >= deadline:
                os.close(handle)
                return False
            time.sleep(POLL_SECONDS)
        self._handle = handle
        return True

    def sign(self, text: str) -> None:
        """Leave word of who holds the lock; a full disk may swallow it."""
        assert self._handle is not None
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextlib.contextmanager
def training_lock(paths: RunPaths) -> Generator[None]:
    """Hold the sole right to train a run; a thread that has it may take it again.

    Raises
    ------
    CoresetError
        If another process, or another thread, holds it.
    """
    key = paths.root.resolve()
    if _held_here.get(key) == threading.get_ident():
        yield
        return
    lock = FileLock(paths.lock)
    try:
        is_mine = lock.acquire(patience=PATIENCE_SECONDS)
    except OSError as error:
        raise CoresetError(
            f"run directory {paths.root} cannot be trained: {error.strerror or error}. "
            "Check that it exists and that you may write to it."
        ) from None
    if not is_mine:
        raise CoresetError(_taken_message(paths))
    lock.sign(f"process {os.getpid()} on {host_name()}")
    _held_here[key] = threading.get_ident()
    try:
        yield
    finally:
        del _held_here[key]
        lock.release()


def _try_lock(handle: int) -> bool:
    """Whether the lock was granted."""
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        if error.errno not in UNSUPPORTED:
            raise
    return True


def _taken_message(paths: RunPaths) -> str:
    """Say who trains the run."""
    try:
        holder = paths.lock.read_text(errors="replace").strip()
    except OSError:
        holder = ""
    return (
        f"run {paths.root.name} is being trained already by {holder or 'another process'}. "
        "Stop it first."
    )
