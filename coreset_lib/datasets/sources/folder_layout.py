"""How an image folder is built: class folders, below or above folders of splits."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coreset_lib.datasets.files.dicom_marks import (
    first_bytes,
    has_image_mark,
    has_mark,
    looks_bare,
)
from coreset_lib.datasets.sources.annotations import is_annotation_folder
from coreset_lib.datasets.sources.listing import (
    ALL_SUFFIXES,
    is_within,
    natural_key,
    shown,
    split_ending,
    why_unreadable,
)
from coreset_lib.datasets.sources.passed_over import PassedOver, ending_of, is_harmless
from coreset_lib.datasets.sources.split_words import is_plain, part_of
from coreset_lib.errors import DatasetError

MOST_WRAPPERS = 4
MOST_LOOKED_AT = 5_000
SYSTEM_FILES = ("thumbs.db", "desktop.ini", "dicomdir", "__macosx")


@dataclass
class Layout:
    """Class folders with their splits, and what lies beside them."""

    classes: list[tuple[str, str, Path]] = field(default_factory=list[tuple[str, str, Path]])
    folders: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    concerns: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class _Reader:
    """What the search for the layout needs at every level."""

    root: Path
    roots: Sequence[Path] | None
    left: PassedOver
    layout: Layout

    def name(self, folder: Path) -> str:
        """Return a folder as a person finds it."""
        return shown(folder.relative_to(self.root).as_posix())

    def say(self, text: str, *, asks: bool = True) -> None:
        """Note how the folder was read, and whether somebody should look at that."""
        self.layout.notes.append(text)
        self.layout.concerns += [text] if asks else []


def find_layout(root: Path, roots: Sequence[Path] | None, left: PassedOver) -> Layout:
    """Return the class folders below ``root``; counts images beside them in ``left``.

    Raises
    ------
    DatasetError
        If the folder cannot be read.
    """
    layout = Layout()
    _find_level(root, _Reader(root, roots, left, layout), 0)
    return layout


def _find_level(folder: Path, reader: _Reader, n_wrappers: int) -> None:
    """Find the class folders in a folder, or in the only one of its folders with images."""
    names = _folders_of(folder, reader)
    if not n_wrappers:
        reader.layout.folders = names
    holding = [name for name in names if holds_images(folder / name, reader.roots)]
    holding = _without_annotations(folder, holding, reader)
    if is_split_level(holding):
        return _find_splits(folder, holding, reader)
    if len(holding) == 1 and n_wrappers < MOST_WRAPPERS and _is_wrapper(folder / holding[0]):
        inner = folder / holding[0]
        has_splits = is_split_level([p.name for p in inner.iterdir() if p.is_dir()])
        reader.say(
            f"The images were found in the folder {reader.name(inner)}, the only one with images.",
            asks=not has_splits,
        )
        return _find_level(inner, reader, n_wrappers + 1)
    inside = [name for name in holding if is_split_level(_folder_names(folder / name))]
    if inside and len(inside) == len(holding):
        return _find_splits_inside(folder, holding, reader)
    if inside:
        reader.say(
            f"Folders named train, val or test inside class {', '.join(map(shown, inside[:5]))} "
            "were not used as splits, since other classes have none. Give every class the same."
        )
    reader.layout.classes += [("", name, folder / name) for name in names if name in holding]
    _say_empty(folder, names, holding, reader)
    return None


def _find_splits(folder: Path, names: list[str], reader: _Reader) -> None:
    """Take folders named as splits, each with class folders; name what lies beside them."""
    parts = {name: part_of(name) for name in names}
    _say_words([name for name in names if parts[name]], reader)
    for name, part in parts.items():
        if not part:
            count = count_images(folder / name, reader.roots)
            reader.say(
                f"Folder {reader.name(folder / name)} lies beside those of the splits and was left "
                f"out, with {count} image{'' if count == 1 else 's'} in it."
            )
            continue
        place = _unwrapped(folder, name, [n for n in names if parts[n]])
        classes = _folders_of(place, reader)
        holding = [label for label in classes if holds_images(place / label, reader.roots)]
        holding = _without_annotations(place, holding, reader)
        reader.layout.classes += [(part, label, place / label) for label in holding]
        _say_empty(place, classes, holding, reader)


def _find_splits_inside(folder: Path, names: list[str], reader: _Reader) -> None:
    """Take folders named as splits inside every class folder."""
    reader.say("Splits are those of the folders train, val and test inside the class folders.")
    words: list[str] = []
    for label in names:
        for name in _folders_of(folder / label, reader):
            place = folder / label / name
            if part := part_of(name):
                words.append(name)
                reader.layout.classes.append((part, label, place))
            elif count := count_images(place, reader.roots):
                reader.say(
                    f"Folder {reader.name(place)} lies beside those of the splits and was left "
                    f"out, with {count} image{'' if count == 1 else 's'} in it."
                )
    _say_words(list(dict.fromkeys(words)), reader)


def _say_words(names: list[str], reader: _Reader) -> None:
    """Say which unusual words were read as splits, and which splits are put together."""
    for part in ("train", "val", "test"):
        own = [name for name in names if part_of(name) == part]
        unusual = [name for name in own if not is_plain(name)]
        if unusual:
            reader.say(f"Read as {part}: {', '.join(map(shown, unusual))}.", asks=False)
        if len(own) > 1:
            reader.say(f"Folders {' and '.join(map(shown, own))} were put together as {part}.")


def _say_empty(folder: Path, names: list[str], holding: list[str], reader: _Reader) -> None:
    """Say which folders became no class: those without an image."""
    for name in names:
        place = folder / name
        if name in holding or is_annotation_folder(name):
            continue
        kinds: dict[str, int] = {}
        for path in _files_below(place, reader.roots):
            ending = ending_of(os.path.basename(path))
            kinds[ending] = kinds.get(ending, 0) + 1
        what = ", ".join(f"{count} {ending}" for ending, count in list(kinds.items())[:5])
        reader.say(
            f"Folder {reader.name(place)} holds no image that can be read"
            f"{f' ({what})' if what else ' and no file'}: no class {shown(name)} was made of it."
        )


def _without_annotations(folder: Path, names: list[str], reader: _Reader) -> list[str]:
    """Return folders but those with masks of the images in the others."""
    masks = [name for name in names if is_annotation_folder(name)]
    others = [name for name in names if name not in masks]
    if not masks or not others:
        return names
    stems = {_stem(path) for name in others for path in _files_below(folder / name, reader.roots)}
    kept = list(names)
    for name in masks:
        own = [_stem(path) for path in _files_below(folder / name, reader.roots)]
        if sum(stem in stems for stem in own) * 2 >= len(own):
            kept.remove(name)
            reader.say(
                f"Folder {reader.name(folder / name)} looks like masks or other annotations of the "
                f"images beside it: left out, with {len(own)} files in it."
            )
    return kept


def _stem(path: str) -> str:
    """Return a file's name without ending and without words for masks."""
    stem = split_ending(os.path.basename(path))[0].lower()
    for word in ("_mask", "_segmentation", "_seg", "_gt", "_label", "mask_"):
        stem = stem.replace(word, "")
    return stem


def is_split_level(names: Sequence[str]) -> bool:
    """Whether folders are those of splits: one is train, or all are splits, of two kinds."""
    parts = [part_of(name) for name in names]
    return "train" in parts or (len(set(parts)) > 1 and all(parts))


def _is_wrapper(folder: Path) -> bool:
    """Whether a folder holds no image itself, but two folders or those of splits."""
    names = _folder_names(folder)
    with os.scandir(folder) as entries:
        has_images = any(is_image(entry) for entry in entries if not is_folder(entry))
    holding = [name for name in names if holds_images(folder / name, None)]
    nested = len(holding) == 1 and _is_wrapper(folder / holding[0])
    return is_split_level(names) or (not has_images and (len(holding) > 1 or nested))


def _unwrapped(folder: Path, name: str, splits: list[str]) -> Path:
    """Return the folder of the classes of a split: in a folder that all splits have alone."""
    inner = {tuple(_folder_names(folder / split)) for split in splits}
    only = next(iter(inner)) if len(inner) == 1 else ()
    if len(only) != 1 or len(_folder_names(folder / name / only[0])) < 2:
        return folder / name
    return folder / name / only[0]


def _folder_names(folder: Path) -> list[str]:
    """Return the names of the folders in a folder; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (e.name for e in entries if is_folder(e) and not is_hidden(e.name)),
                key=natural_key,
            )
    except OSError:
        return []


def _folders_of(folder: Path, reader: _Reader) -> list[str]:
    """Return the folders in ``folder``, and count the images beside them."""
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not is_hidden(entry.name)]
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"folder {shown(str(folder))} cannot be read: {why_unreadable(error)}. Check the path."
        ) from None
    place = reader.name(folder)
    for entry in seen:
        if not is_folder(entry):
            if is_image(entry):
                where = "the folder itself" if folder == reader.root else place
                reader.left.stray[where, ending_of(entry.name)] += 1
            elif entry.is_symlink() and not os.path.exists(entry.path):
                reader.left.folders.append(f"{shown(entry.name)} is a link that leads nowhere.")
    return sorted((e.name for e in seen if is_folder(e)), key=natural_key)


def holds_images(folder: Path, roots: Sequence[Path] | None) -> bool:
    """Whether an image is found among the first files below a folder.

    True as well of a link that may not be followed: its files cannot be told.
    """
    if folder.is_symlink() and not is_within(folder, roots):
        return True
    for looked, path in enumerate(_files_below(folder, roots)):
        if looked > MOST_LOOKED_AT:
            return True
        if is_image_path(path):
            return True
    return False


def count_images(folder: Path, roots: Sequence[Path] | None) -> int:
    """Return how many images lie below a folder."""
    return sum(map(is_image_path, _files_below(folder, roots)))


def _files_below(folder: Path, roots: Sequence[Path] | None) -> Iterator[str]:
    """Yield the paths of the files below a folder, links to folders not followed."""
    if folder.is_symlink() and not is_within(folder, roots):
        return
    for place, folders, names in os.walk(folder):
        folders[:] = sorted((n for n in folders if not is_hidden(n)), key=natural_key)
        for name in sorted(names):
            if not is_hidden(name):
                yield os.path.join(place, name)


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder that can be looked into."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_hidden(name: str) -> bool:
    """Whether a system put the file there, not a person."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def is_image(entry: "os.DirEntry[str]") -> bool:
    """Whether a file is named as an image, or begins as one where its name does not tell."""
    return is_image_path(entry.path)


def is_image_path(path: str) -> bool:
    """Whether a file is named as an image, or begins as one where its name does not tell."""
    name = os.path.basename(path)
    if name.lower().endswith(ALL_SUFFIXES):
        return True
    return not is_harmless(name) and bool(kind_by_content(path))


def kind_by_content(path: str) -> str:
    """Return what a file begins as: "marked DICOM", "DICOM", "image" or ""."""
    head = first_bytes(path)
    if has_mark(head):
        return "marked DICOM"
    return "image" if has_image_mark(head) else "DICOM" if looks_bare(head) else ""


def is_told_by_content(path: str) -> bool:
    """Whether only the content of an image says what it is, not its name or the DICOM mark."""
    name = os.path.basename(path).lower()
    if name.endswith(ALL_SUFFIXES):
        return False
    ending = os.path.splitext(name)[1]
    is_usual = not ending or ending[1:].isdigit()
    return not (is_usual and kind_by_content(path) == "marked DICOM")
