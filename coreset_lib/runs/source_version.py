"""Which commit of this program computes: known where a repository tracks the program's files."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
PATIENCE_SECONDS = 5


@cache
def source_version(folder: Path = PACKAGE) -> dict[str, Any]:
    """Return ``git_commit`` and ``git_is_dirty`` of the package in a folder.

    Both are None where no repository tracks the package: it may well be installed inside
    somebody else's.
    """
    unknown = {"git_commit": None, "git_is_dirty": None}
    if _git(folder, "ls-files", "--error-unmatch", "--", "__init__.py") is None:
        return unknown
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    if not commit or changes is None:
        return unknown
    return {"git_commit": commit, "git_is_dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says about a folder; None where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
