"""Tables as spreadsheets and public collections write them."""

import codecs
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, dataset_report, load_dataset
from coreset_lib.datasets.relabelling.label_tables import parse_label_table
from coreset_lib.datasets.sources.npz.file import load_npz
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]
COUNT = 40


class Table(Protocol):
    """Writes a table with one row for each of 40 images."""

    def __call__(
        self, header: str, row: Callable[[int], str], *, name: str = "cells.csv"
    ) -> Path: ...


@pytest.fixture
def table(data_root: Path, write_image: Write) -> Table:
    """Return a function that writes a table beside 40 images of noise in the folder images."""
    random = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = random.integers(0, 256, (28, 28), np.uint8)
        write_image(data_root / "images" / f"{number:04d}.png", pixels)

    def write(header: str, row: Callable[[int], str], *, name: str = "cells.csv") -> Path:
        lines = [header, *(row(number) for number in range(COUNT))]
        path = data_root / name
        path.write_bytes("\n".join(lines).encode())
        return path

    return write


def count(dataset: LabeledImages) -> int:
    return sum(map(len, (dataset.train, dataset.val, dataset.test)))


def notes(path: Path) -> str:
    return "\n".join(dataset_report(load_dataset(path)).warnings)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (",path,label", "{n},images/{n:04d}.png,{c}"),
        ("path;label;;", "images/{n:04d}.png;{c};;"),
        ("sep=;\npath;label", "images/{n:04d}.png;{c}"),
        ("path,label", "images\\{n:04d}.png,{c}"),
        ("path,label", "images/{n:04d},{c}"),
        ("path,label", "C:\\data\\x\\{n:04d}.png,{c}"),
        ("lesion_id,image_id,dx,age", "L{n},{n:04d},{c},50"),
        ("Image Index,Finding Labels,Patient Age", "{n:04d}.png,{c},7"),
        ("sex,age,finding,date,filename", "F,50,{c},2020,{n:04d}.png"),
        ("image,a,b", "{n:04d},{x}.0,{y}.0"),
    ],
)
def test_every_row_is_read(table: Table, header: str, row: str) -> None:
    path = table(
        header, lambda n: row.format(n=n, c="ab"[n % 2], x=int(n % 2 == 0), y=int(n % 2 == 1))
    )
    dataset = load_dataset(path)
    assert count(dataset) == COUNT
    assert dataset.class_names == ("a", "b")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_byte_order_marks_are_read(table: Table, encoding: str) -> None:
    path = table("path,label", lambda n: f"images/{n:04d}.png,{'ab'[n % 2]}")
    path.write_bytes(path.read_text().encode(encoding))
    assert count(load_dataset(path)) == COUNT


def test_an_excel_file_is_a_table(table: Table) -> None:
    rows = "".join(
        f'<row r="{n + 2}"><c r="A{n + 2}" t="inlineStr"><is><t>images/{n:04d}.png</t></is></c>'
        f'<c r="B{n + 2}" t="s"><v>{n % 2 + 1}</v></c></row>'
        for n in range(COUNT)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    first = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>3</v></c></row>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {space}><sheetData>{first}{rows}</sheetData></worksheet>",
        )
        texts = "".join(f"<si><t>{text}</t></si>" for text in ("path", "a", "b", "label"))
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{texts}</sst>")
    path = table("x", lambda n: "", name="cells.xlsx")
    path.write_bytes(content.getvalue())
    dataset = load_dataset(path)
    assert count(dataset) == COUNT
    assert dataset.class_names == ("a", "b")


def test_a_file_of_this_name_in_another_folder_is_another_image(table: Table) -> None:
    path = table("path,label", lambda n: f"{'other' if n else 'images'}/{n:04d}.png,{'ab'[n % 2]}")
    (path.parent / "other").mkdir()
    with pytest.raises(DatasetError, match="39 of 40 files"):
        load_dataset(path)


def test_columns_of_marks_are_named_where_none_is_the_label(table: Table) -> None:
    path = table("Path,Sex,Edema,Mass", lambda n: f"images/{n:04d}.png,F,1.0,{n % 2 - 1}.0")
    with pytest.raises(DatasetError, match="edema, mass hold a label each") as caught:
        load_dataset(path)
    assert "Rename the column" not in str(caught.value)


def test_lesions_are_kept_together(table: Table) -> None:
    path = table("image_id,dx,lesion_id", lambda n: f"{n:04d},{'ab'[n // 4 % 2]},HAM{n // 4}")
    dataset = load_dataset(path)
    assert dataset.origin is not None
    assert any("lesion_id by lesion_id" in note for note in dataset.origin.notes)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("Mass|Edema", "Mass"), "several labels in one, joined by |"),
        (("0.0", "1.0", "-1.0"), "label -1, which often means uncertain"),
        (("Normal", "normal"), "Classes Normal and normal differ only"),
        (("lymphocyte", "lymphocite"), "differ only in a letter"),
    ],
)
def test_doubtful_labels_are_pointed_out(table: Table, labels: Any, said: str) -> None:
    path = table("path,label", lambda n: f"images/{n:04d}.png,{labels[n % len(labels)]}")
    assert said in notes(path)


@pytest.mark.parametrize("labels", [("typical", "atypical"), ("grade 1", "grade 2"), ("0", "1")])
def test_sound_labels_are_not_doubted(table: Table, labels: Any) -> None:
    path = table("path,label", lambda n: f"images/{n:04d}.png,{labels[n % 2]}")
    assert "Classes" not in notes(path)


def test_measurements_are_no_classes(table: Table) -> None:
    path = table("path,label", lambda n: f"images/{n:04d}.png,{n * 1.37:.2f}")
    with pytest.raises(DatasetError, match=r"40 of which have a class of their own.*measurement"):
        load_dataset(path)


def test_zero_is_a_patient_where_patients_are_numbered_from_it(table: Table) -> None:
    path = table("path,label,patient", lambda n: f"images/{n:04d}.png,{'ab'[n // 2 % 2]},{n // 2}")
    assert dataset_report(load_dataset(path)).n_patients == COUNT // 2


def test_placeholders_are_no_patient(table: Table) -> None:
    ids = ("unknown", "N/A", "0000", "-")
    path = table(
        "path,label,patient",
        lambda n: f"images/{n:04d}.png,{'ab'[n % 2]},{ids[n % 4] if n < 20 else f'P{n}'}",
    )
    report = dataset_report(load_dataset(path))
    assert report.n_patients == 20
    assert "20 of 40 images carry a placeholder" in "\n".join(report.warnings)


def test_corrections_are_read_as_a_spreadsheet_saves_them() -> None:
    text = "sample_id;old;new;who;;\r\n1.png;a;b;me;;\r\n"
    for content in (codecs.BOM_UTF8 + text.encode(), text.encode("utf-16")):
        (row,) = parse_label_table(content, Path("corrected.csv"))
        assert (row.sample_id, row.old, row.new) == ("1.png", "a", "b")


@pytest.mark.parametrize("absent", [("val",), ("val", "test")])
def test_absent_splits_of_arrays_are_taken_from_train(data_root: Path, absent: Any) -> None:
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part in {"train", "val", "test"} - set(absent):
        arrays[f"{part}_images"] = random.integers(0, 256, (40, 12, 12), np.uint8)
        arrays[f"{part}_labels"] = np.arange(40) % 2
    np.savez(data_root / "set.npz", **arrays)
    dataset = load_npz(data_root / "set.npz")
    assert count(dataset) == 40 * (3 - len(absent))
    assert all(name.startswith("train-") for name in dataset.val.sample_ids)
    assert dataset.origin is not None
    assert "No val" in dataset.origin.notes[0]


def test_arrays_of_usual_names_are_named_in_the_hint(data_root: Path) -> None:
    np.savez(data_root / "set.npz", x_train=np.zeros((4, 12, 12), np.uint8), y_train=np.zeros(4))
    with pytest.raises(DatasetError, match="x_train to train_images, y_train to train_labels"):
        load_npz(data_root / "set.npz")
