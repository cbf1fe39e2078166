"""Where datasets come from, each kind of source in a file of its own.

Sources are asked for their names and for paths in the order in which they stand here: what is
an official MedMNIST file to one is an array file to the next.
"""

from pathlib import Path
from typing import NamedTuple

from coreset_lib.datasets.sources.source import Source
from coreset_lib.plugins import Registry

_ROOM = "coreset_lib.datasets.sources"

SOURCES = Registry[Source](
    "source",
    {
        "phantom": f"{_ROOM}.phantom.source:PHANTOM",
        "medmnist": f"{_ROOM}.medmnist:MEDMNIST",
        "npz": f"{_ROOM}.npz.source:NPZ",
        "folder": f"{_ROOM}.folder:FOLDER",
        "table": f"{_ROOM}.table:TABLE",
    },
    group="coreset_lens.sources",
    type_of_member=Source,
    credit=lambda source, words: source,  # `list_datasets` says it of each dataset
)


class FoundSource(NamedTuple):
    """A source and its name among :data:`SOURCES`."""

    key: str
    source: Source


def named_source(name: str) -> FoundSource | None:
    """Return the source that has a dataset of this name, which needs no path."""
    for key, source in SOURCES.items():
        with SOURCES.blaming(key):
            if name.lower() in source.names():
                return FoundSource(key, source)
    return None


def source_of(path: Path) -> FoundSource | None:
    """Return the source that reads a file or folder, or None where no source does."""
    for key, source in SOURCES.items():
        with SOURCES.blaming(key):
            if source.takes(path):
                return FoundSource(key, source)
    return None
