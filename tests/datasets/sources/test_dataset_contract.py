"""What every source of data promises, checked on each of them."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from source_samples import SAMPLES

from coreset_lib.datasets import LabeledImages, list_datasets, load_dataset
from coreset_lib.datasets.sources import SOURCES, named_source, source_of
from coreset_lib.datasets.sources.npz.file import file_safe

REAL = os.environ.get("CORESET_LENS_TEST_DATA", "")
REAL_NAMES = ("pneumoniamnist", "breastmnist", "pbc.npz", "braintumor")
OWN_DATA = Path(__file__).parents[3] / "docs" / "own-data.md"
OWN = SOURCES.built_in_names
CASES = [(key, case) for key in OWN for case in SAMPLES.get(key, {"(none)": None})]


@pytest.fixture(params=[*CASES, *(("real", name) for name in REAL_NAMES)], ids="-".join)
def load(request: pytest.FixtureRequest, data_root: Path) -> Callable[[], LabeledImages]:
    """Return a function that loads one sample of one source anew."""
    source, case = request.param
    if source == "real":
        if not os.path.isfile(Path(REAL) / f"{case.removesuffix('.npz')}.npz"):
            pytest.skip("CORESET_LENS_TEST_DATA names no folder with this file")
        return lambda: load_dataset(case, data_root=REAL)
    assert source in SAMPLES, f"tests/oracles/source_samples.py writes nothing for {source}"
    name = SAMPLES[source][case](data_root)
    return lambda: load_dataset(name, data_root=data_root)


@pytest.mark.parametrize("key", OWN)
class TestEverySource:
    def test_is_told_of_in_the_docs(self, key: str) -> None:
        assert f"| `{key}` |" in OWN_DATA.read_text(), f"docs/own-data.md has no row of {key}"

    def test_answers_to_its_samples_and_to_no_others(self, key: str, data_root: Path) -> None:
        for source, samples in SAMPLES.items():
            for case, write in samples.items():
                folder = data_root / source / case
                folder.mkdir(parents=True)
                found = named_source(name := write(folder)) or source_of(folder / name)
                assert found is not None
                assert (found.key == key) == (source == key)

    def test_lists_its_samples(self, key: str, data_root: Path) -> None:
        for case, write in SAMPLES[key].items():
            folder = data_root / case
            folder.mkdir()
            name = write(folder)
            infos = {info.name: info for info in list_datasets(folder)}
            if named_source(name) is None:
                source = source_of(folder / name)
                assert source is not None
                name = source.source.name_of(folder / name)
            assert infos[name].is_present
            assert infos[name].title
            assert not infos[name].problem
            dataset = load_dataset(name, data_root=folder)
            sizes = infos[name].split_sizes
            if key != "medmnist" and any(sizes):  # the lists of MedMNIST are of the official sets
                assert sizes == tuple(map(len, (dataset.train, dataset.val, dataset.test)))


def test_what_no_source_takes_is_refused(data_root: Path) -> None:
    (data_root / "notes.txt").write_text("nothing")
    assert source_of(data_root / "notes.txt") is None
    assert source_of(data_root / "gone.npz") is not None  # by its name; loading says it is gone


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
        depth = (dataset.depth,) if dataset.depth else ()
        for split in (dataset.train, dataset.val, dataset.test):
            assert split.images.dtype == np.uint8
            assert split.images.shape[1:] == (*depth, *dataset.image_size, *colour)
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
