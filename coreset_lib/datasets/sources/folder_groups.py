"""Folders inside class folders: one per patient or series, kept together in a split."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

FEWEST_FOLDERS = 6
LARGEST_SHARE = 0.2
SHOWN = 3


class FolderGroups(NamedTuple):
    """The group of each file, "" for none, and what to say of it."""

    groups: tuple[str, ...]
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()


def group_by_folder(inner: Sequence[str]) -> FolderGroups:
    """Return the folders that keep images together.

    Parameters
    ----------
    inner : sequence of str, shape (files,)
        Folders between the class folder and the file, joined by a slash; "" for none.

    Notes
    -----
    The uppermost level is taken on which there are at least `FEWEST_FOLDERS` folders, none
    with more than `LARGEST_SHARE` of the images: larger ones could not be split.
    """
    depth = max((len(path.split("/")) for path in inner if path), default=0)
    for level in range(1, depth + 1):
        groups = ["/".join(path.split("/")[:level]) for path in inner]
        counts = Counter(filter(None, groups))
        fits = max(counts.values()) <= LARGEST_SHARE * len(inner)
        if len(counts) >= FEWEST_FOLDERS and fits and max(counts.values()) > 1:
            note = (
                f"{len(counts)} folders inside the class folders, such as "
                f"{next(iter(counts))}: images of one subfolder are kept together."
            )
            return FolderGroups(tuple(groups), (note,))
    names = Counter(filter(None, inner))
    none = ("",) * len(inner)
    if len(names) < 2 or max(names.values()) == 1:
        return FolderGroups(none)
    few = ", ".join(list(names)[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    concern = (
        f"Class folders hold {len(names)} folders of their own ({few}), which were not used: "
        "images of one subfolder may lie in several splits. If these are patients or series, "
        "give a table with the column patient_id; if they are classes, give a folder above or "
        "below."
    )
    return FolderGroups(none, (concern,), (concern,))
