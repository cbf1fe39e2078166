"""Files that are either whole or absent: write aside, flush to disk, rename."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` once the block ends well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at ``path`` by ``content``."""
    with replacing(path) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Replace the file at ``path`` by ``content`` as indented JSON."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Replace the ``.npy`` file at ``path`` by ``array``."""
    with replacing(path) as file:
        np.save(file, array, allow_pickle=False)


def write_output(path: Path, content: bytes) -> None:
    """Write a file that a person asked for; raises CoresetError where that cannot be done."""
    try:
        write_bytes(path, content)
    except OSError as error:
        raise CoresetError(
            f"output {path} cannot be written: {error.strerror or error}. "
            "Choose a file in an existing folder that you may write to."
        ) from None


def csv_bytes(frame: Any) -> bytes:
    """Return a data frame as UTF-8 CSV with Unix line ends on every system."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue().encode()
