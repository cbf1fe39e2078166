"""Tables of images: what is read, what is kept, and what is wrong with them in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.errors import BadFilesError, DatasetError

Rows = list[dict[str, Any]]


@pytest.fixture
def rows(write_folder: Callable[..., Path]) -> Rows:
    """Return good rows for 30 images."""
    files = sorted(write_folder().rglob("*.png"), key=lambda path: path.name)
    return [{"path": f"cells/{f.parent.name}/{f.name}", "label": f.parent.name} for f in files]


@pytest.fixture
def load(data_root: Path, write_table: Callable[..., Path]) -> Callable[..., LabeledImages]:
    """Return a function that writes rows to a table and loads it."""

    def load_rows(rows: Rows, *, delimiter: str = ",", **options: Any) -> LabeledImages:
        return load_dataset(write_table(data_root / "cells.csv", rows, delimiter), **options)

    return load_rows


def leaked(text: bytes, cache: Path) -> list[str]:
    """Return the files in the cache that hold a text."""
    kept = [file for file in cache.rglob("*") if file.is_file()]
    assert kept
    return [file.name for file in kept if text in file.read_bytes()]


def everything(dataset: LabeledImages, name: str) -> list[Any]:
    return [v for s in (dataset.train, dataset.val, dataset.test) for v in getattr(s, name)]


class TestGood:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_commas_semicolons_and_tabs_are_understood(
        self, load: Callable[..., LabeledImages], rows: Rows, delimiter: str
    ) -> None:
        dataset = load(rows, delimiter=delimiter)
        assert sorted(everything(dataset, "sources")) == sorted(row["path"] for row in rows)

    def test_other_columns_are_kept_beside_their_sample(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        dataset = load(
            [row | {"scanner": f"S{n}", "sample_id": f"id {n}"} for n, row in enumerate(rows)]
        )
        for split in (dataset.train, dataset.val, dataset.test):
            for name, scanner in zip(split.sample_ids, split.extra["scanner"], strict=True):
                assert name.removeprefix("id ") == scanner.removeprefix("S")

    def test_column_names_may_be_in_capitals(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        load([{" Path": row["path"], "LABEL ": row["label"]} for row in rows])

    def test_given_splits_are_kept(self, load: Callable[..., LabeledImages], rows: Rows) -> None:
        names = ("train", "Train", "TRAINING", "val", "validation", "test")
        dataset = load([row | {"split": names[n // 2 % 6]} for n, row in enumerate(rows)])
        assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (18, 8, 4)

    def test_images_of_a_patient_stay_together(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        dataset = load([row | {"patient_id": f"patient {n // 3}"} for n, row in enumerate(rows)])
        splits = [set(s.patient_ids) for s in (dataset.train, dataset.val, dataset.test)]
        assert sum(map(len, splits)) == len(set.union(*splits)) == 10

    def test_patient_ids_become_pseudonyms_unless_asked_otherwise(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        named = [row | {"patient_id": f"Anna {n // 3}"} for n, row in enumerate(rows)]
        assert all(p.startswith("P-") for p in everything(load(named), "patient_ids"))
        plain = load(named, keep_patient_ids=True)
        assert set(everything(plain, "patient_ids")) == {f"Anna {n}" for n in range(10)}

    def test_no_readable_patient_id_reaches_the_disk(
        self, load: Callable[..., LabeledImages], rows: Rows, cache: Path
    ) -> None:
        load([row | {"patient_id": f"Annabella{n // 3}"} for n, row in enumerate(rows)])
        assert not leaked(b"Annabella", cache)

    @pytest.mark.parametrize("column", ["Patient", "PatientID", "patient-id", "MRN", "Subject ID"])
    def test_a_column_of_like_meaning_is_taken_for_patient_ids(
        self, load: Callable[..., LabeledImages], rows: Rows, cache: Path, column: str
    ) -> None:
        dataset = load([row | {column: f"Annabella{n // 3}"} for n, row in enumerate(rows)])
        assert len({*everything(dataset, "patient_ids")}) == 10
        assert all(p.startswith("P-") for p in everything(dataset, "patient_ids"))
        assert dataset.origin is not None
        assert any("is read as the ids of patients" in note for note in dataset.origin.notes)
        assert not leaked(b"Annabella", cache)

    def test_columns_that_name_people_are_left_out_and_said(
        self, load: Callable[..., LabeledImages], rows: Rows, cache: Path
    ) -> None:
        named = [
            row
            | {"patient_id": n, "PatientName": "Annabella", "Date of birth": "1.2.1903", "age": 9}
            for n, row in enumerate(rows)
        ]
        dataset = load(named)
        assert set(dataset.train.extra) == {"age"}
        assert dataset.origin is not None
        assert (
            "Columns patientname, date of birth may tell who a patient is: left out, nothing of it "
            "is kept (--keep-patient-ids keeps it)."
        ) in dataset.origin.notes
        assert not leaked(b"Annabella", cache)
        assert not leaked(b"1903", cache)
        plain = load(named, keep_patient_ids=True)
        assert set(plain.train.extra) == {"patientname", "date of birth", "age"}

    def test_a_renamed_column_is_noticed(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        assert set(load([row | {"device": "A"} for row in rows]).train.extra) == {"device"}
        assert set(load([row | {"scanner": "A"} for row in rows]).train.extra) == {"scanner"}

    def test_whole_numbers_written_with_a_point_are_the_same_class(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        names = ("0", "0.0", "1", "1.0")
        assert load([row | {"label": names[n % 4]} for n, row in enumerate(rows)]).class_names == (
            "0",
            "1",
        )

    def test_formula_cells_are_plain_text(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        dataset = load([row | {"label": f"=cmd|{row['label']}"} for row in rows])
        assert dataset.class_names == ("=cmd|a", "=cmd|b")

    def test_empty_lines_are_passed_over(self, data_root: Path, rows: Rows) -> None:
        lines = ["path,label", *(f"{row['path']},{row['label']}\n" for row in rows)]
        (data_root / "t.csv").write_text("\n".join(lines))
        assert len(everything(load_dataset(data_root / "t.csv"), "sources")) == 30


class TestMistakes:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"split": "holdout"},
                "split of row 1 in cells.csv must be train, val or test, got 'h",
            ),
            (
                {"sample_id": "same"},
                "sample_id must be unique in cells.csv, got same in rows 1 and",
            ),
            ({"sample_id": "a,b"}, "without commas, got 'a,b'"),
        ],
    )
    def test_cells_that_contradict_the_rules(
        self,
        load: Callable[..., LabeledImages],
        rows: Rows,
        change: dict[str, str],
        message: str,
    ) -> None:
        with pytest.raises(DatasetError, match=message):
            load([row | change for row in rows])

    def test_only_some_rows_have_a_split(
        self, load: Callable[..., LabeledImages], rows: Rows
    ) -> None:
        given = [row | {"split": "train" if n else ""} for n, row in enumerate(rows)]
        with pytest.raises(DatasetError, match=r"split of row 1 .* which is empty while others"):
            load(given)

    def test_every_image_its_own_class(
        self, load: Callable[..., LabeledImages], rows: Rows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coreset_lib.datasets.sources.listing.MOST_CLASSES", 20)
        with pytest.raises(DatasetError, match="at most 20 classes, got 30"):
            load([row | {"label": f"{n}.5"} for n, row in enumerate(rows)])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "must have the columns path and label, got none"),
            ("path,label\n", "must have at least one row, got none"),
            ("file,label\nx,y\n", "must have the columns path and label, got file, label"),
            ("path,lable\nx,y\n", "Rename the column lable"),
            ("path,label,label\nx,y,z\n", "must have different names, got label more than once"),
            ("path,label,\nx,y,z\n", "got one without a name more than once or empty"),
            ("path,label\nx\n", "line 2 of t.csv must have 2 cells as the header has, got 1"),
            ("path,label\nx,y,z\n", "must have 2 cells as the header has, got 3"),
            ('path,label\n"x,y\n', "must be well-formed, got a fault in line"),
        ],
    )
    def test_tables_of_a_wrong_form(self, data_root: Path, text: str, message: str) -> None:
        (data_root / "t.csv").write_text(text)
        with pytest.raises(DatasetError, match=message):
            load_dataset(data_root / "t.csv")

    def test_a_table_in_another_encoding(self, data_root: Path) -> None:
        (data_root / "t.csv").write_bytes("path,label\nx,Größe\n".encode("latin-1"))
        with pytest.raises(DatasetError, match="must be UTF-8 text, got other bytes at position"):
            load_dataset(data_root / "t.csv")


class TestBadRows:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"path": "cells/a/absent.png"}, "cells/a/absent.png is not there"),
            ({"path": ""}, "has no path"),
            ({"label": ""}, "cells/a/000.png has no label"),
            ({"label": "NaN"}, "has the label NaN, which says that there is none"),
            ({"label": "x" * 300}, "has a label of more than 200 letters"),
            ({"path": "cells"}, "cells is no ordinary file"),
            ({"path": "a\0b"}, "has control characters in its name"),
            ({"path": "x" * 5000}, "cannot be read"),
        ],
    )
    def test_a_bad_row_is_named_and_left_out_on_demand(
        self,
        load: Callable[..., LabeledImages],
        rows: Rows,
        change: dict[str, str],
        reason: str,
    ) -> None:
        rows[0] |= change
        with pytest.raises(
            BadFilesError, match=r"1 of 30 files in cells\.csv cannot be used"
        ) as caught:
            load(rows)
        assert reason in str(caught.value)
        assert "--skip-bad" in str(caught.value)
        dataset = load(rows, skip_bad=True)
        assert len(everything(dataset, "sources")) == 29
        assert dataset.origin is not None
        assert len(dataset.origin.bad) == 1
