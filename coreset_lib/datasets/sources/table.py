"""Tables of images: a CSV or TSV file with the columns path and label."""

import csv
import io
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from coreset_lib.datasets.sources.listing import (
    LONGEST_TEXT,
    OUTSIDE,
    PART_NAMES,
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
from coreset_lib.errors import DatasetError

REQUIRED = ("path", "label")
OPTIONAL = ("split", PATIENT_ID, "sample_id")
LARGEST_TABLE = 512 * 2**20
TABLE_SUFFIXES = (".csv", ".tsv")
DELIMITERS = "\t;,"
Row = dict[str, str]


def list_table(
    path: Path, *, roots: Sequence[Path] | None = None, keep_patients: bool = False
) -> Listing:
    """Return the files that a table names.

    Parameters
    ----------
    path : Path
        CSV (comma or semicolon) or TSV file in UTF-8. Columns ``path`` (relative to the
        table's folder, or absolute) and ``label``; optionally ``split`` (train, val, test),
        ``patient_id`` (or a column of like meaning, such as "Patient" or "MRN") and
        ``sample_id``. Other columns are kept where they are known to be harmless.
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
    header, rows = _read(path)
    _check_splits(path, header, rows)
    _check_files(path, rows)
    ids = _sample_ids(path, rows)
    patient = patient_column(header)
    fixed = (*REQUIRED, *OPTIONAL)
    hidden = () if keep_patients else personal_columns(header, rows, used=fixed)
    used = (*fixed, patient, *hidden)
    extra = tuple(name for name in header if name not in used)
    folder = path.parent
    labels = _labels([row["label"] for row in rows])
    parts = [PART_NAMES.get(row.get("split", "").lower(), "") for row in rows]
    items = tuple(
        _item(folder, row, label, part, sample_id, row.get(patient, ""), extra, roots)
        for row, label, part, sample_id in zip(rows, labels, parts, ids, strict=True)
    )
    return Listing(
        kind="table",
        root=path,
        items=items,
        extra_columns=extra,
        notes=person_notes(patient, hidden),
    )


def table_columns(path: Path) -> tuple[str, ...]:
    """Return the column names of a table, or nothing where it has none."""
    try:
        with path.open("rb") as file:
            first = file.readline(100_000)
        return tuple(_header(path, _text(path, first)))
    except (OSError, DatasetError):
        return ()


def _read(path: Path) -> tuple[list[str], list[Row]]:
    """Return column names and rows, cells cleaned."""
    text = _text(path, _bytes(path))
    header = _header(path, text)
    _check_header(path, header)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[Row] = []
    try:
        next(reader)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise DatasetError(
                    f"line {reader.line_num} of {shown(path.name)} must have {len(header)} cells "
                    f"as the header has, got {len(cells)}. Put texts that hold the separator "
                    "in quotes."
                )
            cleaned = [
                c if n == "path" else clean_text(c) for n, c in zip(header, cells, strict=True)
            ]
            rows.append(dict(zip(header, cleaned, strict=True)))
    except csv.Error as error:
        raise DatasetError(
            f"table {shown(path.name)} must be well-formed, got a fault in line "
            f"{reader.line_num} ({error}). Export it again."
        ) from None
    if not rows:
        raise DatasetError(f"table {shown(path.name)} must have at least one row, got none.")
    return header, rows


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


def _text(path: Path, content: bytes) -> str:
    """Return the content as text, a byte-order mark dropped."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"table {shown(path.name)} must be UTF-8 text, got other bytes at position "
            f"{error.start}. Save it as CSV UTF-8."
        ) from None


def _delimiter(text: str) -> str:
    """Return what separates the cells: the mark the first line has most of."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count) if any(d in first for d in DELIMITERS) else ","


def _header(path: Path, text: str) -> list[str]:
    """Return the column names in lower case, without space around them."""
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)), [])
    except csv.Error as error:
        raise DatasetError(
            f"table {shown(path.name)} must begin with column names, got a fault ({error})."
        ) from None
    return [clean_text(cell).lower() for cell in cells]


def _check_header(path: Path, header: list[str]) -> None:
    """Raise unless the needed columns are there, each once."""
    for name in REQUIRED:
        if name in header:
            continue
        near = get_close_matches(name, header, n=1, cutoff=0.5)
        hint = f" Rename the column {shown(near[0])}." if near else " Add the column."
        found = shown(", ".join(header)) or "none"
        raise DatasetError(
            f"table {shown(path.name)} must have the columns path and label, got {found}.{hint}"
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
    given = [row["split"].lower() for row in rows]
    if not any(given):
        return
    for number, part in enumerate(given):
        if part not in PART_NAMES:
            what = f"got {shown(part)!r}" if part else "which is empty while others are not"
            raise DatasetError(
                f"split of row {number + 1} in {shown(path.name)} must be train, val or test, "
                f"{what}. Correct the cell, or leave the whole column empty."
            )


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
    folder: Path,
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
    path = os.path.join(folder, os.path.expanduser(written)) if written else ""
    problem = _label_problem(label) or _path_problem(written)
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
    """CSV and TSV tables that name image files and their labels."""

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
