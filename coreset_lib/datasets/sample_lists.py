"""Lists of samples in a file: one id a line, or a table with the column sample_id."""

import csv
import io
from pathlib import Path

from coreset_lib.errors import CoresetError

COLUMN = "sample_id"
LARGEST_LIST = 64 * 2**20


def read_sample_list(path: Path) -> tuple[str, ...]:
    """Return the sample ids of a file, in its order, each once.

    Parameters
    ----------
    path : Path
        UTF-8: a CSV that has the column ``sample_id``, such as any that this program writes, or
        a text with one id on each line.

    Raises
    ------
    CoresetError
        If it cannot be read, is no such text, or names no sample.
    """
    lines = _text(path).splitlines()
    header = next(csv.reader(lines[:1]), [])
    names = [cell.strip() for cell in header]
    found = _column(path, lines, names.index(COLUMN)) if COLUMN in names else lines
    ids = tuple(dict.fromkeys(name for name in (each.strip() for each in found) if name))
    if not ids:
        raise CoresetError(f"list of samples {path} names no sample. Write one id on each line.")
    return ids


def _column(path: Path, lines: list[str], place: int) -> list[str]:
    """Return the cells of one column below the heading."""
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines[1:]), newline="")))
    except csv.Error as error:
        raise CoresetError(f"list of samples {path} cannot be read: {error}.") from None
    return [row[place] for row in rows if len(row) > place]


def _text(path: Path) -> str:
    """Return the text of a file; raises CoresetError where there is none."""
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise CoresetError(
                f"list of samples {path} must have at most {LARGEST_LIST // 2**20} MiB, got "
                f"{path.stat().st_size / 2**20:.0f}. Give a text with one id on each line."
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CoresetError(
            f"list of samples {path} cannot be read: {error.strerror or error}."
        ) from None
    except UnicodeDecodeError:
        raise CoresetError(
            f"list of samples {path} must be text in UTF-8. Give a CSV with the column "
            "sample_id, or one id on each line."
        ) from None
