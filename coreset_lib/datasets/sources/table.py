"""Tables of images: a CSV or TSV file with the columns path and label."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.datasets.sources.choices import FOLDER, NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.grouping import group_listing
from coreset_lib.datasets.sources.image_finder import ImageFinder
from coreset_lib.datasets.sources.listing import (
    LONGEST_TEXT,
    OUTSIDE,
    Item,
    Listing,
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
from coreset_lib.datasets.sources.table_labels import (
    READERS,
    RowLabels,
    labels_of_cells,
    labels_of_classes,
    labels_of_folders,
    labels_of_marks,
    merge_readers,
)
from coreset_lib.datasets.sources.table_reading import Row, Table, read_table, table_columns
from coreset_lib.errors import DatasetError

REQUIRED = ("path", "label")
OPTIONAL = ("split", PATIENT_ID, "sample_id")
TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx")


def list_table(
    path: Path,
    *,
    roots: Sequence[Path] | None = None,
    keep_patients: bool = False,
    choices: ReadingChoices = NO_CHOICES,
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
    choices : ReadingChoices
        Other columns, and what their cells mean.

    Returns
    -------
    Listing
        In the order of the rows, one item for each file.

    Raises
    ------
    DatasetError
        If the table cannot be read, a column is missing, or its cells contradict each
        other. A row whose file is missing is no error here: it is listed with its problem.
    """
    path = Path(os.path.abspath(path))
    finder = ImageFinder(_image_folder(path, choices), roots, ending=choices.ending)
    sheet = read_table(path, finder, choices)
    header, rows = sheet.header, sheet.rows
    _check_splits(path, header, rows)
    labels = _row_labels(sheet, finder, choices)
    labels, readers = merge_readers(
        labels,
        lambda row: rows[row.number - 1]["path"].strip(),
        lambda row: part_of(rows[row.number - 1].get("split", "")),
    )
    rows = [rows[row.number - 1] for row in labels.rows]
    if not rows:
        raise DatasetError(
            f"table {shown(path.name)} must keep at least one row, got none: "
            f"{' '.join(labels.concerns)}"
        )
    ids = _sample_ids(path, rows)
    patient = patient_column(header)
    fixed = (*REQUIRED, *OPTIONAL, *sheet.used)
    hidden = () if keep_patients else personal_columns(header, rows, used=fixed)
    used = (*fixed, patient, *hidden)
    extra = tuple(name for name in header if name not in used)
    group = group_column(header, rows)
    items = tuple(
        replace(
            _item(finder, row, labels.text(label), sample_id, row.get(patient, ""), roots),
            group=row[group] if group else "",
            extra=tuple(row[name] for name in extra),
        )
        for row, label, sample_id in zip(rows, labels.rows, ids, strict=True)
    )
    if any(readers) and READERS not in extra:
        extra = (*extra, READERS)
        pairs = zip(items, readers, strict=True)
        items = tuple(replace(item, extra=(*item.extra, text)) for item, text in pairs)
    notes = (*sheet.notes, *labels.notes, *finder.notes(), *person_notes(patient, hidden))
    listing = Listing(
        kind="table",
        root=path,
        items=items,
        extra_columns=extra,
        notes=(*notes, *labels.concerns),
        concerns=tuple(labels.concerns),
        group_word=group or "group",
        label_names=labels.label_names,
    )
    if not choices.group_by:
        return listing
    return group_listing(listing, choices.group_by, {n: [r[n] for r in rows] for n in header})


def _image_folder(path: Path, choices: ReadingChoices) -> str:
    """Return the folder that the files of a table lie in."""
    folder = path.parent / os.path.expanduser(choices.image_folder)
    if not os.path.isdir(folder):
        raise DatasetError(
            f"image folder of {shown(path.name)} must be a folder, got "
            f"{shown(choices.image_folder)}, which is none. Give it in full, or from the table's "
            "own folder."
        )
    return os.path.normpath(folder)


def _row_labels(sheet: Table, finder: ImageFinder, choices: ReadingChoices) -> RowLabels:
    """Return the labels of all rows."""
    if sheet.labels == (FOLDER,):
        paths = [finder.locate(row["path"].strip()) for row in sheet.rows]
        return labels_of_folders(paths, finder.folder)
    cells = [[row[name] for name in sheet.labels] for row in sheet.rows]
    if len(sheet.labels) > 1:
        return labels_of_marks(sheet.labels, cells, choices)
    if choices.labels_per_image == "several":
        return labels_of_cells([row[0] for row in cells], choices)
    return labels_of_classes([row[0] for row in cells], choices)


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


def _item(
    finder: ImageFinder,
    row: Row,
    label: str,
    sample_id: str,
    patient_id: str,
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
        part=part_of(row.get("split", "")),
        sample_id=sample_id,
        patient_id=patient_id,
        size=size,
        mtime=mtime,
        problem=problem,
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
    choices = tuple(ReadingChoices.__dataclass_fields__)

    def is_listed(self, path: Path) -> bool:
        """Whether it has the columns that are needed."""
        return {"path", "label"} <= set(table_columns(path))

    def load(self, place: str | Path, options: ReadingOptions) -> Listing:
        """Return the images that the table names."""
        return list_table(
            Path(place),
            roots=options.roots,
            keep_patients=options.keep_patient_ids,
            choices=options.choices,
        )

    def summarise(self, path: Path) -> DatasetInfo:
        """Return the line of a table, of which only the name is known yet."""
        return image_files_info(path, "table of images")


TABLE = TableSource()
