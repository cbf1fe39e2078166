"""The cells of a table, and which of its columns hold paths and labels."""

import csv
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from coreset_lib.datasets.sources.choices import FOLDER, NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.image_finder import ImageFinder
from coreset_lib.datasets.sources.listing import clean_text, shown
from coreset_lib.datasets.sources.spreadsheet import Sheet, read_sheet
from coreset_lib.datasets.sources.table_columns import Columns, column_hint, find_columns
from coreset_lib.errors import DatasetError

LARGEST_TABLE = 512 * 2**20
Row = dict[str, str]


class Table(NamedTuple):
    """A table with columns that are known.

    Attributes
    ----------
    header : list of str
        Names in small letters.
    rows : list of dict
        Cells by column; "path" is the name of the file as it is written.
    labels : tuple of str
        Columns with labels: one, or one with marks for each label; or "folder".
    used : tuple of str
        Columns whose cells need not be kept.
    notes : tuple of str
        How columns were found.
    """

    header: list[str]
    rows: list[Row]
    labels: tuple[str, ...]
    used: tuple[str, ...]
    notes: tuple[str, ...]


def table_columns(path: Path) -> tuple[str, ...]:
    """Return the column names of a table, or nothing where it has none."""
    try:
        with path.open("rb") as file:
            first = file.readline(100_000)
            whole = first.startswith(b"PK") or b"sep=" in first[:12].lower() or b"\0" in first
            content = first + file.read() if whole else first
        return tuple(_header(path, _sheet(path, content)))
    except (OSError, DatasetError):
        return ()


def read_table(path: Path, finder: ImageFinder, choices: ReadingChoices = NO_CHOICES) -> Table:
    """Return a table, cells cleaned, and which of its columns hold paths and labels.

    Parameters
    ----------
    path : Path
    finder : ImageFinder
        Tells which cells name files.
    choices : ReadingChoices

    Raises
    ------
    DatasetError
        If it cannot be read, or lacks a column.
    """
    header, cells = cells_of(path)
    path_column = _chosen(path, header, "path", choices.path_column)
    labels = tuple(_chosen(path, header, "label", name) for name in choices.label_columns)
    found = find_columns(
        header, cells, is_file=finder.has, chosen=(path_column, next(iter(labels), ""))
    )
    _check_header(path, header, cells, found, has_labels=bool(labels))
    if not cells:
        raise DatasetError(f"table {shown(path.name)} must have at least one row, got none.")
    assert found.path is not None
    own = (header[found.label],) if found.label is not None else ()
    guessed = tuple(header[column] for column in found.one_hot) or own
    rows = [_row(header, line, found.path) for line in cells]
    used = (header[found.path], *(() if labels else own))
    return Table(header, rows, labels or guessed, used, found.notes)


def cells_of(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the column names of a table, small letters, and its rows.

    Raises
    ------
    DatasetError
        If it cannot be read.
    """
    sheet = _sheet(path, _bytes(path))
    header = _header(path, sheet)
    return _without_nameless(header, _cells(path, sheet, header))


def _chosen(path: Path, header: Sequence[str], role: str, name: str) -> str:
    """Return the column that a person chose, or nothing."""
    plain = clean_text(name).lower()
    if not plain or plain in header or (role == "label" and plain == FOLDER):
        return plain
    near = get_close_matches(plain, header, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise DatasetError(
        f"{role} column must be one of {shown(', '.join(header))}, got {shown(name)!r}, which "
        f"{shown(path.name)} lacks.{hint}"
    )


def _cells(path: Path, sheet: Sheet, header: list[str]) -> list[list[str]]:
    """Return the rows below the header, empty ones left out."""
    rows: list[list[str]] = []
    line = 1
    try:
        for number, (line, cells) in enumerate(sheet.rows()):
            if number and any(cell.strip() for cell in cells):
                rows.append(_filled(path, line, cells, header))
    except csv.Error as error:
        raise DatasetError(
            f"table {shown(path.name)} must be well-formed, got a fault in line "
            f"{line} ({error}). Export it again."
        ) from None
    return rows


def _filled(path: Path, line: int, cells: list[str], header: list[str]) -> list[str]:
    """Return a row as long as the header: empty cells at its end say nothing."""
    while len(cells) > len(header) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(header):
        raise DatasetError(
            f"line {line} of {shown(path.name)} must have {len(header)} cells "
            f"as the header has, got {len(cells)}. Put texts that hold the separator "
            "in quotes."
        )
    return cells


def _without_nameless(
    header: list[str], rows: list[list[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return a table without its index, and without columns that have neither name nor cells."""
    kept = [
        column
        for column, name in enumerate(header)
        if name or (column and any(row[column].strip() for row in rows))
    ]
    if len(kept) == len(header):
        return header, rows
    return [header[column] for column in kept], [[row[column] for column in kept] for row in rows]


def _row(header: list[str], cells: list[str], path: int) -> Row:
    """Return a row by column, cells cleaned, with ``path`` among them as it is written."""
    row = {name: clean_text(cell) for name, cell in zip(header, cells, strict=True)}
    return {**row, "path": cells[path]}


def _bytes(path: Path) -> bytes:
    """Return the content of the file."""
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise DatasetError(
                f"table {shown(path.name)} must be smaller than {LARGEST_TABLE >> 20} MB."
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(f"table {shown(str(path))} cannot be read: {reason}.") from None


def _sheet(path: Path, content: bytes) -> Sheet:
    """Return the content as a table."""
    try:
        return read_sheet(content)
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"table {shown(path.name)} must be UTF-8 text, got other bytes at position "
            f"{error.start}. Save it as CSV UTF-8."
        ) from None
    except csv.Error as error:
        raise DatasetError(
            f"table {shown(path.name)} cannot be read: {error}. Save it as CSV UTF-8."
        ) from None


def _header(path: Path, sheet: Sheet) -> list[str]:
    """Return the column names in lower case, without space around them."""
    try:
        _, cells = next(sheet.rows(), (1, []))
    except csv.Error as error:
        raise DatasetError(
            f"table {shown(path.name)} must begin with column names, got a fault ({error})."
        ) from None
    return [clean_text(cell).lower() for cell in cells]


def _check_header(
    path: Path, header: list[str], cells: list[list[str]], columns: Columns, *, has_labels: bool
) -> None:
    """Raise unless the needed columns are there, each once."""
    has_labels = has_labels or columns.label is not None or bool(columns.one_hot)
    if columns.path is None or not has_labels:
        found = shown(", ".join(header)) or "none"
        raise DatasetError(
            f"table {shown(path.name)} must have the columns path and label, got {found}. "
            f"{column_hint(header, cells, columns)}"
        )
    twice = [name for name in header if header.count(name) > 1]
    if twice or not all(header):
        name = shown(twice[0]) if twice and twice[0] else "one without a name"
        raise DatasetError(
            f"columns of {shown(path.name)} must have different names, got {name} "
            "more than once or empty. Rename it."
        )
