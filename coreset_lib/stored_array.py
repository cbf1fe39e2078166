"""Arrays in files, read piece by piece in a way that a shorter file cannot kill.

A memory map of a file that somebody truncates (``cp`` and ``scp`` do) ends the process with
SIGBUS. Here every read asks for the file's size first, and a short one is an error to catch.
"""

import os
import tokenize
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from coreset_lib.system.files import read_at

Array = NDArray[Any]

# What NumPy raises for a header that is none.
BAD_HEADER = (OSError, ValueError, EOFError, SyntaxError, tokenize.TokenError, TypeError)
BAD_FILE = (*BAD_HEADER, OverflowError, MemoryError, RecursionError)
PIECE = 2**26  # bytes that are read at once
NEAR = 64  # cells between the wanted ones that are rather read than skipped


class StoredArray(NDArrayOperatorsMixin):
    """A ``.npy`` file as an array that reads what is asked for, and nothing before.

    Rows can be sliced without reading (``array[2:5]`` is another one); any other index reads
    and gives a NumPy array. Operators and methods of arrays (``array > 0``, ``array.mean()``)
    read everything.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError, ValueError
        If the file is no array, holds Python objects or is shorter than it says; also later,
        when it has become so. See ``BAD_FILE`` for all that a file can raise.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self.shape, self.dtype, is_fortran, self._offset = _header(file)
            _check_size(file, self._offset + self.nbytes)
        if is_fortran and self.ndim > 1:
            raise ValueError("its numbers lie column by column; save it in C order")
        self._first = 0

    @classmethod
    def of_rows(cls, path: Path, shape: tuple[int, ...], dtype: Any) -> Self:
        """Open a file that holds nothing but the numbers of an array of this shape.

        Raises
        ------
        OSError, ValueError
            If the file is not just as long as that.
        """
        array = object.__new__(cls)
        array._path, array.shape, array.dtype = path, shape, np.dtype(dtype)
        array._offset = array._first = 0
        size = path.stat().st_size
        if size != array.nbytes:
            raise ValueError(f"it has {size} bytes, its numbers need {array.nbytes}")
        return array

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all numbers take."""
        return _n_cells(self.shape) * self.dtype.itemsize

    @property
    def offset(self) -> int:
        """Bytes of the file before its numbers."""
        return self._offset

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        """Yield the rows one by one, each read when its turn comes."""
        for row in range(len(self)):
            yield self[row]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Read everything."""
        found = self._read(np.arange(len(self)), slice(None))
        return found if dtype is None else found.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Calculate with everything, read for this."""
        read = (np.asarray(value) if isinstance(value, StoredArray) else value for value in inputs)
        return getattr(ufunc, method)(*read, **options)

    def __getattr__(self, name: str) -> Any:
        """Return a method or property of the array that everything read gives."""
        if name.startswith("_") or "_first" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(np.asarray(self), name)

    def __getitem__(self, key: Any) -> Any:
        """Return a part: rows in a line unread, anything else as an array of its own."""
        rows, *others = key if isinstance(key, tuple) else (key,)
        if isinstance(rows, slice) and not others and rows.indices(len(self))[2] == 1:
            return self._rows(*rows.indices(len(self))[:2])
        if isinstance(rows, np.ndarray) and rows.ndim == 2:  # np.ix_
            return self._read(rows.ravel(), np.ravel(others[0]))
        numbers = np.arange(len(self))[rows]
        cells = others[0] if others and isinstance(others[0], (slice, np.ndarray)) else slice(None)
        found = self._read(np.atleast_1d(numbers), cells)
        rest = (slice(None), *others[1:]) if cells is (others or [None])[0] else tuple(others)
        if numbers.ndim == 0:
            return found[0][rest] if rest else found[0]
        return found[(slice(None), *rest)]

    def _rows(self, start: int, stop: int) -> "StoredArray":
        """Return rows in a line as an array of the same file."""
        part = object.__new__(type(self))
        vars(part).update(vars(self))
        part.shape = (max(stop - start, 0), *self.shape[1:])
        part._first = self._first + start
        return part

    def _read(self, rows: Array, cells: slice | Array) -> Array:
        """Read some cells of some rows, shape (rows, cells, ...)."""
        if self.ndim < 2:
            return self._spans(rows, [(slice(None), 0, 1, slice(None))], (1,), ())[:, 0]
        groups, n_cells = _groups(cells, self.shape[1])
        return self._spans(rows, groups, (n_cells,), self.shape[2:])

    def _spans(
        self,
        rows: Array,
        groups: "list[Group]",
        found_cells: tuple[int, ...],
        cell: tuple[int, ...],
    ) -> Array:
        """Read from each row the cells that lie near each other at once."""
        size = _n_cells(cell) * self.dtype.itemsize
        row_size = (self.shape[1] if self.ndim > 1 else 1) * size
        found = np.empty((len(rows), *found_cells, *cell), self.dtype)
        if not found.size:
            return found
        with self._open() as file:
            _check_size(file, self._offset + (self._first + int(rows.max()) + 1) * row_size)
            if _are_whole_rows_in_line(rows, groups, row_size // max(size, 1)):
                start = self._offset + (self._first + int(rows[0])) * row_size
                self._fill(file, found, start, row_size)
                return found
            for to, row in enumerate(rows):
                start = self._offset + (self._first + int(row)) * row_size
                for places, low, high, taken in groups:
                    content = read_at(file, (high - low) * size, start + low * size)
                    values = np.frombuffer(content, self.dtype).reshape(high - low, *cell)
                    found[to, places] = values[taken]
        return found

    def _fill(self, file: BinaryIO, found: Array, start: int, row_size: int) -> None:
        """Read rows in a line, a piece at a time, so that they are not in memory twice."""
        n_rows = max(PIECE // row_size, 1)
        for first in range(0, len(found), n_rows):
            piece = found[first : first + n_rows]
            content = read_at(file, len(piece) * row_size, start + first * row_size)
            piece[:] = np.frombuffer(content, self.dtype).reshape(piece.shape)

    def _open(self) -> AbstractContextManager[BinaryIO]:
        """Open the file for one reading."""
        return self._path.open("rb")


# Where cells go, the first one, the one past the last, and which of those between.
Group = tuple[Any, int, int, Any]


def _are_whole_rows_in_line(rows: Array, groups: list[Group], n_cells: int) -> bool:
    """Whether one stretch of the file holds just what is wanted."""
    if len(groups) != 1:
        return False
    _, low, high, taken = groups[0]
    is_whole = isinstance(taken, slice) and (low, high) == (0, n_cells)
    return is_whole and bool((np.diff(rows) == 1).all())


def read_array(path: Path) -> Array:
    """Read a whole ``.npy`` file into memory; raises as :class:`StoredArray` does."""
    with path.open("rb") as file:
        shape, dtype, is_fortran, offset = _header(file)
        n_bytes = _n_cells(shape) * dtype.itemsize
        _check_size(file, offset + n_bytes)
        values = np.frombuffer(bytearray(read_at(file, n_bytes, offset)), dtype)
    found = values.reshape(shape, order="F" if is_fortran else "C")
    found.flags.writeable = False
    return found


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any], bool, int]:
    """Return shape, type, whether column by column, and where the numbers begin."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"array format {version[0]}.{version[1]} is unknown")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never loaded")
    if any(length < 0 for length in shape):
        raise ValueError(f"shape {shape} is impossible")
    return shape, dtype, is_fortran, file.tell()


def _check_size(file: BinaryIO, needed: int) -> None:
    """Raise ValueError if a file has become, or always was, too short."""
    size = os.fstat(file.fileno()).st_size
    if size < needed:
        raise ValueError(f"it has {size} bytes, its numbers need {needed}")


def _n_cells(shape: tuple[int, ...]) -> int:
    """Return how many numbers a shape holds, without overflow."""
    total = 1
    for length in shape:
        total *= int(length)
    return total


def _groups(cells: slice | Array, n_cells: int) -> tuple[list[Group], int]:
    """Return how to read cells in few pieces, and how many cells there are."""
    if isinstance(cells, slice) and cells.indices(n_cells)[2] == 1:
        low, high, _ = cells.indices(n_cells)
        return [(slice(None), low, max(high, low), slice(None))], max(high - low, 0)
    wanted = np.atleast_1d(np.arange(n_cells)[cells])
    if not wanted.size:
        return [], 0
    order = np.argsort(wanted, kind="stable")
    cuts = np.flatnonzero(np.diff(wanted[order]) > NEAR) + 1
    groups: list[Group] = []
    for places in np.split(order, cuts):
        low, high = int(wanted[places[0]]), int(wanted[places[-1]]) + 1
        groups.append((places, low, high, wanted[places] - low))
    return groups, wanted.size
