"""A writer of small datasets for every source.

``SAMPLES[source][case](folder)`` writes a dataset into a folder, where it needs one, and returns
the name to load it by. A source without a writer fails its contract
(tests/datasets/sources/test_dataset_contract.py).
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

Writer = Callable[[Path], str]
Arrays = dict[str, Any]


def build_arrays(*, form: tuple[int, ...] = (10, 12), n_classes: int = 3, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for part, count in (("train", 12), ("val", 6), ("test", 9)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, *form), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count).reshape(-1, 1) % n_classes
    return arrays


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


def save_png(path: Path, pixels: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


def save_table(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_arrays(name: str, form: tuple[int, ...] = (28, 28)) -> Writer:
    """Return the writer of a file of arrays."""

    def write(folder: Path) -> str:
        np.savez(folder / name, **build_arrays(form=form))
        return name

    return write


def random_images() -> list[tuple[str, int, Any]]:
    """Return class, number and pixels of thirty images, classes alternating."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 28, 28), "u1")
    return [("ab"[number % 2], number, image) for number, image in enumerate(pixels)]


def write_pictures(folder: Path) -> str:
    """Write a folder of PNG files per class."""
    for label, number, pixels in random_images():
        save_png(folder / "png, grey" / label / f"{number}.png", pixels)
    return "png, grey"


def write_scans(folder: Path) -> str:
    """Write a folder of DICOM files per class, three of a patient."""
    for label, number, pixels in random_images():
        save_dicom(folder / "dcm" / label / f"{number}.dcm", pixels, PatientID=f"{number // 3}")
    return "dcm"


def write_table(folder: Path, suffix: str = "csv") -> str:
    """Write a table that names PNG files and their patients."""
    rows: list[dict[str, Any]] = []
    for label, number, pixels in random_images():
        path = f"images/{label}/{number}.png"
        save_png(folder / path, pixels)
        rows.append({"path": path, "label": label, "patient_id": f"{number // 3}", "age": number})
    save_table(folder / f"table.{suffix}", rows, "\t" if suffix == "tsv" else ",")
    return f"table.{suffix}"


SAMPLES: dict[str, dict[str, Writer]] = {
    "phantom": {"default": lambda folder: "phantom"},
    "medmnist": {"official file": write_arrays("octmnist.npz")},
    "npz": {
        "grey": write_arrays("mine.npz"),
        "colour": write_arrays("coloured.npz", (28, 28, 3)),
        "volumes": write_arrays("deep.npz", (9, 12, 12)),
    },
    "folder": {"pictures": write_pictures, "DICOM": write_scans},
    "table": {"csv": write_table, "tsv": lambda folder: write_table(folder, "tsv")},
}
