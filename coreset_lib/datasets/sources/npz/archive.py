"""Reading arrays out of .npz archives without trusting a byte of them.

NumPy's own reader allocates whatever a damaged header asks for and raises a dozen kinds
of exceptions; this one checks sizes first and has a single one.
"""

import io
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from coreset_lib.datasets.sources.split_words import part_of
from coreset_lib.errors import DatasetError
from coreset_lib.system.memory import available_memory, fits

Array = NDArray[Any]

_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    SyntaxError,
    OverflowError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
)
_CHUNK = 1 << 24
_HEADER_BYTES = 1 << 14
# Deflate cannot shrink below 1/1032 of the original: a claim beyond that is damage.
_MOST_SHRINKING = 1032
_HEADER_READERS: dict[tuple[int, int], Callable[[io.BytesIO], tuple[Any, bool, Any]]] = {
    (1, 0): cast(Any, npy_format).read_array_header_1_0,
    (2, 0): cast(Any, npy_format).read_array_header_2_0,
}


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of a stored array, read without its data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    data_start: int

    @property
    def n_bytes(self) -> int:
        """Size of the data in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class NpzArchive:
    """An open .npz archive; every failure is one DatasetError that names the file.

    Parameters
    ----------
    path : Path
        File to read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._readable():
            self._bytes = os.stat(path).st_size
            self._zip = zipfile.ZipFile(path)
            self._members = {
                info.filename.removesuffix(".npy"): info for info in self._zip.infolist()
            }

    def __enter__(self) -> "NpzArchive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> list[str]:
        """Names of the stored arrays."""
        return sorted(self._members)

    def require(self, names: Iterable[str]) -> None:
        """Raise DatasetError unless all arrays are there."""
        missing = [name for name in names if name not in self]
        if missing:
            raise DatasetError(
                f"{self.path} must hold the arrays {{train,val,test}}_{{images,labels}}, "
                f"got no {', '.join(missing)}. It holds: {_printable(self.names) or 'nothing'}."
                f"{_renaming_hint(self.names)}"
            )

    def check_memory(self, names: Iterable[str]) -> None:
        """Raise DatasetError unless the arrays, as large as the archive says, fit into memory."""
        sizes = {name: self._member(name).file_size for name in names}
        if not fits(sum(sizes.values())):
            raise self._too_large(" and ".join(sizes), sum(sizes.values()))

    def require_splits(self, parts: Sequence[str]) -> list[str]:
        """Return the splits that are there; raises unless each, and train, has its two arrays."""
        there = [
            part
            for part in parts
            if part == "train" or f"{part}_images" in self or f"{part}_labels" in self
        ]
        if len(there) == 1 and "train_images" not in self:
            there = list(parts)
        self.require(f"{part}_{kind}" for part in there for kind in ("images", "labels"))
        return there

    def header(self, name: str) -> ArrayHeader:
        """Return shape and type of an array without reading its data."""
        info = self._member(name)
        with self._readable(), self._zip.open(info) as stream:
            header = _parse_header(stream.read(min(info.file_size, _HEADER_BYTES)))
        self._check_header(name, header, info.file_size)
        return header

    def read(self, name: str) -> Array:
        """Return an array, its checksum verified."""
        info = self._member(name)
        with self._readable():
            raw = self._bytes_of(info)
            header = _parse_header(raw[:_HEADER_BYTES].tobytes())
        self._check_header(name, header, len(raw))
        order = "F" if header.is_fortran else "C"
        flat = raw[header.data_start :].view(header.dtype)
        return np.asarray(flat.reshape(header.shape, order=order), order="C")

    def _member(self, name: str) -> zipfile.ZipInfo:
        """Return the directory entry of an array, its claimed size checked."""
        self.require([name])
        info = self._members[name]
        stored = info.compress_type == zipfile.ZIP_STORED
        if not stored and info.compress_type != zipfile.ZIP_DEFLATED:
            raise self._damage(f"{name} is packed in a way NumPy does not write")
        limit = info.compress_size if stored else _MOST_SHRINKING * (info.compress_size + 16)
        if info.compress_size > self._bytes or info.file_size > limit:
            raise self._damage(f"{name} claims an impossible size")
        return info

    def _bytes_of(self, info: zipfile.ZipInfo) -> NDArray[np.uint8]:
        """Return the unpacked bytes; one copy only, as sets reach many gigabytes."""
        buffer = self._room(info)
        filled = 0
        with self._zip.open(info) as stream:
            # The last, empty read is what makes zipfile compare the checksum.
            while chunk := stream.read(_CHUNK):
                buffer[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
                filled += len(chunk)
        if filled < len(buffer):
            raise EOFError(f"{info.filename} ends early")
        return buffer

    def _room(self, info: zipfile.ZipInfo) -> NDArray[np.uint8]:
        """Return an empty buffer for the unpacked member."""
        if not fits(info.file_size):
            raise self._too_large(info.filename, info.file_size)
        try:
            return np.empty(info.file_size, np.uint8)
        except MemoryError:
            raise self._too_large(info.filename, info.file_size) from None

    def _too_large(self, what: str, n_bytes: int) -> DatasetError:
        """Return the error for arrays that there is no memory for."""
        available = available_memory()
        free = "" if available is None else f", of which {available / 1e9:.1f} GB are free"
        return DatasetError(
            f"{self.path} must fit into memory{free}, got {what} with {n_bytes / 1e9:.1f} GB. "
            "Use a smaller image size or another machine."
        )

    def _check_header(self, name: str, header: ArrayHeader, n_bytes: int) -> None:
        """Raise unless the array is plain data of exactly the stored size."""
        if header.dtype.hasobject:
            raise DatasetError(
                f"{name} in {self.path} must be a plain array, got Python objects, which are "
                "never loaded because they can run code. Save it with a numeric type."
            )
        if header.dtype.itemsize == 0 or header.data_start + header.n_bytes != n_bytes:
            raise self._damage(f"{name} does not have the size its header names")

    @contextmanager
    def _readable(self) -> Generator[None]:
        """Turn whatever a damaged archive raises into one sentence."""
        try:
            yield
        except DatasetError:
            raise
        except FileNotFoundError:
            raise DatasetError(f"{self.path} must be an existing file. Check the path.") from None
        except PermissionError:
            raise DatasetError(
                f"{self.path} must be readable, got permission denied. Change its permissions."
            ) from None
        except _BROKEN as error:
            raise self._damage(str(error) or type(error).__name__) from error

    def _damage(self, reason: str) -> DatasetError:
        """Return the error for a file that is not a whole archive."""
        reason = " ".join(reason.split()).rstrip(".")
        return DatasetError(
            f"{self.path} must be a whole .npz archive, got one that cannot be read "
            f"({reason[:200]}). Copy or download it again."
        )


def _renaming_hint(names: Iterable[str]) -> str:
    """Say which arrays of usual names, such as x_train, stand for which that are needed."""
    kinds = {"x": "images", "images": "images", "image": "images", "data": "images", "y": "labels"}
    kinds |= {"labels": "labels", "label": "labels", "target": "labels", "targets": "labels"}
    found: list[str] = []
    for name in names:
        words = name.lower().split("_")
        part = next((part_of(word) for word in words if part_of(word)), "")
        kind = next((kinds[word] for word in words if word in kinds), "")
        if part and kind and name != f"{part}_{kind}":
            found.append(f"{_printable([name])} to {part}_{kind}")
    return f" Rename {', '.join(found)}." if found else ""


def _printable(names: list[str]) -> str:
    """Write names from a file in one short line, whatever characters they have."""
    short = [name[:40].encode("unicode_escape").decode() for name in names[:12]]
    return ", ".join([*short, "..."] if len(names) > 12 else short)


def _parse_header(raw: bytes) -> ArrayHeader:
    """Return the header at the start of a stored array."""
    stream = io.BytesIO(raw)
    version: tuple[int, int] = cast(Any, npy_format).read_magic(stream)
    if version not in _HEADER_READERS:
        raise ValueError(f"unknown array format {version}")
    shape, is_fortran, dtype = _HEADER_READERS[version](stream)
    if any(length < 0 for length in shape):
        raise ValueError(f"impossible shape {shape}")
    return ArrayHeader(shape, dtype, is_fortran, stream.tell())
