"""How much memory there is to take, and taking much of it by turns."""

import contextlib
import threading
from collections.abc import Generator
from pathlib import Path

CONTROL_GROUP = Path("/sys/fs/cgroup")
# What is left to everything else on the machine.
KEPT_FREE = 0.1
# Less than this is not worth asking for.
SMALL_BYTES = 64 * 2**20
_turns = threading.Condition()
_taken = 0


def available_memory() -> int | None:
    """Return the bytes that this process may still take; None where nobody says."""
    known = [found for found in (_of_the_machine(), _of_the_container()) if found is not None]
    return int(min(known) * (1 - KEPT_FREE)) if known else None


def fits(n_bytes: int) -> bool:
    """Whether so many bytes can be taken now."""
    available = available_memory()
    return n_bytes < SMALL_BYTES or available is None or n_bytes <= available


@contextlib.contextmanager
def room_for(n_bytes: int) -> Generator[None]:
    """Hold a claim on memory while it is needed; large claims of other threads are waited for.

    Raises
    ------
    MemoryError
        If so much is not there, whoever else gave back what they hold.
    """
    global _taken
    if n_bytes < SMALL_BYTES:
        yield
        return
    with _turns:
        # What others claim may not be taken yet: only together with it the rest is free.
        _turns.wait_for(lambda: _taken == 0 or fits(n_bytes + _taken))
        if not fits(n_bytes):
            raise MemoryError(f"{n_bytes / 1e9:.1f} GB are needed")
        _taken += n_bytes
    try:
        yield
    finally:
        with _turns:
            _taken -= n_bytes
            _turns.notify_all()


def _of_the_machine() -> int | None:
    """Return what the whole machine can give."""
    try:
        import psutil
    except ImportError:  # a bare GPU node
        return None
    return int(psutil.virtual_memory().available)


def _of_the_container() -> int | None:
    """Return what a container may still take; None without a limit."""
    try:
        limit = (CONTROL_GROUP / "memory.max").read_text().strip()
        used = int((CONTROL_GROUP / "memory.current").read_text())
        pairs = (line.split() for line in (CONTROL_GROUP / "memory.stat").read_text().splitlines())
        reclaimable = {name: int(number) for name, number in pairs}.get("inactive_file", 0)
        return max(int(limit) - used + reclaimable, 0)
    except (OSError, ValueError):  # "max" is no number: there is no limit
        return None
