"""Where the program keeps its files, and where the dashboard may look for images."""

import json
import os
from pathlib import Path

ROOTS_VARIABLE = "CORESET_LENS_DATA_ROOTS"
TOKEN_VARIABLE = "CORESET_LENS_TOKEN"
BROWSER_VARIABLE = "CORESET_LENS_OPEN"


def default_cache() -> Path:
    """Return the cache directory: ``CORESET_LENS_CACHE``, else ``cache`` below here."""
    return Path(os.environ.get("CORESET_LENS_CACHE") or "cache")


def unpacked_folder(cache: Path) -> Path:
    """Return where ZIP files are unpacked that a page was given."""
    return cache / "unpacked"


def chosen_folders_file(cache: Path) -> Path:
    """Return the file with the folders that were chosen in a dialog of this computer."""
    return cache / "chosen_folders.json"


def given_roots() -> tuple[Path, ...]:
    """Return the folders that the operator of the dashboard allowed at its start, perhaps none."""
    given = os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep)
    return tuple(Path(folder) for folder in given if folder)


def chosen_roots(cache: Path) -> tuple[Path, ...]:
    """Return the folders that were chosen in a dialog of this computer, the latest first."""
    try:
        names = json.loads(chosen_folders_file(cache).read_bytes())
    except (OSError, ValueError):
        return ()
    if not isinstance(names, list):
        return ()
    return tuple(Path(name) for name in names if isinstance(name, str) and os.path.isabs(name))


def allowed_roots() -> tuple[Path, ...]:
    """Return the folders that the dashboard may read images from, perhaps none.

    Those that its operator named when it was started, those that were chosen in a dialog of the
    computer it runs on, and what it unpacked itself.
    """
    cache = default_cache()
    unpacked = unpacked_folder(cache)
    own = (unpacked,) if unpacked.is_dir() else ()
    return tuple(dict.fromkeys((*given_roots(), *chosen_roots(cache), *own)))
