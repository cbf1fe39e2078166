"""Image folders: ``class/image`` or ``split/class/image``, images or DICOM files."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from coreset_lib.datasets.sources.annotations import annotation_concerns, find_annotations
from coreset_lib.datasets.sources.folder_groups import group_by_folder
from coreset_lib.datasets.sources.folder_layout import (
    find_layout,
    is_folder,
    is_hidden,
    is_image,
    is_told_by_content,
)
from coreset_lib.datasets.sources.grouping import group_listing
from coreset_lib.datasets.sources.listing import (
    LONGEST_TEXT,
    OUTSIDE,
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
from coreset_lib.datasets.sources.passed_over import MOST_NAMED, PassedOver, ending_of
from coreset_lib.datasets.sources.source import (
    DatasetInfo,
    ReadingOptions,
    Source,
    image_files_info,
)
from coreset_lib.errors import DatasetError

DEEPEST = 32
MOST_OTHERS = 20_000
MOST_LISTED = 200


class _File(NamedTuple):
    """An image file met on the walk; ``inner`` are the folders between its class and itself."""

    path: str
    source: str
    label: str
    part: str
    size: int
    mtime: int
    problem: str
    inner: str


@dataclass
class _Found:
    """What a walk through the folder has met."""

    files: list[_File] = field(default_factory=list[_File])
    left: PassedOver = field(default_factory=PassedOver)


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
    layout = find_layout(root, roots, found.left)
    for part, label, folder in layout.classes:
        name = clean_text(shown(label))[:LONGEST_TEXT]
        _walk(folder, root, roots, found, part=part, label=name)
    if not found.files:
        raise DatasetError(_nothing_message(root, layout.folders, found.left))
    files = sorted(found.files, key=lambda f: (natural_key(os.path.basename(f.path)), f.source))
    is_mask = find_annotations(files)
    masks = [file for file, is_one in zip(files, is_mask, strict=True) if is_one]
    files = [file for file, is_one in zip(files, is_mask, strict=True) if not is_one]
    groups = group_by_folder([file.inner for file in files])
    concerns = [
        *layout.concerns,
        *annotation_concerns(masks),
        *_content_concerns(files),
        *found.left.concerns(file.label for file in files),
    ]
    notes = [*found.left.notes(), *(note for note in layout.notes if note not in concerns)]
    return Listing(
        kind="folder",
        root=root,
        items=_items(files, groups.groups),
        notes=(*notes, *groups.notes, *concerns),
        concerns=(*concerns, *groups.concerns),
        group_word="folder",
    )


def _content_concerns(files: Sequence[_File]) -> list[str]:
    """Say which files were taken for images by their content alone."""
    told = [file.path for file in files if is_told_by_content(file.path)]
    if not told:
        return []
    endings = Counter(ending_of(os.path.basename(path)) for path in told)
    named = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(MOST_NAMED))
    subject = "1 file was" if len(told) == 1 else f"{len(told)} files were"
    return [f"{subject} read as DICOM or another image by content, not by name ({named})."]


def _items(files: Sequence[_File], groups: Sequence[str]) -> tuple[Item, ...]:
    """Return the files with ids of their own."""
    ids = unique_ids([file.source for file in files])
    return tuple(
        Item(
            path=file.path,
            source=file.source,
            label=file.label,
            part=file.part,
            size=file.size,
            mtime=file.mtime,
            problem=file.problem,
            sample_id=name,
            group=group,
        )
        for file, name, group in zip(files, ids, groups, strict=True)
    )


def looks_like_images(root: Path) -> bool:
    """Whether an image lies one to three folders down, found without a full walk."""
    level = [root]
    for _ in range(3):
        below: list[Path] = []
        for folder in level:
            with os.scandir(folder) as entries:
                own = (e.path for e in entries if is_folder(e) and not is_hidden(e.name))
                below += [Path(path) for _, path in zip(range(MOST_LISTED), own, strict=False)]
        level = sorted(below)[:MOST_LISTED]
        if any(_begins_with_image(folder) for folder in level):
            return True
    return False


def _begins_with_image(folder: Path) -> bool:
    """Whether an image is among the first files of a folder."""
    with os.scandir(folder) as entries:
        first = [entry for _, entry in zip(range(50), entries, strict=False)]
        return any(is_image(entry) for entry in first if not is_folder(entry))


def _walk(
    folder: Path,
    root: Path,
    roots: Sequence[Path] | None,
    found: _Found,
    *,
    part: str,
    label: str,
    inner: tuple[str, ...] = (),
) -> None:
    """Collect the images of one class, into folders that links lead to but never in a circle."""
    name = shown(folder.relative_to(root).as_posix())
    if reason := _closed(folder, roots, len(inner)):
        found.left.folders.append(f"Folder {name} of class {label} was left out: it {reason}.")
        return
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not is_hidden(entry.name)]
    except OSError as error:
        found.left.folders.append(
            f"Folder {name} of class {label} was left out: it {why_unreadable(error)}."
        )
        return
    for entry in entries:
        if is_folder(entry):
            below = (*inner, entry.name)
            _walk(Path(entry.path), root, roots, found, part=part, label=label, inner=below)
        elif is_image(entry):
            found.files.append(_file(entry, root, roots, part=part, label=label, inner=inner))
        elif entry.is_symlink() and not os.path.exists(entry.path):
            where = shown(f"{name}/{entry.name}")
            found.left.folders.append(f"{where} of class {label} is a link that leads nowhere.")
        else:
            found.left.add(entry.name, label)
            _check_purpose(root, found)


def _closed(folder: Path, roots: Sequence[Path] | None, depth: int) -> str:
    """Return why a folder is not looked into, or nothing."""
    if depth > DEEPEST:
        return f"lies more than {DEEPEST} folders deep"
    if not folder.is_symlink() or _may_follow(folder, roots):
        return ""
    if not is_within(folder, roots):
        return "is a link out of the folders that the operator allowed"
    return "is a link to a folder that holds the link itself"


def _may_follow(link: Path, roots: Sequence[Path] | None) -> bool:
    """Whether a link leads to an allowed folder that does not hold the link itself."""
    target, here = Path(os.path.realpath(link)), Path(os.path.realpath(link.parent))
    return is_within(target, roots) and not here.is_relative_to(target)


def _check_purpose(root: Path, found: _Found) -> None:
    """Refuse a folder that is full of other things, before the whole disk is walked."""
    if found.left.n_files > MOST_OTHERS + 20 * len(found.files):
        raise DatasetError(
            f"dataset must be a folder of images, got {shown(str(root))} with more than "
            f"{MOST_OTHERS} other files. Give the folder that holds the class folders."
        )


def _file(
    entry: "os.DirEntry[str]",
    root: Path,
    roots: Sequence[Path] | None,
    *,
    part: str,
    label: str,
    inner: tuple[str, ...],
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
        inner=shown("/".join(inner)),
    )


def _nothing_message(root: Path, folders: list[str], left: PassedOver) -> str:
    """Say what an image folder must look like, and what this one has instead."""
    where = shown(str(root))
    try:
        tables = sorted(n for n in os.listdir(root) if n.lower().endswith((".csv", ".tsv")))
    except OSError:
        tables = []
    hint = f" Did you mean the table {shown(tables[0])} in it?" if tables else ""
    has = f"{len(folders)} folders without images" if folders else "no folder"
    count = sum(left.stray.values())
    has += f" and {count} image{'' if count == 1 else 's'} outside of folders" if count else ""
    return (
        f"dataset must be a folder with one folder of images per class, got the folder {where} "
        f"with {has} in it. Sort the images into class folders, or give a CSV table.{hint}"
    )


class FolderSource(Source):
    """Folders with a folder of images per class."""

    choices = ("group_by",)

    def takes(self, path: Path) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)

    def is_listed(self, path: Path) -> bool:
        """Whether an image is found in one of its folders."""
        return looks_like_images(path)

    def load(self, place: str | Path, options: ReadingOptions) -> Listing:
        """Return the images that lie in the folder."""
        listing = list_folder(Path(place), roots=options.roots)
        group_by = options.choices.group_by
        return group_listing(listing, group_by) if group_by else listing

    def summarise(self, path: Path) -> DatasetInfo:
        """Return the line of a folder, of which only the name is known yet."""
        return image_files_info(path, "image folder")


FOLDER = FolderSource()
