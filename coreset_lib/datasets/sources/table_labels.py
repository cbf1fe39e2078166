"""The labels of a table's rows: one column, a column of marks for each label, or ``A|B``."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coreset_lib.datasets.sources.choices import ReadingChoices
from coreset_lib.datasets.sources.listing import clean_text, natural_key, shown
from coreset_lib.errors import DatasetError
from coreset_lib.label_sets import MOST_LABELS, NO_LABEL

JOINED = "|"
SEPARATORS = ("|", ";", ",")
READERS = "reader_labels"
_YES, _NO, _UNSURE = {"1", "true", "yes", "positive"}, {"0", "false", "no", "negative"}, {"-1"}


class LabelRow(NamedTuple):
    """What a row is to its image: ``number`` counts from 1, ``labels`` may be none."""

    number: int
    labels: tuple[str, ...]


@dataclass(kw_only=True)
class RowLabels:
    """Labels of the rows that are kept.

    Attributes
    ----------
    rows : list of LabelRow
    label_names : tuple of str
        All labels where an image carries any number of them; empty for classes.
    concerns, notes : list of str
    """

    rows: list[LabelRow]
    label_names: tuple[str, ...] = ()
    concerns: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def text(self, row: LabelRow) -> str:
        """Return the label of a row as one text."""
        if self.label_names:
            return JOINED.join(row.labels) or NO_LABEL
        return row.labels[0] if row.labels else ""


def labels_of_marks(
    names: Sequence[str], rows: Sequence[Sequence[str]], choices: ReadingChoices
) -> RowLabels:
    """Return the labels of rows with a mark for each label.

    Parameters
    ----------
    names : sequence of str
        Labels, one for each column.
    rows : sequences of str
        1 (yes), 0 (no), -1 (uncertain) or blank.
    choices : ReadingChoices

    Raises
    ------
    DatasetError
        If a cell is no mark, or a row has not exactly one label where one is asked for.
    """
    policies = {"unsure": choices.uncertain or "leave-out", "blank": choices.blank or "negative"}
    kept: list[LabelRow] = []
    left_out, read_as = Counter[str](), Counter[str]()
    for number, row in enumerate(rows, start=1):
        marks = [_mark(number, name, cell) for name, cell in zip(names, row, strict=True)]
        odd = {mark for mark in marks if mark in policies}
        read_as.update(odd)
        if any(policies[mark] == "leave-out" for mark in odd):
            left_out["unsure" if "unsure" in odd else "blank"] += 1
            continue
        is_yes = [mark == "yes" or policies.get(mark) == "positive" for mark in marks]
        labels = tuple(name for name, yes in zip(names, is_yes, strict=True) if yes)
        kept.append(LabelRow(number, labels))
    found = RowLabels(rows=kept, concerns=_left_out(left_out))
    if read_as["unsure"] and policies["unsure"] != "leave-out":
        found.notes.append(f"{read_as['unsure']} rows with -1 are read as {policies['unsure']}.")
    return _one_or_several(found, names, choices)


def labels_of_cells(cells: Sequence[str], choices: ReadingChoices) -> RowLabels:
    """Return the labels of rows with all labels in one cell, such as ``A|B``."""
    cells = [clean_text(cell) for cell in cells]
    separator = next((s for s in SEPARATORS if any(s in cell for cell in cells)), JOINED)
    kept: list[LabelRow] = []
    left_out = Counter[str]()
    for number, cell in enumerate(cells, start=1):
        if not cell and choices.blank == "leave-out":
            left_out["blank"] += 1
            continue
        pieces = (clean_text(piece).replace(JOINED, "/") for piece in cell.split(separator))
        labels = dict.fromkeys(p for p in pieces if p and p.casefold() != NO_LABEL)
        kept.append(LabelRow(number, tuple(labels)))
    names = sorted({label for row in kept for label in row.labels}, key=natural_key)
    found = RowLabels(rows=kept, concerns=_left_out(left_out))
    return _one_or_several(found, names, choices)


def labels_of_classes(cells: Sequence[str], choices: ReadingChoices) -> RowLabels:
    """Return the class of each row; what -1 and a blank mean may have been said."""
    cells = _whole([clean_text(cell) for cell in cells])
    are_marks = {cell for cell in cells if cell} <= {"0", "1", "-1"}
    kept: list[LabelRow] = []
    left_out = Counter[str]()
    for number, cell in enumerate(cells, start=1):
        kind = "blank" if not cell else "unsure" if cell == "-1" and are_marks else ""
        policy = {"blank": choices.blank, "unsure": choices.uncertain}.get(kind, "")
        if policy == "leave-out":
            left_out[kind] += 1
            continue
        if policy:
            negative = "0" if are_marks else NO_LABEL
            cell = "1" if policy == "positive" else negative
        kept.append(LabelRow(number, (cell,) if cell else ()))
    return RowLabels(rows=kept, concerns=_left_out(left_out))


def labels_of_folders(paths: Sequence[str], folder: str) -> RowLabels:
    """Return for each file the folder that it lies in, the uppermost below the given one."""
    rows: list[LabelRow] = []
    for number, path in enumerate(paths, start=1):
        above = os.path.dirname(os.path.relpath(path, folder)).replace(os.sep, "/")
        first = "" if above.startswith("..") else above.split("/")[0]
        rows.append(LabelRow(number, (first,) if first else ()))
    return RowLabels(rows=rows, notes=["The labels are the folders that the files lie in."])


class Merged(NamedTuple):
    """Rows with one of each image; ``readers`` says what each image was called, "" if once."""

    found: RowLabels
    readers: list[str]


def merge_readers(
    found: RowLabels, path_of: Callable[[LabelRow], str], part_of: Callable[[LabelRow], str]
) -> Merged:
    """Return one row for each image: several readers, or several findings, of it as one.

    Parameters
    ----------
    found : RowLabels
    path_of, part_of : callable
        The file and the split of a row.

    Raises
    ------
    DatasetError
        If rows put one image into different splits.
    """
    by_path: dict[str, list[LabelRow]] = {}
    for row in found.rows:
        path = os.path.normpath(path_of(row))
        by_path.setdefault(path if path != "." else f"\0{row.number}", []).append(row)
    merged, readers, differing = list[LabelRow](), list[str](), list[str]()
    for path, rows in by_path.items():
        _check_parts(path, rows, part_of)
        if found.label_names:
            labels = tuple(dict.fromkeys(label for row in rows for label in row.labels))
        else:
            labels = Counter(row.labels for row in rows).most_common(1)[0][0]
        merged.append(LabelRow(rows[0].number, labels))
        names = Counter(found.text(row) for row in rows)
        is_one = len(names) == 1 or bool(found.label_names)
        readers.append("" if is_one else "; ".join(f"{n} {c}" for n, c in names.items()))
        differing += [] if is_one else [f"{shown(path)} ({readers[-1]})"]
    n_merged = len(found.rows) - len(merged)
    notes = [f"{n_merged} more rows of the same images were merged."] if n_merged else []
    concerns = [] if not differing else [_disagreement(differing)]
    return Merged(
        RowLabels(
            rows=merged,
            label_names=found.label_names,
            notes=[*found.notes, *notes],
            concerns=[*found.concerns, *concerns],
        ),
        readers,
    )


def _disagreement(differing: Sequence[str]) -> str:
    """Say which images have rows with different labels."""
    count = len(differing)
    subject = "1 image has" if count == 1 else f"{count} images have"
    return (
        f"{subject} rows with different labels, as of several readers, for example "
        f"{differing[0]}: the label of most rows is used, the first of equals. The column "
        f"{READERS} keeps them all."
    )


def _check_parts(path: str, rows: Sequence[LabelRow], part_of: Callable[[LabelRow], str]) -> None:
    """Raise where rows put one image into different splits."""
    parts = {part_of(row): row.number for row in rows}
    if len(parts) > 1:
        (first, one), (second, other) = list(parts.items())[:2]
        raise DatasetError(
            f"path must be in one split, got {shown(path)} in {first or 'none'} (row {one}) and in "
            f"{second or 'none'} (row {other}). Correct the split."
        )


def _one_or_several(found: RowLabels, names: Sequence[str], choices: ReadingChoices) -> RowLabels:
    """Make classes of labels where each row has one, unless something else was said."""
    odd = next((row for row in found.rows if len(row.labels) != 1), None)
    is_one = choices.labels_per_image == "one"
    if odd is not None and is_one:
        raise DatasetError(
            f"row {odd.number} must have exactly one label, got {len(odd.labels)} "
            f"({shown(', '.join(odd.labels)) or 'none'}). Correct it, or read several labels per "
            "image (--labels-per-image several)."
        )
    if is_one or (odd is None and choices.labels_per_image != "several"):
        return found
    if not 1 <= len(names) <= MOST_LABELS:
        raise DatasetError(
            f"several labels per image must be 1 to {MOST_LABELS} different ones, got "
            f"{len(names)}. Choose the columns or the cells with the labels."
        )
    if NO_LABEL in names:
        raise DatasetError(
            f"labels must not be named {NO_LABEL!r}: an image without a label is one without a "
            "mark. Leave that column out of --label-column."
        )
    found.label_names = tuple(names)
    found.notes.append("An image may carry several labels.")
    return found


def _mark(number: int, name: str, cell: str) -> str:
    """Return what a cell says: yes, no, unsure or blank."""
    text = cell.strip().casefold()
    plain = text[:-2] if text.endswith(".0") else text
    for word, marks in (("yes", _YES), ("no", _NO), ("unsure", _UNSURE), ("blank", {"", "nan"})):
        if plain in marks:
            return word
    raise DatasetError(
        f"{shown(name)} of row {number} must be 1, 0, -1 or blank, as a label for each column is, "
        f"got {shown(cell)!r}. Choose other label columns, or correct the cell."
    )


def _left_out(counts: Counter[str]) -> list[str]:
    """Say how many rows were left out."""
    words = {"unsure": "-1 (uncertain)", "blank": "blank"}
    flags = {"unsure": "--uncertain", "blank": "--blank"}
    return [
        f"{count} row{' is' if count == 1 else 's are'} left out for a mark that is "
        f"{words[kind]}: {flags[kind]} positive or negative reads it otherwise."
        for kind, count in counts.items()
    ]


def _whole(labels: list[str]) -> list[str]:
    """Return labels; whole numbers that a spreadsheet wrote as 1.0 become 1."""
    present = [label for label in labels if label]
    try:
        numbers = [float(label) for label in present]
    except ValueError:
        return labels
    if any(not number.is_integer() or abs(number) > 1e9 for number in numbers):
        return labels
    return [str(int(float(label))) if label else "" for label in labels]
