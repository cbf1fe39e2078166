"""What is remembered of an image file once it has been decoded."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class FileRecord(NamedTuple):
    """One file: which it was, what it was, and where its frames lie.

    ``rows`` holds (channels, row) per frame; it is empty for a file that cannot be used,
    and ``reason`` says why. ``n_hidden`` counts frames that the grey window makes one grey,
    though the original has more.
    """

    path: str
    size: int
    mtime: int
    reason: str
    rows: tuple[tuple[int, int], ...]
    height: int = 0
    width: int = 0
    bits: int = 0
    low: float = 0.0
    high: float = 0.0
    modality: str = ""
    patient: str = ""
    identity_removed: str = ""
    burned_in: str = ""
    study: str = ""
    series: str = ""
    n_hidden: int = 0

    @classmethod
    def parse(cls, values: Sequence[Any]) -> "FileRecord":
        """Return a record read from JSON; raises ValueError or TypeError for anything else."""
        record = cls(*values)
        rows = tuple([(int(channels), int(row)) for channels, row in record.rows])
        if not all(channels in (1, 3) and row >= 0 for channels, row in rows):
            raise ValueError("no record of a file")
        return record._replace(rows=rows)

    def is_of(self, path: str, size: int, mtime: int) -> bool:
        """Whether the file is still the one that was read."""
        return (self.path, self.size, self.mtime) == (path, size, mtime)
