"""Tables of corrected labels: read, kept beside the runs, and laid over a dataset."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_bytes
from coreset_lib.checks import check_choice
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.relabelling.label_noise import TRUE_LABEL
from coreset_lib.datasets.sources.spreadsheet import read_sheet
from coreset_lib.errors import CoresetError, DatasetError
from coreset_lib.label_sets import (
    MultiHot,
    multi_hot_of,
    rarest_first,
    read_set,
    set_text,
    standing_class,
)
from coreset_lib.system.privacy import make_private

COLUMNS = ("sample_id", "old", "new", "who", "when", "why", "status", "confidence")
ALIASES = {"old_label": "old", "new_label": "new", "label": "new", "reader": "who", "reason": "why"}
# What still waits for a second reader is no label yet.
TRAINED_WITH = ("", "confirmed", "exported")
NOT_TRAINED_WITH = ("open", "skipped", "flagged", "proposed", "conflict", "rejected")
MOST_LINES_TOLD = 10
IS_MISLABELLED = "is_mislabelled"
LARGEST_BYTES = 200_000_000


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One row of a table of labels; columns that it does not have are empty.

    ``line`` is the line of the file, counted from 1, heading included; ``status`` is in small
    letters.
    """

    line: int
    sample_id: str
    new: str
    old: str = ""
    who: str = ""
    when: str = ""
    why: str = ""
    status: str = ""
    confidence: str = ""


def read_label_table(path: Path) -> list[LabelRow]:
    """Read a CSV of labels, at least with the columns sample_id and new.

    Raises
    ------
    CoresetError
        If it cannot be read, lacks a column or has two of one meaning, or a row lacks the
        sample or has an unknown status.
    """
    return parse_label_table(label_table_bytes(path), path)


def label_table_bytes(path: Path) -> bytes:
    """Read the bytes of a label table; raises CoresetError if it is too large or unreadable."""
    try:
        if path.exists() and not path.is_file():
            raise _unusable(path, "it is a folder or device")
        if path.stat().st_size > LARGEST_BYTES:
            raise _unusable(path, f"it has more than {LARGEST_BYTES // 10**6} MB")
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None


def parse_label_table(content: bytes, path: Path) -> list[LabelRow]:
    """Read the content of a label table; ``path`` is for messages. Raises CoresetError."""
    try:
        lines = read_sheet(content).rows()
        heading = [_column(cell) for cell in next(lines, (1, []))[1]]
        _check_heading(path, heading)
        return [_row(path, heading, cells, line) for line, cells in lines if any(cells)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, f"it is no CSV in UTF-8 ({error})") from None


def settled_rows(rows: Sequence[LabelRow]) -> list[LabelRow]:
    """Return the rows whose label is decided for good, or has no status at all."""
    return [row for row in rows if row.status in TRAINED_WITH]


def use_in_words(rows: Sequence[LabelRow]) -> str:
    """Say how many labels of a table are used, and which rows are left out, and why."""
    used = len({row.sample_id for row in settled_rows(rows)})
    left_out = [row for row in rows if row.status not in TRAINED_WITH]
    said = f"{used} labels used"
    if left_out:
        named = [f"line {row.line} ({row.status})" for row in left_out[:MOST_LINES_TOLD]]
        more = len(left_out) - len(named)
        said += f", {len(left_out)} rows left out, which are not decided for good: "
        said += ", ".join(named) + (f" and {more} more" if more else "")
    return said


def apply_labels(
    dataset: LabeledImages, rows: Sequence[LabelRow], *, name: str = "labels"
) -> LabeledImages:
    """Return the dataset with the labels of a table; the given one stays as it is.

    Rows that are not decided for good (status proposed, conflict, ...) are left out.

    Parameters
    ----------
    dataset : LabeledImages
    rows : sequence of LabelRow
    name : str
        Of the table, for messages.

    Raises
    ------
    DatasetError
        If a sample or class is unknown, a sample has two labels, or the dataset's label is
        not the table's old one; also if no row is decided for good.
    """
    found = corrections(
        rows,
        dataset_name=dataset.name,
        class_names=dataset.class_names,
        label_names=dataset.label_names,
        sample_ids=dataset.train.sample_ids,
        labels=dataset.train.targets(),
        name=name,
    )
    labels = np.array(dataset.train.targets())
    labels[list(found)] = list(found.values())
    if dataset.train.multi_hot is not None:
        return _with_sets(dataset, dataset.train.multi_hot, labels)
    truth = dict(dataset.truth)
    if TRUE_LABEL in truth:
        truth[IS_MISLABELLED] = labels != np.asarray(truth[TRUE_LABEL])
    return replace(dataset, train=replace(dataset.train, labels=labels), truth=truth)


def _with_sets(dataset: LabeledImages, before: MultiHot, codes: NDArray[np.int64]) -> LabeledImages:
    """Return a dataset with other sets of labels in train.

    Which label is the rarest was decided before the correction, for val and test too.
    """
    sets = multi_hot_of(codes, before.shape[1])
    classes = standing_class(sets, rarest_first(before))
    return replace(dataset, train=replace(dataset.train, labels=classes, multi_hot=sets))


def corrections(
    rows: Sequence[LabelRow],
    *,
    dataset_name: str,
    class_names: Sequence[str],
    sample_ids: Sequence[str],
    labels: NDArray[np.int64],
    label_names: Sequence[str] = (),
    name: str = "labels",
) -> dict[int, int]:
    """Return the class that a table gives to each row of the training split that it names.

    Of samples with any number of labels, the number of the set, see `set_codes`; ``labels`` are
    such numbers then, and ``label_names`` the names of the labels.

    Rows that are not decided for good (status proposed, conflict, ...) are left out.

    Parameters
    ----------
    rows : sequence of LabelRow
    dataset_name, class_names, sample_ids, labels
        Of the training split.
    name : str
        Of the table, for messages.

    Raises
    ------
    DatasetError
        If a sample or class is unknown, a sample has two labels, the dataset's label is not the
        table's old one, or no row is decided for good.
    """
    used = settled_rows(rows)
    if not used:
        raise DatasetError(
            f"{name} must hold at least one label that is decided for good, got {len(rows)} rows "
            "without one. Let a second reader confirm them, and export again."
        )
    place = {sample: row for row, sample in enumerate(sample_ids)}
    given: dict[int, str] = {}
    for row in used:
        index = _known(row.sample_id, place)
        where = f"line {row.line} of {name}"
        if index is None:
            raise DatasetError(
                f"{where}: sample {row.sample_id[:80]!r} is not in the training split of "
                f"{dataset_name}. Give the table of this dataset."
            )
        new = check_label(row.new, class_names, label_names, where)
        code = int(labels[index])
        before = set_text(code, label_names) if label_names else class_names[code]
        if row.old and check_label(row.old, class_names, label_names, where) != before:
            raise DatasetError(
                f"{where}: the old label of {row.sample_id} must be {before!r}, as in "
                f"{dataset_name}, got {row.old!r}: the dataset has changed since. Review it again."
            )
        if given.setdefault(index, new) != new:
            raise DatasetError(
                f"{where}: sample {row.sample_id} has two labels, {given[index]!r} and {new!r}. "
                "Keep one of the rows."
            )
    if label_names:
        return {index: read_set(text, label_names) for index, text in given.items()}
    return {index: list(class_names).index(label) for index, label in given.items()}


def keep_labels(cache: Path, path: Path) -> str:
    """Keep a copy of a label table in the cache, for every later start of a run.

    Returns
    -------
    str
        The sha256 of its content, which is what a run's options name it by.

    Raises
    ------
    CoresetError
        If it is not a label table, or the cache cannot be written.
    """
    return keep_label_content(cache, label_table_bytes(path), path)


def keep_label_content(cache: Path, content: bytes, path: Path) -> str:
    """Keep the content of a label table as `keep_labels`; ``path`` is for messages."""
    parse_label_table(content, path)
    digest = hashlib.sha256(content).hexdigest()
    kept = kept_labels(cache, digest)
    try:
        make_private(kept.parent)
        if not kept.exists():
            write_bytes(kept, content)
    except OSError as error:
        raise CoresetError(
            f"cache {cache} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache or CORESET_LENS_CACHE."
        ) from None
    return digest


def kept_labels(cache: Path, digest: str) -> Path:
    """Return where the copy of a label table lies."""
    return cache / "labels" / f"{digest}.csv"


def load_labels(cache: Path, digest: str) -> list[LabelRow]:
    """Read the copy of a label table; raises DatasetError where it is gone or was changed."""
    path = kept_labels(cache, digest)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"corrected labels {path} cannot be read: {error.strerror or error}. "
            "Copy the file from the cache that the run was started in."
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise DatasetError(
            f"corrected labels {path} are not those that the run was started with. "
            "Restore the file from a copy."
        )
    return parse_label_table(content, path)


def check_label(
    text: str, class_names: Sequence[str], label_names: Sequence[str], where: str
) -> str:
    """Return the class, or the set of labels, that a cell names; raises DatasetError for others.

    A set is written "A|B", in the order of the labels; ``label_names`` is empty for classes.
    """
    if not label_names:
        return check_class(text, class_names, where)
    plain = text[1:] if text.startswith("'") else text
    try:
        return set_text(read_set(plain, label_names), label_names)
    except CoresetError as error:
        raise DatasetError(f"{where}: {error}") from None


def check_class(text: str, class_names: Sequence[str], where: str) -> str:
    """Return the class that a cell names; raises DatasetError, naming all, for another one."""
    names = dict.fromkeys(class_names, 0)
    found = _known(text, {name: number for number, name in enumerate(names)})
    if found is None:
        try:
            check_choice("label", text, names)
        except CoresetError as error:
            raise DatasetError(f"{where}: {error}") from None
    assert found is not None
    return class_names[found]


def _known(text: str, places: dict[str, int]) -> int | None:
    """Find a text, also one that an apostrophe keeps a spreadsheet from running."""
    found = places.get(text)
    return places.get(text[1:]) if found is None and text.startswith("'") else found


def _column(cell: str) -> str:
    """Return the name of a column as this program calls it."""
    name = cell.strip().lower()
    return ALIASES.get(name, name)


def _check_heading(path: Path, heading: Sequence[str]) -> None:
    """Raise CoresetError if a column is missing, or two mean the same."""
    missing = [name for name in ("sample_id", "new") if name not in heading]
    if missing:
        raise _unusable(path, f"it has no column {' and '.join(missing)}")
    twice = [name for name in COLUMNS if heading.count(name) > 1]
    if twice:
        also = " or ".join(
            [twice[0], *(alias for alias, name in ALIASES.items() if name == twice[0])]
        )
        raise _unusable(path, f"it has two columns of one meaning, {also}; keep one of them")


def _row(path: Path, heading: Sequence[str], cells: Sequence[str], line: int) -> LabelRow:
    """Read one row."""
    while len(cells) > len(heading) and not cells[-1].strip():
        cells = cells[:-1]  # as spreadsheets write columns that are empty
    if len(cells) != len(heading):
        raise _unusable(path, f"line {line} has {len(cells)} cells, its heading {len(heading)}")
    fields = {name: cell for name, cell in zip(heading, cells, strict=True) if name in COLUMNS}
    if not fields["sample_id"]:
        raise _unusable(path, f"line {line} names no sample")
    fields["status"] = fields.get("status", "").strip().casefold()
    if fields["status"] not in (*TRAINED_WITH, *NOT_TRAINED_WITH):
        known = ", ".join((*TRAINED_WITH[1:], *NOT_TRAINED_WITH))
        raise _unusable(
            path, f"line {line} has the status {fields['status'][:40]!r}, which is none of {known}"
        )
    return LabelRow(line=line, **fields)


def _unusable(path: Path, reason: str) -> CoresetError:
    """Build the error for a table that cannot be used."""
    return CoresetError(
        f"label table {path} cannot be used: {reason}. "
        "Give a CSV with the columns sample_id and new, as coreset-lens review export writes it."
    )
