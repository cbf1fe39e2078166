"""Small datasets and the files they come in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
