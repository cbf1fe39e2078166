"""What every source of data promises, checked on each of them."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, PhantomOptions, load_dataset, make_phantom
from coreset_lib.datasets.sources.npz.file import file_safe

REAL = os.environ.get("CORESET_LENS_TEST_DATA", "")
IMAGE_FILES = {"folder": "png, grey", "table": "table.csv", "DICOM folder": "dcm"}
MADE = ("phantom", "grey file", "colour file", "official file", *IMAGE_FILES)
REAL_NAMES = ("pneumoniamnist", "breastmnist", "pbc.npz", "braintumor")


@pytest.fixture(params=[*MADE, *(f"real {name}" for name in REAL_NAMES)])
def load(
    request: pytest.FixtureRequest,
    write_npz: Callable[..., Path],
    data_root: Path,
    image_files: Path,
) -> Callable[[], LabeledImages]:
    """Return a function that loads one source anew."""
    source: str = request.param
    if source == "phantom":
        return lambda: make_phantom(PhantomOptions(n_train=300, n_val=50, n_test=60))
    if source.startswith("real"):
        if not os.path.isfile(Path(REAL) / f"{source[5:].removesuffix('.npz')}.npz"):
            pytest.skip("CORESET_LENS_TEST_DATA names no folder with this file")
        return lambda: load_dataset(source[5:], data_root=REAL)
    if source in IMAGE_FILES:
        path = image_files / IMAGE_FILES[source]
        return lambda: load_dataset(path, cache=image_files / "cache")
    name = "octmnist" if source == "official file" else "mine"
    write_npz(f"{name}.npz", form=(28, 28, 3) if source == "colour file" else (28, 28))
    return lambda: load_dataset(name, data_root=data_root)


class TestContract:
    def test_rows_of_every_field_are_the_same_sample(
        self, load: Callable[[], LabeledImages]
    ) -> None:
        dataset = load()
        for split in (dataset.train, dataset.val, dataset.test):
            fields = (split.images, split.labels, split.sample_ids, split.sources)
            assert {len(field) for field in fields} == {len(split)}
            assert len(split) > 0

    def test_images_are_8_bit_and_of_one_form(self, load: Callable[[], LabeledImages]) -> None:
        dataset = load()
        colour = () if dataset.n_channels == 1 else (3,)
        for split in (dataset.train, dataset.val, dataset.test):
            assert split.images.dtype == np.uint8
            assert split.images.shape[1:] == (*dataset.image_size, *colour)
            assert split.images.flags.c_contiguous

    def test_labels_are_class_numbers(self, load: Callable[[], LabeledImages]) -> None:
        dataset = load()
        for split in (dataset.train, dataset.val, dataset.test):
            assert split.labels.dtype == np.int64
            assert split.labels.ndim == 1
            assert split.labels.min() >= 0
            assert split.labels.max() < dataset.n_classes

    def test_class_names_are_different_texts(self, load: Callable[[], LabeledImages]) -> None:
        names = load().class_names
        assert len(set(names)) == len(names)
        assert all(name and name.strip() == name for name in names)

    def test_sample_ids_are_unique_over_the_dataset(
        self, load: Callable[[], LabeledImages]
    ) -> None:
        dataset = load()
        splits = (dataset.train, dataset.val, dataset.test)
        ids = [name for split in splits for name in split.sample_ids]
        assert len(set(ids)) == len(ids)
        assert all(name.isprintable() and "," not in name for name in ids)

    def test_sources_are_unique_over_the_dataset(self, load: Callable[[], LabeledImages]) -> None:
        dataset = load()
        splits = (dataset.train, dataset.val, dataset.test)
        sources = [name for split in splits for name in split.sources]
        assert len(set(sources)) == len(sources)

    def test_names_survive_pickling(self, load: Callable[[], LabeledImages]) -> None:
        ids = load().train.sample_ids
        assert list(pickle.loads(pickle.dumps(ids))) == list(ids)

    def test_loading_again_gives_the_same_dataset(self, load: Callable[[], LabeledImages]) -> None:
        first, second = load(), load()
        assert first.fingerprint() == second.fingerprint()
        assert first.class_names == second.class_names
        assert list(first.train.sample_ids) == list(second.train.sample_ids)

    def test_the_name_is_fit_for_a_file(self, load: Callable[[], LabeledImages]) -> None:
        dataset = load()
        assert dataset.name == file_safe(dataset.name)
        assert dataset.title

    def test_only_generators_know_the_truth(self, load: Callable[[], LabeledImages]) -> None:
        dataset = load()
        assert bool(dataset.truth) == dataset.is_synthetic
        assert all(len(values) == len(dataset.train) for values in dataset.truth.values())
