"""Where the program keeps its files, and where the dashboard may look for images."""

import os
from pathlib import Path

ROOTS_VARIABLE = "CORESET_LENS_DATA_ROOTS"
TOKEN_VARIABLE = "CORESET_LENS_TOKEN"
BROWSER_VARIABLE = "CORESET_LENS_OPEN"


def default_cache() -> Path:
    """Return the cache directory: ``CORESET_LENS_CACHE``, else ``cache`` below here."""
    return Path(os.environ.get("CORESET_LENS_CACHE") or "cache")


def allowed_roots() -> tuple[Path, ...]:
    """Return the folders that the operator of the dashboard allowed, perhaps none."""
    given = os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep)
    return tuple(Path(folder) for folder in given if folder)
