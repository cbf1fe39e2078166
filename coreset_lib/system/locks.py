"""Locks that the system releases when their process ends, however it ends."""

import contextlib
import errno
import os
import sys
import time
from pathlib import Path

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


POLL_SECONDS = 0.02
TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


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
