"""Tables of images: a CSV or TSV file with the columns path and label."""

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.datasets.sources.image_finder import ImageFinder
from coreset_lib.datasets.sources.listing import (
    LONGEST_TEXT,
    OUTSIDE,
    Item,
    Listing,
    clean_text,
    is_within,
    name_problem,
    shown,
    unique_ids,
    why_unreadable,
)
from coreset_lib.datasets.sources.person_columns import (
    PATIENT_ID,
    group_column,
    patient_column,
    person_notes,
    personal_columns,
)
from coreset_lib.datasets.sources.source import (
    DatasetInfo,
    ReadingOptions,
    Source,
    image_files_info,
)
from coreset_lib.datasets.sources.split_words import part_of
from coreset_lib.datasets.sources.spreadsheet import Sheet, read_sheet
from coreset_lib.datasets.sources.table_columns import Columns, column_hint, find_columns
from coreset_lib.errors import DatasetError

REQUIRED = ("path", "label")
OPTIONAL = ("split", PATIENT_ID, "sample_id")
LARGEST_TABLE = 512 * 2**20
TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx")
Row = dict[str, str]


def list_table(
    path: Path, *, roots: Sequence[Path] | None = None, keep_patients: bool = False
) -> Listing:
    """Return the files that a table names.

    Parameters
    ----------
    path : Path
        CSV (comma or semicolon) or TSV file in UTF-8, or an Excel file. Columns ``path``
        (relative to the table's folder, or absolute) and ``label``; optionally ``split``
        (train, val, test), ``patient_id`` (or a column of like meaning, such as "Patient" or
        "MRN") and ``sample_id``. Other columns are kept where they are known to be harmless.
    roots : sequence of Path, optional
        Files outside these folders are refused; None allows all.
    keep_patients : bool
        Keep every column, also those that may tell who a patient is.

    Returns
    -------
    Listing
        In the order of the rows.

    Raises
    ------
    DatasetError
        If the table cannot be read, a column is missing, or its cells contradict each
        other. A row whose file is missing is no error here: it is listed with its problem.
    """
    path = Path(os.path.abspath(path))
    finder = ImageFinder(str(path.parent), roots)
    header, rows, notes = _read(path, finder)
    _check_splits(path, header, rows)
    _check_files(path, rows)
    ids = _sample_ids(path, rows)
    patient = patient_column(header)
    fixed = (*REQUIRED, *OPTIONAL)
    hidden = () if keep_patients else personal_columns(header, rows, used=fixed)
    used = (*fixed, patient, *hidden)
    extra = tuple(name for name in header if name not in used)
    labels = _labels([row["label"] for row in rows])
    parts = [part_of(row.get("split", "")) for row in rows]
    group = group_column(header, rows)
    items = tuple(
        replace(
            _item(finder, row, label, part, sample_id, row.get(patient, ""), extra, roots),
            group=row[group] if group else "",
        )
        for row, label, part, sample_id in zip(rows, labels, parts, ids, strict=True)
    )
    return Listing(
        kind="table",
        root=path,
        items=items,
        extra_columns=extra,
        notes=(*notes, *finder.notes(), *person_notes(patient, hidden)),
        group_word=group or "group",
    )


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


def _read(path: Path, finder: ImageFinder) -> tuple[list[str], list[Row], tuple[str, ...]]:
    """Return column names and rows, cells cleaned, and how columns were read."""
    sheet = _sheet(path, _bytes(path))
    header = _header(path, sheet)
    cells = _cells(path, sheet, header)
    header, cells = _without_nameless(header, cells)
    found = find_columns(header, cells, is_file=finder.has)
    _check_header(path, header, cells, found)
    if not cells:
        raise DatasetError(f"table {shown(path.name)} must have at least one row, got none.")
    rows = [_row(header, line, found) for line in cells]
    return header, rows, found.notes


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


def _row(header: list[str], cells: list[str], found: Columns) -> Row:
    """Return a row by column, cells cleaned, with ``path`` and ``label`` among them."""
    row = {name: clean_text(cell) for name, cell in zip(header, cells, strict=True)}
    assert found.path is not None
    row["path"] = cells[found.path]
    if found.one_hot:
        row["label"] = next(header[column] for column in found.one_hot if float(cells[column]) == 1)
    else:
        assert found.label is not None
        row["label"] = clean_text(cells[found.label])
    return row


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


def _check_header(path: Path, header: list[str], cells: list[list[str]], columns: Columns) -> None:
    """Raise unless the needed columns are there, each once."""
    if columns.path is None or (columns.label is None and not columns.one_hot):
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


def _check_splits(path: Path, header: list[str], rows: list[Row]) -> None:
    """Raise where rows have an unknown split, or only some have one."""
    if "split" not in header:
        return
    given = [row["split"] for row in rows]
    if not any(given):
        return
    for number, part in enumerate(given):
        if not _is_part(part):
            what = f"got {shown(part)!r}" if part else "which is empty while others are not"
            raise DatasetError(
                f"split of row {number + 1} in {shown(path.name)} must be train, val or test, "
                f"{what}. Correct the cell, or leave the whole column empty."
            )


def _is_part(cell: str) -> bool:
    """Whether a cell names a split; what was held out may be val or test, so it is asked for."""
    return bool(part_of(cell)) and "held" not in cell.lower() and "hold" not in cell.lower()


def _check_files(path: Path, rows: list[Row]) -> None:
    """Raise where two rows name one file."""
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        file = os.path.normpath(row["path"].strip())
        if file in first and row["path"].strip():
            raise DatasetError(
                f"path must be unique in {shown(path.name)}, got {shown(row['path'])} in rows "
                f"{first[file] + 1} and {number + 1}. Keep one row and one label per image."
            )
        first[file] = number


def _sample_ids(path: Path, rows: list[Row]) -> list[str]:
    """Return the ids of the table, or ids made from its paths."""
    given = [row.get("sample_id", "") for row in rows]
    if not any(given):
        return unique_ids([row["path"].strip() for row in rows])
    first: dict[str, int] = {}
    for number, name in enumerate(given):
        if not name or not name.isprintable() or len(name) > LONGEST_TEXT or "," in name:
            raise DatasetError(
                f"sample_id of row {number + 1} in {shown(path.name)} must be a text of 1 to "
                f"{LONGEST_TEXT} letters without commas, got {shown(name)!r}. Correct the cell."
            )
        if name in first:
            raise DatasetError(
                f"sample_id must be unique in {shown(path.name)}, got {shown(name)} in rows "
                f"{first[name] + 1} and {number + 1}. Correct one of them."
            )
        first[name] = number
    return given


def _labels(labels: list[str]) -> list[str]:
    """Return labels; whole numbers that a spreadsheet wrote as 1.0 become 1."""
    present = [label for label in labels if label]
    try:
        numbers = [float(label) for label in present]
    except ValueError:
        return labels
    if any(not number.is_integer() or abs(number) > 1e9 for number in numbers):
        return labels
    return [str(int(float(label))) if label else "" for label in labels]


def _item(
    finder: ImageFinder,
    row: Row,
    label: str,
    part: str,
    sample_id: str,
    patient_id: str,
    extra: tuple[str, ...],
    roots: Sequence[Path] | None,
) -> Item:
    """Return the file of one row, with what is wrong with it."""
    written = row["path"].strip()
    problem = _label_problem(label) or _path_problem(written)
    path = "" if problem else finder.find(written)
    size, mtime = -1, -1
    if not problem and not is_within(path, roots):
        problem = OUTSIDE
    if not problem:
        size, mtime, problem = _stat(path)
    return Item(
        path=path,
        source=shown(written) if problem else written,
        label=label[:LONGEST_TEXT],
        part=part,
        sample_id=sample_id,
        patient_id=patient_id,
        size=size,
        mtime=mtime,
        problem=problem,
        extra=tuple(row[name] for name in extra),
    )


def _label_problem(label: str) -> str:
    """Return what is wrong with a label, or nothing."""
    if not label:
        return "has no label"
    if label.lower() in ("nan", "null", "none", "n/a", "#n/a"):
        return f"has the label {label}, which says that there is none"
    if len(label) > LONGEST_TEXT or not label.isprintable():
        return f"has a label of more than {LONGEST_TEXT} letters or with control characters"
    return ""


def _path_problem(written: str) -> str:
    """Return what is wrong with a path as written, or nothing."""
    if not written:
        return "has no path"
    return name_problem(written)


def _stat(path: str) -> tuple[int, int, str]:
    """Return size and time of a file, and what is wrong with it."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError) as error:
        return -1, -1, why_unreadable(error)
    if not os.path.isfile(path):
        return stat.st_size, stat.st_mtime_ns, "is no ordinary file"
    return stat.st_size, stat.st_mtime_ns, ""


class TableSource(Source):
    """CSV, TSV and Excel tables that name image files and their labels."""

    suffixes = TABLE_SUFFIXES

    def is_listed(self, path: Path) -> bool:
        """Whether it has the columns that are needed."""
        return {"path", "label"} <= set(table_columns(path))

    def load(self, place: str | Path, options: ReadingOptions) -> Listing:
        """Return the images that the table names."""
        return list_table(Path(place), roots=options.roots, keep_patients=options.keep_patient_ids)

    def summarise(self, path: Path) -> DatasetInfo:
        """Return the line of a table, of which only the name is known yet."""
        return image_files_info(path, "table of images")


TABLE = TableSource()
