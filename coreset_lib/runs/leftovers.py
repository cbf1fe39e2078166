"""What killed programs leave among the runs: drafts, and runs that were being deleted."""

import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from coreset_lib.runs.paths import runs_folder
from coreset_lib.system.processes import machine_start, process_identity

ENDINGS = (".part", ".deleted")
# Of a process that cannot be asked for: a draft is written in minutes, and one that nobody has
# touched for so long is nobody's.
PATIENCE_SECONDS = 3600.0
OWNED = re.compile(
    r"\.(?P<machine>[0-9a-f]{8})-(?P<pid>\d{1,10})-(?P<process>[0-9a-f]{8})\.[a-z]+$"
)


def hidden_folder(cache: Path, run_id: str, ending: str) -> Path:
    """Return a folder beside the runs that names the process that works on it.

    Parameters
    ----------
    cache : Path
    run_id : str
    ending : str
        One of ``ENDINGS``.
    """
    owner = f"{_short(machine_start())}-{os.getpid()}-{_short(process_identity(os.getpid()))}"
    return runs_folder(cache) / f".{run_id}.{owner}{ending}"


def leftovers(cache: Path) -> list[Path]:
    """Return the folders of drafts and of half-deleted runs that nobody works on any more."""
    try:
        found = sorted(runs_folder(cache).iterdir())
    except OSError:
        return []
    return [path for path in found if _is_leftover(path)]


def leftovers_sentence(cache: Path) -> str:
    """Say what was left; empty where nothing was."""
    n_left = len(leftovers(cache))
    if not n_left:
        return ""
    what = (
        "folder of a draft or deleted run was"
        if n_left == 1
        else "folders of drafts and deleted runs were"
    )
    return (
        f"{n_left:,} {what} left by programs that were killed; the next run that is started or "
        "deleted removes what was left."
    )


def remove_leftovers(cache: Path) -> list[Path]:
    """Remove them, and return those that are gone; what cannot be removed stays."""
    found = leftovers(cache)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return [path for path in found if not path.exists()]


def _is_leftover(path: Path) -> bool:
    """Whether a folder is of this kind, and its process gone, or unknown and quiet for long."""
    if not path.name.startswith(".") or not path.name.endswith(ENDINGS) or path.is_symlink():
        return False
    is_alive = _is_owner_alive(path.name)
    if is_alive is not None:
        return not is_alive
    try:
        parts = [path, *path.rglob("*")]
        newest = max(part.stat().st_mtime for part in parts)
    except OSError:
        return False  # somebody works on it
    return time.time() - newest > PATIENCE_SECONDS


def _is_owner_alive(name: str) -> bool | None:
    """Whether the process that a name tells of still runs; None where that cannot be known."""
    owner, machine = OWNED.search(name), machine_start()
    if owner is None or not machine or owner["machine"] != _short(machine):
        return None
    return _short(process_identity(int(owner["pid"]))) == owner["process"]


def _short(identity: str) -> str:
    """Return eight characters that stand for a machine or a process."""
    return hashlib.sha256(identity.encode()).hexdigest()[:8]
