"""A little disk space kept aside, so that a run on a full disk can still say so."""

import contextlib
import os
from collections.abc import Generator

from coreset_lib.runs.paths import RunPaths

RESERVE_BYTES = 64 * 1024


@contextlib.contextmanager
def reserved_disk_space(paths: RunPaths) -> Generator[None]:
    """Occupy some disk space within the block and free it as soon as the block fails."""
    with contextlib.suppress(OSError), paths.disk_reserve.open("wb") as file:
        file.write(os.urandom(RESERVE_BYTES))  # zeros would take no space on some file systems
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            paths.disk_reserve.unlink()
