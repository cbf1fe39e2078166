"""Reading single files of a run, each checked; what cannot be used is a DamagedRunError."""

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from coreset_lib.errors import CoresetError, DamagedRunError, NewerRunError
from coreset_lib.runs.records import SCHEMA_VERSION, Manifest, Status
from coreset_lib.stored_array import BAD_FILE, StoredArray, read_array

Record = TypeVar("Record", Manifest, Status)


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a JSON record and check every field."""
    from pydantic import ValidationError

    try:
        text = path.read_bytes()
        version = json.loads(text).get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise _newer(path, version)
        if version != SCHEMA_VERSION:
            raise damaged(path, f"schema version {version}, this program reads {SCHEMA_VERSION}")
        return _adapter(kind).validate_json(text)
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise damaged(path, f"{where}: {first['msg']}") from None
    except (ValueError, AttributeError) as error:
        if isinstance(error, CoresetError):
            raise
        raise damaged(path, f"not valid JSON ({error})") from None


@cache
def _adapter(kind: type[Record]) -> Any:
    """Build the reader of a kind of record; once, it takes milliseconds."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def open_array(path: Path) -> NDArray[Any]:
    """Read an array whole; read-only."""
    try:
        return read_array(path)
    except BAD_FILE as error:
        raise damaged(path, str(error)) from None


def _newer(path: Path, version: int) -> NewerRunError:
    """Build the error for a file that a newer program wrote."""
    return NewerRunError(
        f"run {_run_name(path)} was written by a newer program: {path.name} has schema version "
        f"{version}, this one reads {SCHEMA_VERSION}. Update coreset-lens on this computer."
    )


def open_plane(path: Path) -> "StoredPlane":
    """Open an array of which parts are read when they are asked for."""
    try:
        return StoredPlane(path)
    except BAD_FILE as error:
        raise damaged(path, str(error)) from None


class StoredPlane(StoredArray):
    """A plane in its file; one that becomes too short later is a damaged run, too."""

    def _read(self, rows: NDArray[Any], cells: slice | NDArray[Any]) -> NDArray[Any]:
        try:
            return super()._read(rows, cells)
        except (OSError, EOFError, ValueError) as error:
            raise damaged(self._path, str(error)) from None


def damaged(path: Path, reason: str) -> DamagedRunError:
    """Build the error for a file that cannot be used."""
    return DamagedRunError(
        f"run {_run_name(path)} is damaged: {path.name} cannot be used ({reason}). "
        "Restore the file from a copy or delete the run."
    )


def _run_name(path: Path) -> str:
    """Name the run that a file belongs to."""
    return path.parent.parent.name if path.parent.name == "dynamics" else path.parent.name
