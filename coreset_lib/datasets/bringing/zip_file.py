"""A ZIP file of images, unpacked into the cache: nothing lands outside of it, nothing fills it up.

What is unpacked is read afterwards like any folder or table.
"""

import contextlib
import errno
import hashlib
import lzma
import os
import re
import secrets
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from coreset_lib.cache import unpacked_folder
from coreset_lib.datasets.sources.listing import shown
from coreset_lib.datasets.sources.table import TABLE_SUFFIXES
from coreset_lib.errors import DatasetError
from coreset_lib.system.privacy import make_private

MOST_FILES = 500_000
SPARE_BYTES = 500_000_000
BLOCK = 2**20
LONGEST_NAME = 60
OLD_SECONDS = 24 * 3600
PASSED_OVER = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, LookupError, ArithmeticError, struct.error),
)


@dataclass(frozen=True)
class Unpacked:
    """A ZIP file that was unpacked.

    Attributes
    ----------
    folder : Path
        All that was in it, and nothing else.
    dataset : Path
        The table or folder in it that is most likely meant.
    """

    folder: Path
    dataset: Path


def unpack(file: BinaryIO, name: str, *, cache: Path) -> Unpacked:
    """Unpack a ZIP file into the cache; the same file a second time is opened where it lies.

    Parameters
    ----------
    file : binary file
        Can be read anywhere.
    name : str
        Of the file, as a person knows it.
    cache : Path
        It is unpacked below ``cache/unpacked``, for its owner only.

    Raises
    ------
    DatasetError
        If it is no ZIP file, is damaged or encrypted, names files outside of itself, or needs
        more space than there is.
    """
    place = unpacked_folder(cache) / _digest(file)
    folder = place / _folder_name(name)
    if not folder.is_dir():
        try:
            make_private(place.parent)
            _unpack_whole(file, shown(name), place, folder.name)
        except OSError as error:
            raise DatasetError(
                f"ZIP file {shown(name)} cannot be unpacked: {error.strerror or error}. Free some "
                "space, or unpack it yourself and choose the folder."
            ) from None
    return Unpacked(folder, find_dataset(folder))


def find_dataset(folder: Path) -> Path:
    """Return what is most likely meant in a folder: its only table or array file, or itself.

    Folders around all the others are passed through. Beside several folders, which may be those
    of classes, a table is not taken.
    """
    folders, files = _contents(folder)
    while len(folders) == 1 and not files:
        folder = folders[0]
        folders, files = _contents(folder)
    tables = [path for path in files if path.suffix.lower() in (*TABLE_SUFFIXES, ".npz")]
    return tables[0] if len(tables) == 1 and len(folders) <= 1 else folder


def unpacked_here(cache: Path) -> list[Path]:
    """Return the folders of all ZIP files that were unpacked, the latest first."""
    try:
        places = [p for p in unpacked_folder(cache).iterdir() if not p.name.startswith(".")]
        dated = [(place.stat().st_mtime, path) for place in places for path in place.iterdir()]
    except OSError:
        return []
    return [path for _, path in sorted(dated, reverse=True)]


def remove_unpacked(folder: Path, *, cache: Path) -> None:
    """Remove what a ZIP file was unpacked to.

    Raises
    ------
    DatasetError
        If it is none, or cannot be removed.
    """
    if folder not in unpacked_here(cache):
        raise DatasetError(f"{shown(str(folder))} is no unpacked ZIP file. Choose one that is.")
    try:
        shutil.rmtree(folder.parent)
    except OSError as error:
        raise DatasetError(
            f"{shown(folder.name)} cannot be removed: {error.strerror or error}. Close what has "
            "its files open."
        ) from None


def _digest(file: BinaryIO) -> str:
    """Return what stands for the content of a file."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()[:16]


def _folder_name(name: str) -> str:
    """Return a folder's name for a file's name."""
    stem = re.sub(r"\.zip$", "", os.path.basename(name.replace("\\", "/")), flags=re.IGNORECASE)
    return re.sub(r"[^\w-]+", "_", stem).strip("_")[:LONGEST_NAME] or "images"


def _unpack_whole(file: BinaryIO, name: str, place: Path, inner: str) -> None:
    """Unpack into a folder beside the place, which takes its name once it is whole."""
    _remove_leftovers(place.parent)
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        _unpack_into(file, name, aside / inner)
        shutil.rmtree(place, ignore_errors=True)  # it lacks the folder: a name changed
        os.replace(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    """Remove what a program left that was ended while it unpacked, after a day."""
    for aside in parent.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - aside.stat().st_mtime > OLD_SECONDS:
                shutil.rmtree(aside)


def _unpack_into(file: BinaryIO, name: str, folder: Path) -> None:
    """Unpack every file of a ZIP file."""
    make_private(folder)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _wanted(archive.infolist(), name)
            _check_size(entries, folder, name)
            left = sum(entry.file_size for entry, _ in entries)
            for entry, path in entries:
                left -= _copy(archive, entry, folder.joinpath(*path.parts), left, name)
    except DatasetError:
        raise
    except DAMAGE as error:
        raise _unusable(name, error) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before the beginning of the file
            raise _unusable(name, error) from None
        raise


def _unusable(name: str, error: Exception) -> DatasetError:
    """Say why a ZIP file cannot be unpacked."""
    if "encrypt" in str(error) or "password" in str(error):
        return DatasetError(
            f"ZIP file {name} is protected by a password. Unpack it yourself and choose the "
            "folder, or make it anew without one."
        )
    if isinstance(error, NotImplementedError):
        return DatasetError(
            f"ZIP file {name} is compressed in a way that cannot be read here. Make it anew as an "
            "ordinary ZIP file."
        )
    return DatasetError(f"ZIP file {name} is damaged, or is none. Make or fetch it anew.")


def _wanted(
    entries: Sequence[zipfile.ZipInfo], name: str
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Return the files with their places; refuses what names a place outside of the archive."""
    found: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", entry.filename):
            raise DatasetError(
                f"ZIP file {name} names a file outside of itself, {shown(entry.filename)}. Make it "
                "anew from the folder of images alone."
            )
        if entry.flag_bits & 1:
            raise _unusable(name, RuntimeError("encrypted"))
        if not path.parts or entry.is_dir() or _is_passed_over(entry, path):
            continue
        if path in found:
            raise DatasetError(
                f"ZIP file {name} holds {shown(str(path))} twice. Make it anew with one of them."
            )
        found[path] = entry
    if not found:
        raise DatasetError(f"ZIP file {name} holds no file. Make it anew from the images.")
    if len(found) > MOST_FILES:
        raise DatasetError(
            f"ZIP file {name} must hold at most {MOST_FILES:,} files, got {len(found):,}. Unpack "
            "it yourself and choose the folder."
        )
    return [(entry, path) for path, entry in found.items()]


def _is_passed_over(entry: zipfile.ZipInfo, path: PurePosixPath) -> bool:
    """Whether an entry is a link, or something that a system added."""
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    return is_link or any(part.lower() in PASSED_OVER or part[:2] == "._" for part in path.parts)


def _check_size(
    entries: Sequence[tuple[zipfile.ZipInfo, PurePosixPath]], folder: Path, name: str
) -> None:
    """Refuse what says that it needs more space than there is."""
    wanted = sum(entry.file_size for entry, _ in entries)
    free = shutil.disk_usage(folder).free - SPARE_BYTES
    if wanted > free:
        raise DatasetError(
            f"ZIP file {name} needs {wanted / 1e9:,.1f} GB when unpacked, but the cache has "
            f"{max(free, 0) / 1e9:,.1f} GB to spare. Free some space, or give another --cache."
        )


def _copy(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int, name: str
) -> int:
    """Write one file and return its bytes; it may not be larger than all files said together."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        n_bytes = 0
        with archive.open(entry) as source, target.open("xb") as written:
            while block := source.read(BLOCK):
                n_bytes += len(block)
                if n_bytes > most:
                    raise zipfile.BadZipFile("larger than it says")
                written.write(block)
    except (FileExistsError, NotADirectoryError):
        raise DatasetError(
            f"ZIP file {name} has a file and a folder of one name, {shown(entry.filename)}. Make "
            "it anew with other names."
        ) from None
    return n_bytes


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files in a folder, in order, hidden ones left out."""
    try:
        present = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError:
        return [], []
    return [p for p in present if p.is_dir()], [p for p in present if not p.is_dir()]
