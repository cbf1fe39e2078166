"""Files that are either whole or absent: write aside, flush to disk, rename."""

import contextlib
import csv
import json
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.system.files import replace
from coreset_lib.system.privacy import publish


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` once the block ends well."""
    # Not tempfile: its files are private, while ours follow the user's umask.
    aside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
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
    """Write a file that a person asked for; raises CoresetError where that cannot be done.

    A link is followed. Devices and folders are refused: a rename would replace them.
    """
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise CoresetError(f"output {path} must be a file, got a folder or device. Name a file.")
    try:
        write_bytes(target, content)
        publish(target)
    except OSError as error:
        raise CoresetError(
            f"output {path} cannot be written: {error.strerror or error}. "
            "Choose a file in an existing folder that you may write to."
        ) from None


def csv_bytes(frame: Any) -> bytes:
    """Return a data frame as UTF-8 CSV with Unix line ends on every system."""
    text = frame.to_csv(index=False, lineterminator="\n")
    if "\r" in text:  # a bare one would end the line for every reader
        text = frame.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode()
