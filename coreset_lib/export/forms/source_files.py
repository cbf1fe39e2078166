"""The image file behind each sample, for datasets that were made of single files."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.errors import CoresetError

FILES = ("folder", "table")


class SourceFile(NamedTuple):
    """Where a sample comes from.

    Attributes
    ----------
    record : FileRecord
    frame : int
        From 0; other than 0 only where a file holds several.
    """

    record: FileRecord
    frame: int

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.record.path)

    @property
    def has_frames(self) -> bool:
        """Whether the file holds several samples."""
        return len(self.record.rows) > 1


def source_files(dataset: LabeledImages) -> dict[int, SourceFile]:
    """Return the file of every sample, by its row in train, then val, then test.

    Empty for datasets whose samples are rows of an array.
    """
    if dataset.origin is None or dataset.origin.kind not in FILES:
        return {}
    return {
        row: SourceFile(record, frame)
        for record in dataset.origin.files
        for frame, (_, row) in enumerate(record.rows)
    }


def need_files(dataset: LabeledImages, reader: str) -> dict[int, SourceFile]:
    """Return `source_files`; raises CoresetError where samples have none."""
    found = source_files(dataset)
    if not found:
        raise CoresetError(
            f"{reader} reads files, got {dataset.name}, whose samples are rows of an array. "
            "Write them as files with --form folder."
        )
    return found


def common_folder(files: Iterable[SourceFile]) -> Path:
    """Return the innermost folder that holds all files."""
    folders = {str(file.path.parent) for file in files}
    try:
        return Path(os.path.commonpath(list(folders)))
    except ValueError:
        raise CoresetError(
            "the files of the coreset must lie on one drive, got several. Put them together."
        ) from None
