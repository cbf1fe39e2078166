"""What killed programs leave among the runs: drafts, and runs that were being deleted."""

import shutil
import time
from pathlib import Path

from coreset_lib.runs.paths import runs_folder

ENDINGS = (".part", ".deleted")
# A draft is written in minutes; one that nobody has touched for so long is nobody's.
PATIENCE_SECONDS = 3600.0


def leftovers(cache: Path) -> list[Path]:
    """Return the folders of drafts and of half-deleted runs that nobody works on any more."""
    try:
        found = sorted(runs_folder(cache).iterdir())
    except OSError:
        return []
    return [path for path in found if _is_leftover(path)]


def remove_leftovers(cache: Path) -> list[Path]:
    """Remove them, and return those that are gone; what cannot be removed stays."""
    found = leftovers(cache)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return [path for path in found if not path.exists()]


def _is_leftover(path: Path) -> bool:
    """Whether a folder is of this kind, and old enough."""
    if not path.name.startswith(".") or not path.name.endswith(ENDINGS) or path.is_symlink():
        return False
    try:
        parts = [path, *path.rglob("*")]
        newest = max(part.stat().st_mtime for part in parts)
    except OSError:
        return False  # somebody works on it
    return time.time() - newest > PATIENCE_SECONDS
