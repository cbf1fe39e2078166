"""The list of datasets: what there is, where it lies, what is wrong with it."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coreset_lib.datasets.sources import SOURCES, source_of
from coreset_lib.datasets.sources.source import DEFAULT_SIZE, DatasetInfo
from coreset_lib.errors import CoresetError, DatasetError

__all__ = [
    "DEFAULT_SIZE",
    "DatasetInfo",
    "dataset_paths",
    "existing_folder",
    "folder_itself",
    "list_datasets",
    "name_in_list",
    "own_paths",
]

log = logging.getLogger(__name__)


def list_datasets(data_root: str | Path | None = None) -> list[DatasetInfo]:
    """Return what `load_dataset` can load: phantom, MedMNIST, and what is in ``data_root``.

    Notes
    -----
    Reads labels and headers of the files found, no pixels; never downloads. A file that
    cannot be read is listed with its ``problem``. Of image folders and tables only the
    names are read: their sizes and classes are left empty. What a source of another package
    cannot list is left out and logged.
    """
    root = existing_folder(data_root)
    infos: list[DatasetInfo] = []
    for key, source in SOURCES.items():
        infos += _lines_of(key, lambda source=source: source.list_named(root))
    for path in own_paths(root):
        if (found := source_of(path)) is not None:
            infos += _lines_of(found.key, lambda f=found, p=path: [f.source.summarise(p)])
    return infos


def _lines_of(key: str, ask: Callable[[], list[DatasetInfo]]) -> list[DatasetInfo]:
    """Return what a source lists, with the package that brings it, if not our own."""
    plugin = SOURCES.plugin(key)
    if plugin is None:
        return ask()
    try:
        with SOURCES.blaming(key):
            return [replace(i, title=f"{i.title} ({plugin.origin})") for i in ask()]
    except CoresetError as error:
        log.warning("%s", error)
        return []


def existing_folder(data_root: str | Path | None) -> Path | None:
    """Return the data folder, or refuse one that is not there."""
    if data_root is None:
        return None
    root = Path(data_root).expanduser()
    if not os.path.isdir(root):
        raise DatasetError(f"data root must be an existing folder, got {root}. Check the path.")
    return root


def own_paths(root: Path | None) -> list[Path]:
    """Return the user's datasets in the data folder: those that no source lists by name."""
    return [path for path in dataset_paths(root) if not _is_named(path)]


def folder_itself(root: Path) -> DatasetInfo | None:
    """Return the line of a data folder that is a dataset itself, under its own name; else None."""
    found = source_of(root)
    if found is None or not _is_dataset(root):
        return None
    return next(iter(_lines_of(found.key, lambda: [found.source.summarise(root)])), None)


def name_in_list(path: Path) -> str:
    """Return the name that `list_datasets` gives to a dataset in the data folder."""
    found = source_of(path)
    return path.name if found is None else found.source.name_of(path)


def dataset_paths(root: Path | None) -> list[Path]:
    """Return everything in the data folder that looks like a dataset, official files too."""
    if root is None:
        return []
    try:
        present = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in present if _is_dataset(path)]


def _is_dataset(path: Path) -> bool:
    """Whether something in the data folder looks like a dataset."""
    found = source_of(path)
    if found is None:
        return False
    with SOURCES.blaming(found.key):
        return found.source.is_listed(path)


def _is_named(path: Path) -> bool:
    """Whether the source of a file lists it under a name of its own."""
    found = source_of(path)
    return found is not None and found.source.name_of(path) in found.source.names()
