"""What a table or folder would become, before a single pixel is read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.datasets.sources.choices import ReadingChoices
from coreset_lib.datasets.sources.folder import list_folder
from coreset_lib.datasets.sources.grouping import group_listing, group_sentence
from coreset_lib.datasets.sources.image_finder import ImageFinder
from coreset_lib.datasets.sources.listing import Item, Listing, natural_key
from coreset_lib.datasets.sources.person_columns import group_column, patient_column
from coreset_lib.datasets.sources.table import list_table
from coreset_lib.datasets.sources.table_columns import guess_columns
from coreset_lib.datasets.sources.table_reading import cells_of

N_ROWS = 10
MOST_CLASSES = 8


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The columns of a table, and those that fit best.

    Attributes
    ----------
    columns : tuple of str
    path, group : str
        "" where none fits.
    labels : tuple of str
    """

    columns: tuple[str, ...]
    path: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first samples of a dataset and what is known without reading images.

    Attributes
    ----------
    items : tuple of Item
        Up to ten, of different classes where there are several.
    n_items, n_missing : int
        Files named, and those of them that cannot be used for what is known already.
    classes : str
        The most frequent classes with their counts.
    groups : str
        For example "4,796 groups, largest 12"; "" without groups.
    concerns : tuple of str
    """

    items: tuple[Item, ...]
    n_items: int
    n_missing: int
    classes: str
    groups: str
    concerns: tuple[str, ...]


def guess_table(path: Path, *, roots: Sequence[Path] | None = None) -> Guess:
    """Return the columns of a table and the best guess for each choice.

    Raises
    ------
    DatasetError
        If it is no table.
    """
    header, cells = cells_of(path)
    finder = ImageFinder(str(path.absolute().parent), roots)
    found = guess_columns(header, cells, is_file=finder.has)
    labels = found.one_hot if found.label is None else (found.label,)
    rows = [dict(zip(header, row, strict=True)) for row in cells]
    return Guess(
        columns=tuple(header),
        path="" if found.path is None else header[found.path],
        labels=tuple(header[column] for column in labels),
        group=patient_column(header) or group_column(header, rows),
    )


def preview(path: Path, choices: ReadingChoices, *, roots: Sequence[Path] | None = None) -> Preview:
    """Return what a table or folder would become.

    Raises
    ------
    DatasetError
        As the source does when it lists its files.
    """
    listing = _listing(path, choices, roots)
    items = listing.items
    counts = Counter(item.label for item in items)
    most = sorted(counts.items(), key=lambda pair: (-pair[1], natural_key(pair[0])))
    more = len(most) - MOST_CLASSES
    classes = ", ".join(f"{name or 'no label'} {count:,}" for name, count in most[:MOST_CLASSES])
    groups = [item.group or item.patient_id for item in items]
    return Preview(
        items=_first_of_each(items),
        n_items=len(items),
        n_missing=sum(bool(item.problem) for item in items),
        classes=classes + (f" and {more} more" if more > 0 else ""),
        groups=group_sentence(groups) if any(groups) else "",
        concerns=listing.concerns,
    )


def _listing(path: Path, choices: ReadingChoices, roots: Sequence[Path] | None) -> Listing:
    """Return the files of a table or folder."""
    if not path.is_dir():
        return list_table(path, roots=roots, choices=choices)
    choices.check_for(path.name, takes=("group_by",))
    listing = list_folder(path, roots=roots)
    return group_listing(listing, choices.group_by) if choices.group_by else listing


def _first_of_each(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return ten items, one class after the other, in their order."""
    seen, ranked = Counter[str](), list[tuple[int, int]]()
    for number, item in enumerate(items):
        ranked.append((seen[item.label], number))
        seen[item.label] += 1
    return tuple(items[number] for _, number in sorted(ranked)[:N_ROWS])
