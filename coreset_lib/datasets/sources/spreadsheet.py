"""Tables as spreadsheets and programs write them: CSV, TSV and Excel files, as rows of cells."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

DELIMITERS = "\t;,"
LARGEST_SHEET = 512 * 2**20
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]+")


class Sheet(NamedTuple):
    """The text of a table, what separates its cells, and lines passed over before its header."""

    text: str
    delimiter: str
    n_skipped: int = 0

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line, counted from 1, and the cells of each row; raises csv.Error."""
        stream = io.StringIO(self.text, newline="")
        reader = csv.reader(stream, delimiter=self.delimiter, strict=True)
        for cells in reader:
            yield reader.line_num + self.n_skipped, cells


def read_sheet(content: bytes) -> Sheet:
    """Return the table in a file.

    Parameters
    ----------
    content : bytes
        CSV or TSV in UTF-8, or in UTF-16 or UTF-32 with a byte-order mark; comma, semicolon or
        tab between cells, or what a first line ``sep=;`` says; or the first sheet of an Excel
        file (.xlsx).

    Raises
    ------
    UnicodeDecodeError
        If it is no text in these encodings.
    csv.Error
        If it is a damaged Excel file.
    """
    if content.startswith(b"PK\x03\x04"):
        return Sheet(_excel_as_csv(content), ",")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    text = content.decode(encoding).removeprefix("\ufeff")
    if match := _SEP_LINE.match(text):
        return Sheet(text[match.end() :], match[1], 1)
    return Sheet(text, _delimiter(text))


def _delimiter(text: str) -> str:
    """Return what separates the cells: the mark the first line has most of."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count) if any(d in first for d in DELIMITERS) else ","


def _excel_as_csv(content: bytes) -> str:
    """Return the first sheet of an Excel file as CSV."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST_SHEET:
                raise csv.Error("the Excel file is too large once unpacked")
            sheets = sorted(
                (n for n in archive.namelist() if n.startswith("xl/worksheets/sheet")),
                key=lambda name: (len(name), name),
            )
            shared = _texts(archive.read("xl/sharedStrings.xml")) if _has_texts(archive) else []
            rows = _sheet_rows(archive.read(sheets[0]), shared)
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, zlib.error) as error:
        raise csv.Error(f"no Excel file that can be read ({type(error).__name__})") from None
    except ElementTree.ParseError:
        raise csv.Error("the Excel file is damaged") from None
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _has_texts(archive: zipfile.ZipFile) -> bool:
    """Whether an Excel file keeps its texts in a list of their own."""
    return "xl/sharedStrings.xml" in archive.namelist()


def _texts(xml: bytes) -> list[str]:
    """Return the texts that cells of an Excel file refer to by number."""
    return [_text_in(item) for item in ElementTree.fromstring(xml) if item.tag.endswith("}si")]


def _text_in(element: ElementTree.Element) -> str:
    """Return all text below an element."""
    return "".join(part.text or "" for part in element.iter() if part.tag.endswith("}t"))


def _sheet_rows(xml: bytes, shared: list[str]) -> list[list[str]]:
    """Return the cells of a sheet, rows of equal length."""
    rows: list[list[str]] = []
    for row in (e for e in ElementTree.fromstring(xml).iter() if e.tag.endswith("}row")):
        cells: dict[int, str] = {}
        for number, cell in enumerate(row):
            match = _PLACE.fullmatch(cell.get("r", ""))
            cells[_column(match[1]) if match else number] = _cell_text(cell, shared)
        rows.append([cells.get(number, "") for number in range(max(cells, default=-1) + 1)])
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _column(letters: str) -> int:
    """Return the number of a column, from 0, for letters such as AB."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _cell_text(cell: ElementTree.Element, shared: list[str]) -> str:
    """Return what a cell shows."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text_in(cell)
    value = next((part.text or "" for part in cell if part.tag.endswith("}v")), "")
    return shared[int(value)] if kind == "s" and value else value
