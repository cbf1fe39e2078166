"""Renaming files as POSIX does, also where the system minds that somebody reads them."""

import os
import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.02


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
