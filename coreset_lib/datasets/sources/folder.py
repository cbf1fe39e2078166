"""Image folders: ``class/image`` or ``split/class/image``, images or DICOM files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from coreset_lib.datasets.sources.listing import (
    DICOM_SUFFIXES,
    IMAGE_SUFFIXES,
    LONGEST_TEXT,
    OUTSIDE,
    PART_NAMES,
    Item,
    Listing,
    clean_text,
    is_within,
    name_problem,
    natural_key,
    shown,
    unique_ids,
    why_unreadable,
)
from coreset_lib.datasets.sources.source import (
    DatasetInfo,
    ReadingOptions,
    Source,
    image_files_info,
)
from coreset_lib.errors import DatasetError

DEEPEST = 32
MOST_OTHERS = 20_000
DICOM_MARK = (128, b"DICM")
SYSTEM_FILES = ("thumbs.db", "desktop.ini", "dicomdir", "__macosx")


class _File(NamedTuple):
    """An image file met on the walk: an `Item` without its id."""

    path: str
    source: str
    label: str
    part: str
    size: int
    mtime: int
    problem: str


@dataclass
class _Found:
    """What a walk through the folder has met."""

    files: list[_File] = field(default_factory=list[_File])
    n_other: int = 0
    n_stray: int = 0


def list_folder(root: Path, *, roots: Sequence[Path] | None = None) -> Listing:
    """Return the files of an image folder with their classes and splits.

    Parameters
    ----------
    root : Path
        Holds a folder per class, or train, val and test with a folder per class in each.
        Folders inside a class folder belong to that class.
    roots : sequence of Path, optional
        Links that lead out of these folders are not followed; None follows all.

    Returns
    -------
    Listing
        In the natural order of the file names, whatever their class, so that images
        numbered once keep their order in every form of the dataset.

    Raises
    ------
    DatasetError
        If the folder cannot be read or holds no class folders with images.
    """
    root, found = Path(os.path.abspath(root)), _Found()
    folders, n_files = _top_folders(root)
    for part, label, folder in _class_folders(root, folders):
        name = clean_text(shown(label))[:LONGEST_TEXT]
        _walk(folder, root, roots, found, part=part, label=name)
    if not found.files:
        raise DatasetError(_nothing_message(root, folders))
    found.n_stray = n_files
    found.files.sort(key=lambda file: (natural_key(os.path.basename(file.path)), file.source))
    ids = unique_ids([file.source for file in found.files])
    items = tuple(
        Item(**file._asdict(), sample_id=name) for file, name in zip(found.files, ids, strict=True)
    )
    return Listing(kind="folder", root=root, items=items, notes=tuple(_notes(found)))


def looks_like_images(root: Path) -> bool:
    """Whether a folder has a class folder with an image in it, found without a full walk."""
    try:
        folders, _ = _top_folders(root)
        return any(_begins_with_image(folder) for _, _, folder in _class_folders(root, folders))
    except (OSError, DatasetError):
        return False


def _begins_with_image(folder: Path) -> bool:
    """Whether an image is among the first files of a folder."""
    with os.scandir(folder) as entries:
        return any(_is_image(entry) for _, entry in zip(range(50), entries, strict=False))


def _top_folders(root: Path) -> tuple[list[str], int]:
    """Return the folders in ``root`` and how many images lie beside them."""
    try:
        with os.scandir(root) as entries:
            seen = [entry for entry in entries if not _is_hidden(entry.name)]
            folders = sorted((e.name for e in seen if e.is_dir()), key=natural_key)
            return folders, sum(_has_suffix(e.name) for e in seen if not e.is_dir())
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"folder {shown(str(root))} cannot be read: {why_unreadable(error)}. Check the path."
        ) from None


def _class_folders(root: Path, folders: list[str]) -> Iterator[tuple[str, str, Path]]:
    """Yield (split, class, folder); a folder named train makes the level one of splits."""
    named = [name for name in folders if name.lower() in PART_NAMES]
    if not any(PART_NAMES[name.lower()] == "train" for name in named):
        yield from (("", name, root / name) for name in folders)
        return
    for name in named:
        for label in _top_folders(root / name)[0]:
            yield PART_NAMES[name.lower()], label, root / name / label


def _walk(
    folder: Path,
    root: Path,
    roots: Sequence[Path] | None,
    found: _Found,
    *,
    part: str,
    label: str,
    depth: int = 0,
) -> None:
    """Collect the images of one class, into folders that links lead to but never in a circle."""
    if depth > DEEPEST or (folder.is_symlink() and not _may_follow(folder, roots)):
        found.n_other += 1
        return
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not _is_hidden(entry.name)]
    except OSError:
        found.n_other += 1
        return
    for entry in entries:
        if _is_folder(entry):
            _walk(Path(entry.path), root, roots, found, part=part, label=label, depth=depth + 1)
        elif _is_image(entry):
            found.files.append(_file(entry, root, roots, part=part, label=label))
        else:
            found.n_other += 1
            _check_purpose(root, found)


def _may_follow(link: Path, roots: Sequence[Path] | None) -> bool:
    """Whether a link leads to an allowed folder that does not hold the link itself."""
    target, here = Path(os.path.realpath(link)), Path(os.path.realpath(link.parent))
    return is_within(target, roots) and not here.is_relative_to(target)


def _check_purpose(root: Path, found: _Found) -> None:
    """Refuse a folder that is full of other things, before the whole disk is walked."""
    if found.n_other > MOST_OTHERS + 20 * len(found.files):
        raise DatasetError(
            f"dataset must be a folder of images, got {shown(str(root))} with more than "
            f"{MOST_OTHERS} other files. Give the folder that holds the class folders."
        )


def _file(
    entry: "os.DirEntry[str]", root: Path, roots: Sequence[Path] | None, *, part: str, label: str
) -> _File:
    """Return one file, with what is wrong with it if that shows without opening it."""
    source = entry.path[len(str(root)) :].lstrip(os.sep).replace(os.sep, "/")
    problem = name_problem(source)
    if not problem and entry.is_symlink() and not is_within(entry.path, roots):
        problem = OUTSIDE
    try:
        stat = entry.stat()
        size, mtime = stat.st_size, stat.st_mtime_ns
        if not entry.is_file():
            problem = problem or "is no ordinary file"
    except OSError as error:
        size, mtime, problem = -1, -1, problem or why_unreadable(error)
    return _File(
        path=entry.path,
        source=shown(source) if problem else source,
        label=label,
        part=part,
        size=size,
        mtime=mtime,
        problem=problem,
    )


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder that can be looked into."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_hidden(name: str) -> bool:
    """Whether a system put the file there, not a person."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def _has_suffix(name: str) -> bool:
    """Whether a name ends as images do."""
    return name.lower().endswith((*IMAGE_SUFFIXES, *DICOM_SUFFIXES))


def _is_image(entry: "os.DirEntry[str]") -> bool:
    """Whether a file is named as an image, or is a DICOM file without a telling name."""
    if _has_suffix(entry.name):
        return True
    suffix = os.path.splitext(entry.name)[1]
    return (not suffix or suffix[1:].isdigit()) and _has_dicom_mark(entry.path)


def _has_dicom_mark(path: str) -> bool:
    """Whether a file says DICM where DICOM files do."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) <= DICOM_MARK[0]:
            return False  # a pipe would be waited for
        with open(path, "rb") as file:
            file.seek(DICOM_MARK[0])
            return file.read(len(DICOM_MARK[1])) == DICOM_MARK[1]
    except OSError:
        return False


def _notes(found: _Found) -> list[str]:
    """Say what was passed over."""
    notes: list[str] = []
    if found.n_stray:
        subject = "1 image lies" if found.n_stray == 1 else f"{found.n_stray} images lie"
        notes.append(f"{subject} outside the class folders: left out.")
    if found.n_other:
        subject = "1 file is" if found.n_other == 1 else f"{found.n_other} files are"
        notes.append(f"{subject} no image: passed over.")
    return notes


def _nothing_message(root: Path, folders: list[str]) -> str:
    """Say what an image folder must look like, and what this one has instead."""
    where = shown(str(root))
    try:
        tables = sorted(n for n in os.listdir(root) if n.lower().endswith((".csv", ".tsv")))
    except OSError:
        tables = []
    hint = f" Did you mean the table {shown(tables[0])} in it?" if tables else ""
    has = f"{len(folders)} folders without images" if folders else "no folder"
    return (
        f"dataset must be a folder with one folder of images per class, got the folder {where} "
        f"with {has} in it. Sort the images into class folders, or give a CSV table.{hint}"
    )


class FolderSource(Source):
    """Folders with a folder of images per class."""

    def takes(self, path: Path) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)

    def is_listed(self, path: Path) -> bool:
        """Whether an image is found in one of its folders."""
        return looks_like_images(path)

    def load(self, place: str | Path, options: ReadingOptions) -> Listing:
        """Return the images that lie in the folder."""
        return list_folder(Path(place), roots=options.roots)

    def summarise(self, path: Path) -> DatasetInfo:
        """Return the line of a folder, of which only the name is known yet."""
        return image_files_info(path, "image folder")


FOLDER = FolderSource()
