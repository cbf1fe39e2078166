"""Which commit of this program computes: known where a repository tracks the program's files."""

import hashlib
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
PATIENCE_SECONDS = 5
# Whose files decide what comes out; the others start, show and export it.
DECIDING = (
    *("clustering", "datasets", "evaluation", "features", "refinement", "scores", "selection"),
    "training",
)


@cache
def source_hash(folder: Path = PACKAGE) -> str:
    """Return the SHA-256 of the source files that decide results, in hexadecimal digits.

    Two installations of one hash come to the same scores, coresets and trainings, as far as
    their libraries and processors do.
    """
    found = hashlib.sha256()
    files = [*folder.glob("*.py")]
    for name in DECIDING:
        files.extend((folder / name).rglob("*.py"))
    for path in sorted(files, key=lambda file: file.relative_to(folder).as_posix()):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0")
        found.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return found.hexdigest()


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
