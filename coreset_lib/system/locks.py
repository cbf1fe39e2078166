"""Locks that the system releases when their process ends, however it ends."""

import contextlib
import errno
import os
import time
from pathlib import Path

from filelock import lock_descriptor

POLL_SECONDS = 0.02
ASKED = 4
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
# Windows locks the first byte for reading too: what is left for others stands behind it.
SIGN_POSITION = 1


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
        try:
            while not _try_lock(handle):
                if time.monotonic() >= deadline:
                    os.close(handle)
                    return False
                time.sleep(POLL_SECONDS)
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        return True

    def is_held(self) -> bool:
        """Whether somebody holds the lock now; nothing is created or written.

        Who asks holds it for a moment, so that one answer of many is not believed.
        """
        return all(self._seems_held(after=number * POLL_SECONDS) for number in range(ASKED))

    def _seems_held(self, *, after: float) -> bool:
        """Try the lock once, after a pause."""
        time.sleep(after)
        try:
            handle = os.open(self._path, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _try_lock(handle)
        except OSError:
            return False
        finally:
            os.close(handle)

    def sign(self, text: str) -> None:
        """Leave word of who holds the lock; a full disk may swallow it."""
        assert self._handle is not None
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, b" " * SIGN_POSITION + text.encode())

    def holder(self) -> str:
        """Return what the holder has left with :meth:`sign`; empty if that cannot be read."""
        try:
            with open(self._path, "rb", buffering=0) as file:
                file.seek(SIGN_POSITION)
                return file.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _try_lock(handle: int) -> bool:
    """Whether the lock was granted."""
    try:
        return lock_descriptor(handle, blocking=False)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    return True
