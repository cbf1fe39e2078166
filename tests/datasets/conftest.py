"""Small datasets and the files they come in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_samples import Arrays, build_arrays, save_dicom, save_png, save_table

from coreset_lib.datasets import LabeledImages, Split
from coreset_lib.datasets.sample_names import RowNames, row_ids


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


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    return save_dicom


@pytest.fixture
def write_image() -> Callable[[Path, Any], Path]:
    """Return a function that writes pixels in the format that the file's name says."""
    return save_png


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
