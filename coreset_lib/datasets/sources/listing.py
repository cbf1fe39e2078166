"""What a folder or a table names, before a single pixel is read."""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coreset_lib.errors import DatasetError

PARTS = ("train", "val", "test")
LONGEST_TEXT = 200
MOST_CLASSES = 1000
OUTSIDE = "lies outside the folders that the operator allowed"
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm", ".gif"),
)
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
VOLUME_SUFFIXES = (".nii", ".nii.gz")
ALL_SUFFIXES = (*IMAGE_SUFFIXES, *DICOM_SUFFIXES, *VOLUME_SUFFIXES)

_DIGITS = re.compile(r"([0-9]{1,18})")
_NOT_IN_IDS = str.maketrans(dict.fromkeys(",;\"'", "_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file that a source names.

    Attributes
    ----------
    path : str
        Where the file lies.
    source : str
        How a person finds it: relative to the folder, or as the table has it.
    label : str
        Name of its class.
    part : str
        "train", "val", "test", or "" where the source says nothing.
    sample_id : str
        As given by the source, or made from ``source``; unique.
    patient_id : str
        As given by the source, or "".
    group : str
        What belongs together for another reason, such as the folder of a series; or "".
    size, mtime : int
        Bytes, and nanoseconds since 1970; -1 for a file that is not there.
    problem : str
        Why the file cannot be used, known without opening it; "" if nothing is.
    extra : tuple of str
        Cells of the table's other columns.
    """

    path: str
    source: str
    label: str
    part: str = ""
    sample_id: str
    patient_id: str = ""
    group: str = ""
    size: int = -1
    mtime: int = -1
    problem: str = ""
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Everything a source names, in the order of the dataset.

    Attributes
    ----------
    kind : str
        "folder" or "table".
    root : Path
        The folder or the table file.
    items : tuple of Item
    extra_columns : tuple of str
        Names of the cells in ``Item.extra``.
    notes : tuple of str
        How it was read and what was passed over, in plain words.
    concerns : tuple of str
        Those of the notes that a person has to look at before training.
    group_word : str
        What ``Item.group`` stands for.
    is_group_chosen : bool
        Whether a person chose the groups, which then go before patients.
    label_names : tuple of str
        All labels where an image carries any number of them, joined by "|" in ``Item.label``;
        empty for classes.
    """

    kind: str
    root: Path
    items: tuple[Item, ...]
    extra_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    concerns: tuple[str, ...] = ()
    group_word: str = "group"
    is_group_chosen: bool = False
    label_names: tuple[str, ...] = ()


def clean_text(text: str) -> str:
    """Return a text on one line, its accents composed, without space around it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``class 2`` before ``class 10``."""
    pieces = _DIGITS.split(text)
    return tuple([(0, int(p), "") if n % 2 else (1, 0, p) for n, p in enumerate(pieces) if p])


def split_ending(name: str) -> tuple[str, str]:
    """Return a file's name and its ending, of which ``.nii.gz`` is one."""
    stem, ending = os.path.splitext(name)
    if name.lower().endswith(".nii.gz"):
        return stem[: -len(".nii")], stem[-len(".nii") :] + ending
    return stem, ending


def name_problem(text: str) -> str:
    """Return why a file's name cannot stand in a table, or nothing."""
    if text.isprintable():  # which lone surrogates are not
        return ""
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        return "has a name that is no valid text; rename it"
    return "has control characters in its name; rename it"


def why_unreadable(error: BaseException) -> str:
    """Return why a file cannot be had, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "is not there"
    if isinstance(error, PermissionError):
        return "may not be read"
    return f"cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})"


def shown(text: str) -> str:
    """Return a text fit for one line of a message, cut where it is long."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= LONGEST_TEXT else f"{plain[: LONGEST_TEXT - 3]}..."


def unique_ids(sources: Sequence[str]) -> list[str]:
    """Return sample ids for sources: the same text, made harmless in a table, unique."""
    taken: set[str] = set()
    ids: list[str] = []
    for source in sources:
        plain = source.translate(_NOT_IN_IDS)
        if not plain.isprintable():
            plain = "".join(c if c.isprintable() else "_" for c in plain)
        name, number = (plain := plain.strip()), 2
        while name in taken:
            name, number = f"{plain}~{number}", number + 1
        taken.add(name)
        ids.append(name)
    return ids


def class_names(labels: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the classes in natural order; raises where labels are no classes."""
    names = sorted(set(labels), key=natural_key)
    if len(names) > MOST_CLASSES:
        raise DatasetError(
            f"{where} must have at most {MOST_CLASSES} classes, got {len(names)}. "
            "The labels look like numbers or names of single images; give one class per image."
        )
    return tuple(names)


def check_within(path: Path, roots: Sequence[Path] | None) -> None:
    """Raise unless a path, links followed, lies below one of the allowed folders."""
    if not is_within(path, roots):
        raise DatasetError(
            f"path must lie below a folder that was allowed when the dashboard was started, "
            f"got {shown(str(path))}. Start it with --data-root and the folder."
        )


def is_within(path: Path | str, roots: Sequence[Path] | None) -> bool:
    """Whether a path, links followed, lies below one of ``roots``; None allows all."""
    if roots is None:
        return True
    try:
        real = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return False
    return any(real.is_relative_to(root.resolve()) for root in roots)
