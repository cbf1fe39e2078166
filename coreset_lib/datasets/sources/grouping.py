"""What a person says keeps images together: a column, the folder, or a part of the name."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coreset_lib.datasets.sources.choices import FOLDER
from coreset_lib.datasets.sources.listing import LONGEST_TEXT, Listing, shown
from coreset_lib.errors import DatasetError

LONGEST_PATTERN = 500


def group_listing(
    listing: Listing, group_by: str, columns: Mapping[str, Sequence[str]] | None = None
) -> Listing:
    """Return a listing whose images are kept together as a person says.

    Parameters
    ----------
    listing : Listing
    group_by : str
        A column of the table, "folder" for the folder that a file lies in, or a regular
        expression that is searched for in the name of a file: its first group, or all of it.
    columns : mapping of str to sequence of str, optional
        Cells of the table's columns, one for each item.

    Raises
    ------
    DatasetError
        If it is none of these, or gives no image a group.
    """
    columns = columns or {}
    name = next((column for column in columns if column == group_by.strip().lower()), "")
    sources = [item.source for item in listing.items]
    if name:
        groups, word = list(columns[name]), name
    elif group_by == FOLDER:
        groups = [os.path.dirname(source.replace("\\", "/")) for source in sources]
        word = FOLDER
    else:
        groups, word = _found_in_names(group_by, sources, list(columns)), "name"
    if not any(groups):
        raise DatasetError(
            f"group_by must give images a group, got {shown(group_by)!r}, which gives none of "
            f"{len(groups)} images one. {_ways(list(columns))}"
        )
    sentence = group_sentence(groups)
    items = zip(listing.items, groups, strict=True)
    return replace(
        listing,
        items=tuple(replace(item, group=group[:LONGEST_TEXT]) for item, group in items),
        notes=(*listing.notes, f"Grouped by {shown(group_by)}: {sentence}."),
        group_word=word,
        is_group_chosen=True,
    )


def group_sentence(groups: Sequence[str]) -> str:
    """Say how many groups there are, for example "4,796 groups, largest 12"."""
    counts = Counter(filter(None, groups))
    alone = len(groups) - counts.total()
    text = f"{len(counts):,} group{'' if len(counts) == 1 else 's'}, largest "
    text += f"{max(counts.values(), default=0):,}"
    return text + (f", {alone:,} images without a group" if alone else "")


def _found_in_names(pattern: str, sources: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return what a regular expression finds in the name of each file, "" for nothing."""
    try:
        if len(pattern) > LONGEST_PATTERN:
            raise re.error("it is too long")
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise DatasetError(
            f"group_by must be a column, folder or a regular expression, got {shown(pattern)!r} "
            f"({error}). {_ways(columns)}"
        ) from None
    found = (compiled.search(source[:LONGEST_TEXT]) for source in sources)
    return [(match[1] if compiled.groups else match[0]) or "" if match else "" for match in found]


def _ways(columns: Sequence[str]) -> str:
    """Say what may be given."""
    named = f"a column ({shown(', '.join(columns))}), " if columns else ""
    return f"Give {named}folder, or a regular expression for the names of files, such as '^[^_]+'."
