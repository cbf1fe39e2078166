"""The sole right to train a run; it ends with the process that holds it, however that ends."""

import contextlib
import os
import threading
from collections.abc import Generator
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.system.locks import FileLock
from coreset_lib.system.processes import host_name

PATIENCE_SECONDS = 1.0
_held_here: dict[Path, int] = {}


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


def is_being_trained(paths: RunPaths) -> bool:
    """Whether another process holds the sole right to train a run."""
    return paths.root.resolve() not in _held_here and FileLock(paths.lock).is_held()


def _taken_message(paths: RunPaths) -> str:
    """Say who trains the run."""
    holder = FileLock(paths.lock).holder()
    return (
        f"run {paths.root.name} is being trained already by {holder or 'another process'}. "
        "Stop it first."
    )
