"""The report on a user's own files: leaks, privacy, unreadable files, and the verdict."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import DatasetReport, dataset_report, load_dataset

Write = Callable[..., Path]
Rows = list[dict[str, Any]]


@pytest.fixture
def rows(write_folder: Write) -> Rows:
    files = sorted(write_folder(count=120).rglob("*.png"), key=lambda path: path.name)
    parts = ["train"] * 8 + ["val", "test"]
    return [
        {"path": str(f), "label": f.parent.name, "split": parts[n // 2 % 10]}
        for n, f in enumerate(files)
    ]


@pytest.fixture
def report(data_root: Path, write_table: Write) -> Callable[..., DatasetReport]:
    def of_rows(rows: Rows, **options: Any) -> DatasetReport:
        return dataset_report(load_dataset(write_table(data_root / "t.csv", rows), **options))

    return of_rows


def test_a_clean_set_is_fit(report: Callable[..., DatasetReport], rows: Rows) -> None:
    found = report(rows)
    assert found.warnings == ()
    assert found.readiness == "fit"
    assert found.readiness_text == "Fit for training: nothing stands out."


def test_patients_on_both_sides_are_counted(
    report: Callable[..., DatasetReport], rows: Rows
) -> None:
    for n, row in enumerate(rows):
        row["patient_id"] = "both" if n in (0, 16, 17, 18) else f"p{n}"
    found = report(rows)
    assert found.n_patients == 117
    assert [(s.reference, s.part, s.n_patients, s.n_images) for s in found.shared_patients] == [
        ("train", "val", 1, 2),
        ("train", "test", 1, 1),
        ("val", "test", 1, 1),
    ]
    assert any("1 patient has images in train and val (2 of val)" in w for w in found.warnings)
    assert found.readiness == "unfit"
    assert "17 % of the val images show what train has seen" in found.readiness_text


def test_near_copies_across_splits_are_reported(
    report: Callable[..., DatasetReport], rows: Rows, write_image: Write
) -> None:
    from PIL import Image

    pixels = np.asarray(Image.open(rows[0]["path"])).astype(int)
    write_image(Path(rows[18]["path"]), np.clip(pixels + 3, 0, 255).astype(np.uint8))
    write_image(Path(rows[19]["path"]), pixels.astype(np.uint8))
    found = report(rows)
    (near,) = found.near
    assert (near.reference, near.part, near.n_copies, near.n_conflicting) == ("train", "test", 1, 0)
    assert near.examples == ((rows[0]["path"], rows[18]["path"]),)
    assert any("1 test image is nearly the same as one of train." in w for w in found.warnings)
    assert any("1 test image has an exact copy in train" in w for w in found.warnings)


def test_unreadable_files_are_listed(report: Callable[..., DatasetReport], rows: Rows) -> None:
    Path(rows[0]["path"]).write_bytes(b"")
    found = report(rows, skip_bad=True)
    assert found.files is not None
    assert found.files.bad == ((rows[0]["path"], "is empty"),)
    assert found.readiness == "look"
    assert "once the files that cannot be used are mended or left out" in found.readiness_text


def test_a_class_that_train_lacks_is_unfit(
    report: Callable[..., DatasetReport], rows: Rows
) -> None:
    rows[18]["label"] = "c"
    assert "val or test holds a class that train has no image of" in report(rows).readiness_text


def test_sizes_and_values_of_the_originals_are_told(
    report: Callable[..., DatasetReport], rows: Rows, write_image: Write
) -> None:
    write_image(Path(rows[0]["path"]), np.arange(40 * 90, dtype=np.uint16).reshape(40, 90))
    files = report(rows).files
    assert files is not None
    assert (files.smallest, files.largest) == ((28, 28), (40, 90))
    assert files.bits == (8, 16)
    assert (files.low, files.high) == (0, 3599)


def test_privacy_flags_of_dicom_are_counted(data_root: Path, write_dicom: Write) -> None:
    random = np.random.default_rng(0)
    for n in range(30):
        flags = {} if n < 10 else {"PatientIdentityRemoved": "YES", "BurnedInAnnotation": "NO"}
        flags |= {"BurnedInAnnotation": "YES"} if n == 29 else {}
        write_dicom(
            data_root / "set" / "ab"[n % 2] / f"{n}.dcm",
            random.integers(0, 256, (28, 28), np.uint8),
            Modality="CT",
            PatientName="Anna^Secret",
            **flags,
        )
    found = dataset_report(load_dataset(data_root / "set"))
    assert found.files is not None
    assert found.files.modalities == {"CT": 30}
    assert found.files.identity_removed == {"not stated": 10, "YES": 20}
    assert found.files.burned_in == {"not stated": 10, "NO": 19, "YES": 1}
    assert any(w.startswith("10 DICOM files do not say that the patient") for w in found.warnings)
    assert any(w.startswith("1 DICOM file says that text") for w in found.warnings)
    assert "Secret" not in repr(found)
