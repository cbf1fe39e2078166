"""Small datasets and the files they come in."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from coreset_lib.datasets import LabeledImages, Split
from coreset_lib.datasets.sample_names import RowNames, row_ids

Arrays = dict[str, Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the files in the real home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep prepared images of the tests to themselves."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORESET_LENS_CACHE", str(folder))
    return folder


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def build_arrays(*, form: tuple[int, ...] = (10, 12), n_classes: int = 3, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for part, count in (("train", 12), ("val", 6), ("test", 9)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, *form), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count).reshape(-1, 1) % n_classes
    return arrays


@pytest.fixture
def make_arrays() -> Callable[..., Arrays]:
    return build_arrays


@pytest.fixture
def write_npz(data_root: Path) -> Callable[..., Path]:
    """Return a function that writes a good set with some arrays replaced (None: left out)."""

    def write(
        name: str = "set.npz", *, compressed: bool = True, form: Any = (10, 12), **changes: Any
    ) -> Path:
        arrays = {**build_arrays(form=form), **changes}
        kept = {key: value for key, value in arrays.items() if value is not None}
        path = data_root / name
        (np.savez_compressed if compressed else np.savez)(path, **kept)
        return path

    return write


@pytest.fixture
def make_split() -> Callable[..., Split]:
    """Return a function that builds a split from images and labels."""

    def build(part: str, images: Any, labels: Any) -> Split:
        numbers = np.asarray(labels, dtype=np.int64)
        sources = RowNames(f"made:{part}[{{}}]", len(numbers))
        return Split(np.asarray(images, np.uint8), numbers, row_ids(part, len(numbers)), sources)

    return build


@pytest.fixture
def make_dataset(make_split: Callable[..., Split]) -> Callable[..., LabeledImages]:
    """Return a function that builds a two-class dataset from (images, labels) per split."""

    def build(train: Any, val: Any, test: Any, **fields: Any) -> LabeledImages:
        parts = zip(("train", "val", "test"), (train, val, test), strict=True)
        splits = {part: make_split(part, *pair) for part, pair in parts}
        return LabeledImages(**{"name": "made", "class_names": ("a", "b"), **splits, **fields})

    return build


def save_dicom(path: Path, pixels: Any, **elements: Any) -> Path:
    """Write an uncompressed DICOM image; elements by keyword, None leaves one out."""
    pixels = np.asarray(pixels)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    is_colour = pixels.ndim == 3 and pixels.shape[-1] == 3 and "NumberOfFrames" not in elements
    bits = 8 * pixels.dtype.itemsize
    defaults = {
        "PatientName": "Secret^Name",
        "PatientID": "",
        "Modality": "OT",
        "SamplesPerPixel": 3 if is_colour else 1,
        "PhotometricInterpretation": "RGB" if is_colour else "MONOCHROME2",
        "Rows": pixels.shape[-3] if is_colour else pixels.shape[-2],
        "Columns": pixels.shape[-2] if is_colour else pixels.shape[-1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    if is_colour:
        defaults["PlanarConfiguration"] = 0
    for name, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    return save_dicom


def save_png(path: Path, pixels: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


@pytest.fixture
def write_image() -> Callable[[Path, Any], Path]:
    """Return a function that writes pixels in the format that the file's name says."""
    return save_png


def save_table(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def write_table() -> Callable[..., Path]:
    """Return a function that writes rows (dicts) as CSV."""
    return save_table


@pytest.fixture(scope="session")
def image_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one set as PNG folder, DICOM folder and table; do not change it."""
    root = tmp_path_factory.mktemp("image_files")
    rows: list[dict[str, Any]] = []
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (30, 28, 28), "u1")):
        label = "ab"[number % 2]
        save_png(root / "png, grey" / label / f"{number}.png", pixels)
        save_dicom(root / "dcm" / label / f"{number}.dcm", pixels, PatientID=f"{number // 3}")
        path = f"png, grey/{label}/{number}.png"
        rows.append({"path": path, "label": label, "patient_id": f"{number // 3}", "age": number})
    save_table(root / "table.csv", rows)
    return root


@pytest.fixture
def write_folder(data_root: Path) -> Callable[..., Path]:
    """Return a function that writes an image folder, classes alternating."""

    def write(name: str = "cells", count: int = 30, *, size: int = 28, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        for number in range(count):
            pixels = rng.integers(0, 256, (size, size), dtype=np.uint8)
            save_png(data_root / name / "ab"[number % 2] / f"{number:03d}.png", pixels)
        return data_root / name

    return write
