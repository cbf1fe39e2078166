"""One ZIP per download: a table, where it comes from, and how to check it; and reading it back."""

import hashlib
import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export

LARGEST_CSV = 2**30
LARGEST_PROVENANCE = 2**28
MOST_MEMBERS = 64
BESIDE = ".provenance.json"
PATTERN = "*.provenance*.json"
HASH_DIGITS = 6
README = """{name}

{csv}
    The table.
{provenance}
    Where it comes from: run, dataset fingerprint, every choice, library versions, and the
    sha256 of the table.

To compute the table again and see whether it is the same, byte for byte:

    coreset-lens rebuild {name}.zip

For research use only.
"""


def export_name(export: Export) -> str:
    """Return a file name, without ending, that says what an export is and which.

    A coreset's says strategy, rate and the first digits of the table's sha256, as in
    ``coreset-recommended-10pct-3f2a9c``.
    """
    return f"{_subject(export.provenance)}-{_digest(export)[:HASH_DIGITS]}"


def archive_bytes(export: Export) -> bytes:
    """Return table, provenance and a note as one ZIP; the same export gives the same bytes."""
    name = export_name(export)
    members = {
        f"{name}.csv": export.csv,
        f"{name}{BESIDE}": export.provenance_bytes(),
        "README.txt": README.format(
            name=name, csv=f"{name}.csv", provenance=f"{name}{BESIDE}"
        ).encode(),
    }
    return zip_bytes(members)


def zip_bytes(members: dict[str, bytes]) -> bytes:
    """Return files as a ZIP that names no moment of its making."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)  # dated 1980: the same files, the same bytes
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def read_export(path: Path) -> Export:
    """Read a table and its provenance: from a ZIP, or from a CSV with its provenance near it.

    Beside a CSV that a browser has renamed, as ``core (1).csv``, the provenance is found by
    the sha256 that it names.

    Raises
    ------
    CoresetError
        If either is missing, or cannot be read; whether they belong together is not checked.
    """
    if not path.is_file():
        raise CoresetError(
            f"file {path} was not found. Give the CSV that select or score wrote, "
            f"with its {BESIDE} beside it, or the ZIP of a download."
        )
    try:
        if _is_archive(path):
            return _from_archive(path)
        csv = path.read_bytes()
    except OSError as error:
        raise CoresetError(f"file {path} cannot be read: {error.strerror or error}.") from None
    beside = _provenance_of(path, csv)
    return Export(csv, _record(beside.read_bytes(), str(beside)))


def _subject(record: dict[str, Any]) -> str:
    """Return the first part of a name: what an export is."""
    if record["kind"] == "coreset":
        choices = record["selection"]
        return f"coreset-{choices['strategy']}-{100 * choices['rate']:.4g}pct"
    if record["kind"] == "scores":
        return f"scores-{record['score']}"
    if record["kind"] == "selection":
        return f"selection-{record['n_selected']}-samples"
    if record["kind"] == "labels":
        return f"labels-{record['reviews']['included']}"
    return str(record["kind"])


def _digest(export: Export) -> str:
    """Return the sha256 of the table."""
    return hashlib.sha256(export.csv).hexdigest()


def _is_archive(path: Path) -> bool:
    """Whether a file is a ZIP by its name or its first bytes; a CSV never begins so."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".zip" or file.read(4) == b"PK\x03\x04"


def _from_archive(path: Path) -> Export:
    """Read both members into memory: nothing is unpacked, so no name in it can lead anywhere."""
    try:
        with zipfile.ZipFile(path) as archive:
            csv = _member(archive, path, ".csv", LARGEST_CSV)
            provenance = _member(archive, path, BESIDE, LARGEST_PROVENANCE)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CoresetError(f"ZIP {path} cannot be read ({error}). Download it again.") from None
    return Export(csv, _record(provenance, f"in {path}"))


def _member(archive: zipfile.ZipFile, path: Path, ending: str, most: int) -> bytes:
    """Return the one file with this ending, whatever size its entry claims to have."""
    members = archive.infolist()
    found = [m for m in members if _is_wanted(m, ending)]
    if len(members) > MOST_MEMBERS or len(found) != 1:
        raise CoresetError(
            f"ZIP {path} must hold one file that ends in {ending}, got {len(found)} among "
            f"{len(members)} files. Give the ZIP as it was downloaded."
        )
    with archive.open(found[0]) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise CoresetError(
            f"ZIP {path} holds a file of more than {most // 2**20} MB. It is none of ours."
        )
    return content


def _is_wanted(member: zipfile.ZipInfo, ending: str) -> bool:
    """Whether a member has this ending; what macOS adds to every ZIP is passed over."""
    name = PurePosixPath(member.filename)
    return name.name.endswith(ending) and name.parts[0] != "__MACOSX"


def _provenance_of(path: Path, csv: bytes) -> Path:
    """Return the provenance of a CSV: the one of its name, or of its content."""
    named = path.with_name(f"{path.stem}{BESIDE}")
    if named.is_file() and _names(named, csv):
        return named
    others = [p for p in sorted(path.parent.glob(PATTERN)) if p != named and _names(p, csv)]
    if others:
        return others[0]
    if not named.is_file():
        raise CoresetError(
            f"file {named} was not found, and no other {PATTERN} beside it names the sha256 of "
            f"{path.name}. Give the CSV as it was written, with its {BESIDE} beside it."
        )
    return named


def _names(provenance: Path, csv: bytes) -> bool:
    """Whether a provenance names the sha256 of this table."""
    try:
        if provenance.stat().st_size > LARGEST_PROVENANCE:
            return False
        record = json.loads(provenance.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    wanted = hashlib.sha256(csv).hexdigest()
    return isinstance(record, dict) and record.get("sha256") == wanted


def _record(content: bytes, where: str) -> dict[str, Any]:
    """Read a provenance; what is in it is checked by who uses it."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise CoresetError(f"provenance {where} cannot be read. Restore it from a copy.")
    return record
