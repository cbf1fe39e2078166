"""Prepared images in their file, read as they are asked for."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import DatasetError
from coreset_lib.stored_array import StoredArray


class _HeldFile:
    """An open file for one reader at a time, closed with the last array that reads it."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb")
        self.lock = Lock()

    def __del__(self) -> None:
        if "file" in vars(self):
            self.file.close()


class StoredImages(StoredArray):
    """The images of a prepared dataset, shape (samples, size, size) or with 3 channels behind.

    The file stays open, so that whoever has these images keeps them when the dataset is prepared
    anew. One that was cut short or overwritten is an error to catch, not the end of the process.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError, ValueError
        If the file is no array, or shorter than it says.
    DatasetError
        When reading, if it has become shorter since.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._held = _HeldFile(path)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs to open the same file."""
        return {name: value for name, value in vars(self).items() if name != "_held"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _held=_HeldFile(state["_path"]))

    @contextmanager
    def _open(self) -> Generator[BinaryIO]:
        """Lend the open file."""
        with self._held.lock:
            yield self._held.file

    def _read(self, rows: NDArray[Any], cells: slice | NDArray[Any]) -> NDArray[Any]:
        try:
            return super()._read(rows, cells)
        except (OSError, EOFError, ValueError) as error:
            raise DatasetError(
                f"the prepared images in {self._path} were damaged while they were in use "
                f"({error}). Start the program again: it prepares them anew."
            ) from None


def open_images(path: Path) -> NDArray[np.uint8]:
    """Open prepared images; raises as :class:`StoredImages` does."""
    return cast("NDArray[np.uint8]", StoredImages(path))
