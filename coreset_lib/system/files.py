"""Renaming files as POSIX does, also where the system minds that somebody reads them."""

import contextlib
import os
import secrets
import sys
import time
from pathlib import Path
from typing import BinaryIO

PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.02
LARGEST_READ = 1 << 30


def replace(source: Path, target: Path) -> None:
    """Rename a file to ``target``, in one step, whether or not that exists; raises OSError.

    Windows refuses while another process has ``target`` open, which readers here do for
    milliseconds only: it is tried again for a moment.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() >= deadline:
                raise
            time.sleep(POLL_SECONDS)


def make_new(path: Path, content: bytes) -> bool:
    """Make a file with its content in one step, unless there is one; whether it was made.

    Of several processes, on whatever hosts, one makes it. Raises OSError where nothing can be
    written.
    """
    aside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    aside.write_bytes(content)
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError:  # no links here, FAT say: for a moment the file is there and empty
        return _write_exclusively(path, content)
    finally:
        aside.unlink(missing_ok=True)
    return True


def _write_exclusively(path: Path, content: bytes) -> bool:
    """Write a file that must not be there yet; whether it was written."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def touch(path: Path) -> None:
    """Set a file's time to now, by the clock of the file server; nothing if it is gone."""
    with contextlib.suppress(OSError):
        os.utime(path)


def server_time(folder: Path, name: str) -> float:
    """Return the time of the clock that dates the files in a folder; raises OSError."""
    probe = folder / f".{name}.clock"
    probe.touch()
    try:
        os.utime(probe)
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def read_at(file: BinaryIO, n_bytes: int, offset: int) -> bytes:
    """Return exactly so many bytes from a place in a file; raises OSError, EOFError if short."""
    pieces: list[bytes] = []
    while n_bytes > 0:
        piece = _read_some(file, min(n_bytes, LARGEST_READ), offset)
        if not piece:
            raise EOFError("the file ends before its numbers do")
        pieces.append(piece)
        offset += len(piece)
        n_bytes -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _read_some(file: BinaryIO, n_bytes: int, offset: int) -> bytes:
    """Return at most so many bytes from a place in a file."""
    if sys.platform != "win32":
        return os.pread(file.fileno(), n_bytes, offset)
    file.seek(offset)
    return file.read(n_bytes)
