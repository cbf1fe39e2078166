"""Which columns of a table hold paths and labels, under the names that the world gives them."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from coreset_lib.datasets.sources.listing import shown

PATH_NAMES = (
    *("path", "filepath", "imagepath", "imgpath", "fullpath", "relativepath", "dicompath"),
    *("filename", "file", "imagefile", "imagefilename", "imagename", "image", "imageindex"),
    *("imageid", "imgname", "imgid", "img", "isicid", "idcode", "dicomfile", "dicomid"),
    *("photo", "picture", "scan", "slide", "id", "uid", "sopinstanceuid", "name", "patientid"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "classname", "classlabel", "labelname", "target", "diagnosis"),
    *("dx", "finding", "findings", "findinglabels", "findinglabel", "category", "disease"),
    *("pathology", "benignmalignant", "groundtruth", "gt", "grade", "level", "severity", "y"),
    *("truth", "outcome", "result", "type", "classes", "klasse", "befund", "diagnose"),
)
LOOKED_AT = 50
NEAR = 0.75
_MARKS = {"", "0", "1", "-1", "0.0", "1.0", "-1.0"}
Cells = Sequence[Sequence[str]]


class Columns(NamedTuple):
    """Where paths and labels stand; ``one_hot`` are the columns that hold a 1 for their class."""

    path: int | None
    label: int | None
    one_hot: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def find_columns(
    header: Sequence[str],
    rows: Cells,
    *,
    is_file: Callable[[str], bool],
    chosen: tuple[str, str] = ("", ""),
) -> Columns:
    """Return which columns hold paths and labels.

    Parameters
    ----------
    header : sequence of str
        Names in small letters.
    rows : sequences of str
    is_file : callable
        Whether a cell names a file that is there: what another column than ``path`` must do.
    chosen : tuple of str
        The columns of paths and of labels that a person chose; "" for none.

    Notes
    -----
    ``path`` and ``label`` are taken as they are. Else a column of like meaning is taken if its
    cells name files, or if it is the only one of like meaning, and a note says so.
    """
    path = _exact(chosen[0] or "path", header)
    label = _exact(chosen[1] or "label", header)
    notes: list[str] = []
    if path is None:
        path = next((c for c in _alike(header, PATH_NAMES) if _names_files(c, rows, is_file)), None)
        notes += [] if path is None else [f"Column {shown(header[path])} is read as the paths."]
    if label is not None or path is None:
        return Columns(path, label, (), tuple(notes))
    alike = [column for column in _alike(header, LABEL_NAMES) if column != path]
    if alike:
        notes.append(f"Column {shown(header[alike[0]])} is read as the labels.")
        return Columns(path, alike[0], (), tuple(notes))
    marked = mark_columns(header, rows)
    have_one = all(any(_is_one(row[column]) for row in rows) for column in marked)
    if (
        len(marked) > 1
        and have_one
        and all(sum(_is_one(row[c]) for c in marked) == 1 for row in rows)
    ):
        names = ", ".join(shown(header[column]) for column in marked[:10])
        notes.append(f"The labels are those of the columns that hold a 1: {names}.")
        return Columns(path, None, tuple(marked), tuple(notes))
    return Columns(path, None, (), tuple(notes))


def guess_columns(header: Sequence[str], rows: Cells, *, is_file: Callable[[str], bool]) -> Columns:
    """Return the columns that fit best, to begin a choice with: as `find_columns`, and more.

    Paths may be any column whose cells name files, labels all columns of marks.
    """
    found = find_columns(header, rows, is_file=is_file)
    path = found.path
    if path is None:
        named = (c for c in range(len(header)) if _names_files(c, rows, is_file))
        path = next(named, next(iter(_alike(header, PATH_NAMES)), None))
    if found.label is not None or found.one_hot:
        return found._replace(path=path)
    alike = [column for column in _alike(header, LABEL_NAMES) if column != path]
    marked = tuple(column for column in mark_columns(header, rows) if column != path)
    return Columns(path, alike[0] if alike else None, () if alike else marked)


def column_hint(header: Sequence[str], rows: Cells, found: Columns) -> str:
    """Say which column to rename to ``path`` or ``label``, or to add."""
    hints: list[str] = []
    for name, names, column in (
        ("path", PATH_NAMES, found.path),
        ("label", LABEL_NAMES, found.label),
    ):
        if column is not None:
            continue
        alike = [header[c] for c in _alike(header, names)]
        near = alike[:1] or get_close_matches(name, header, n=1, cutoff=NEAR)
        marked = [header[c] for c in mark_columns(header, rows)] if name == "label" else []
        if near:
            hints.append(f"Rename the column {shown(near[0])} to {name}.")
        elif len(marked) > 1:
            hints.append(
                f"The columns {shown(', '.join(marked))} hold a label each (0 or 1): choose "
                "those to be learned, with --label-column or in the dashboard."
            )
        else:
            hints.append(f"Add the column {name}.")
    if any("path to" in hint or "to path" in hint for hint in hints):
        hints.append("Its cells must be files beside the table, or in a folder there.")
    return " ".join(hints)


def mark_columns(header: Sequence[str], rows: Cells) -> list[int]:
    """Return the columns that hold nothing but 0, 1, -1 and blanks, and is not blank."""
    return [
        column
        for column in range(len(header))
        if all(row[column].strip() in _MARKS for row in rows)
        and any(row[column].strip() for row in rows)
    ]


def _is_one(cell: str) -> bool:
    """Whether a cell says yes."""
    return cell.strip() in ("1", "1.0")


def _exact(name: str, header: Sequence[str]) -> int | None:
    """Return the column of just this name."""
    return header.index(name) if name in header else None


def _alike(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the columns of like meaning, the best first."""
    plain = ["".join(letter for letter in name if letter.isalnum()) for name in header]
    return [plain.index(name) for name in names if name in plain]


def _names_files(column: int, rows: Cells, is_file: Callable[[str], bool]) -> bool:
    """Whether most of the first cells of a column name files that are there."""
    cells = [row[column].strip() for row in rows[:LOOKED_AT]]
    return 2 * sum(bool(cell) and is_file(cell) for cell in cells) > len(cells)
