"""Folders to choose from: those below the allowed ones, and those chosen in a dialog."""

import os
from collections.abc import Sequence
from pathlib import Path

from coreset_lib.atomic import write_json
from coreset_lib.cache import chosen_folders_file, chosen_roots
from coreset_lib.datasets.sources.listing import check_within, is_within, natural_key, shown
from coreset_lib.errors import DatasetError
from coreset_lib.system.privacy import make_private

MOST_REMEMBERED = 20
MOST_LISTED = 500


def remember_folder(folder: Path, *, cache: Path) -> None:
    """Keep a folder that a person chose in a dialog of this computer among those allowed.

    Raises
    ------
    DatasetError
        If there is no such folder, or it cannot be kept.
    """
    if not os.path.isdir(folder):
        raise DatasetError(f"folder {shown(str(folder))} was not found. Choose one that exists.")
    known = dict.fromkeys([str(folder.resolve()), *map(str, chosen_roots(cache))])
    try:
        make_private(cache)
        write_json(chosen_folders_file(cache), list(known)[:MOST_REMEMBERED])
    except (OSError, ValueError) as error:  # a name that is no text, too
        why = getattr(error, "strerror", None) or "its name is no valid text"
        raise DatasetError(
            f"folder {shown(str(folder))} cannot be kept in the cache: {why}. Choose another one."
        ) from None


def folders_in(folder: Path, roots: Sequence[Path]) -> list[str]:
    """Return the names of the folders in an allowed folder, hidden ones left out.

    Raises
    ------
    DatasetError
        If it is not allowed, or cannot be listed.
    """
    check_within(folder, roots)
    try:
        with os.scandir(folder) as entries:
            found = [e.name for e in entries if e.name[:1] != "." and e.is_dir()]
    except OSError as error:
        raise DatasetError(
            f"folder {shown(str(folder))} cannot be listed: {error.strerror or error}. Choose "
            "another one."
        ) from None
    allowed = [name for name in found if is_within(folder / name, roots)]
    return sorted(allowed, key=natural_key)[:MOST_LISTED]
