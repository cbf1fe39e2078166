"""Finding a dataset by what a person types, and the list of what there is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coreset_lib.datasets import DatasetInfo, LabeledImages, list_datasets, load_dataset
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS
from coreset_lib.errors import CoresetError, DatasetError

Write = Callable[..., Path]


def two_classes(**changes: Any) -> dict[str, Any]:
    labels = {f"{part}_labels": np.arange(n) % 2 for part, n in SIZES.items()}
    return {"form": (28, 28), **labels, **changes}


SIZES = {"train": 12, "val": 6, "test": 9}


class TestNames:
    def test_the_phantom_needs_no_file(self) -> None:
        assert load_dataset("phantom").is_synthetic

    def test_the_phantom_comes_in_the_asked_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes: list[int] = []

        def record(options: Any) -> None:
            sizes.append(options.image_size)

        monkeypatch.setattr("coreset_lib.datasets.sources.phantom.phantom.make_phantom", record)
        load_dataset("phantom", image_size=64)
        assert sizes == [64]

    @pytest.mark.parametrize("name", ["pbc.npz", "pbc", " pbc "])
    def test_a_file_in_the_data_folder_has_two_names(
        self, write_npz: Write, data_root: Path, name: str
    ) -> None:
        write_npz("pbc.npz")
        assert load_dataset(name, data_root=data_root).name == "pbc"
        assert load_dataset(name, data_root=str(data_root)).name == "pbc"

    @pytest.mark.parametrize("name", ["pneumoniamnist", "PneumoniaMNIST", "pneumoniamnist.npz"])
    def test_an_official_set_in_the_data_folder_is_found(
        self, write_npz: Write, data_root: Path, name: str
    ) -> None:
        write_npz("pneumoniamnist.npz", **two_classes())
        dataset = load_dataset(name, data_root=data_root)
        assert dataset.class_names == ("normal", "pneumonia")

    def test_an_official_set_of_another_size_is_found(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("pneumoniamnist_64.npz", **two_classes(form=(64, 64)))
        by_name = load_dataset("pneumoniamnist", data_root=data_root, image_size=64)
        by_file = load_dataset("pneumoniamnist_64", data_root=data_root)
        assert by_name.image_size == by_file.image_size == (64, 64)
        assert by_name.class_names == by_file.class_names == ("normal", "pneumonia")

    def test_a_path_needs_no_data_folder(self, write_npz: Write) -> None:
        path = write_npz("mine.npz")
        assert load_dataset(str(path)).name == "mine"
        assert load_dataset(path).name == "mine"
        assert load_dataset(path.with_suffix("")).name == "mine"

    def test_a_relative_path_is_read_from_the_working_directory(
        self, write_npz: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_npz("mine.npz")
        monkeypatch.chdir(path.parent)
        assert load_dataset("mine.npz").name == "mine"
        assert load_dataset("./mine.npz").name == "mine"

    def test_the_data_folder_comes_before_the_working_directory(
        self, write_npz: Write, data_root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = write_npz("mine.npz")
        monkeypatch.chdir(data_root)
        other = data_root / "other"
        other.mkdir()
        write_npz("other/mine.npz", form=(9, 9))
        assert load_dataset("mine", data_root=other).image_size == (9, 9)
        assert load_dataset(here, data_root=other).image_size == (10, 12)

    def test_the_home_folder_can_be_written_as_a_tilde(self, write_npz: Write, home: Path) -> None:
        write_npz("mine.npz").rename(home / "mine.npz")
        assert load_dataset("~/mine.npz").name == "mine"
        assert load_dataset("mine", data_root="~").name == "mine"


class TestSizes:
    def test_the_default_takes_the_size_of_the_file(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("large.npz", form=(64, 64))
        assert load_dataset("large", data_root=data_root).image_size == (64, 64)
        assert load_dataset("large", data_root=data_root, image_size=64).image_size == (64, 64)

    def test_another_size_than_the_file_has_is_refused(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("small.npz")
        with pytest.raises(DatasetError, match=r"got 64\. Its images have 10 x 12 pixels"):
            load_dataset("small", data_root=data_root, image_size=64)

    def test_the_phantom_has_limits(self) -> None:
        with pytest.raises(CoresetError, match="image size must be from 16 to 512, got 4"):
            load_dataset("phantom", image_size=4)


class TestMessages:
    def test_an_unknown_name_gets_near_matches_and_the_list(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("pbc.npz")
        with pytest.raises(DatasetError) as caught:
            load_dataset("pneumonamnist", data_root=data_root)
        text = str(caught.value)
        assert "Did you mean pneumoniamnist" in text
        assert "got 'pneumonamnist'" in text
        for name in ("phantom", "pbc.npz", *MEDMNIST_SETS):
            assert name in text

    def test_a_file_that_is_nearly_there_is_suggested(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("braintumor.npz")
        with pytest.raises(DatasetError, match=r"Did you mean braintumor\.npz"):
            load_dataset("brain_tumor.npz", data_root=data_root)

    def test_a_name_like_nothing_gets_no_suggestion(self) -> None:
        with pytest.raises(DatasetError) as caught:
            load_dataset("xyzzy")
        assert "Did you mean" not in str(caught.value)

    def test_a_folder_without_class_folders_is_no_dataset(self, data_root: Path) -> None:
        (data_root / "cells").mkdir()
        with pytest.raises(DatasetError, match=r"got the folder .*cells with no folder in it"):
            load_dataset("cells", data_root=data_root)

    @pytest.mark.parametrize(
        "call", [lambda r: load_dataset("phantom", data_root=r), list_datasets]
    )
    def test_a_data_folder_that_is_not_there(
        self, data_root: Path, call: Callable[[Path], object]
    ) -> None:
        with pytest.raises(DatasetError, match="data root must be an existing folder"):
            call(data_root / "absent")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=300))
    def test_whatever_is_typed_ends_in_a_dataset_error(self, data_root: Path, name: str) -> None:
        if name.strip().lower() in ("phantom", *MEDMNIST_SETS) or name.strip()[:1] in "./~\\":
            return
        with pytest.raises(DatasetError) as caught:
            load_dataset(name, data_root=data_root)
        assert "\n" not in str(caught.value)


class TestList:
    def by_name(self, data_root: Path | None) -> dict[str, DatasetInfo]:
        return {info.name: info for info in list_datasets(data_root)}

    def test_without_files_it_holds_the_phantom_and_the_official_sets(self, home: Path) -> None:
        listed = list_datasets()
        assert [info.name for info in listed] == ["phantom", *MEDMNIST_SETS]
        assert [info.is_present for info in listed] == [True] + [False] * 18
        assert listed[0].where == "generated"
        assert listed[1].where == str(home / ".medmnist" / "pathmnist.npz")

    def test_the_phantom_entry_describes_the_phantom(self) -> None:
        info, dataset = list_datasets()[0], load_dataset("phantom")
        assert info.is_synthetic
        assert info.class_names == dataset.class_names
        assert info.n_classes == dataset.n_classes
        assert info.n_channels == dataset.n_channels
        assert info.licence == dataset.licence
        assert info.split_sizes == (len(dataset.train), len(dataset.val), len(dataset.test))

    def test_a_file_entry_describes_the_file(self, write_npz: Write, data_root: Path) -> None:
        path = write_npz("mine.npz", form=(10, 10, 3))
        info = self.by_name(data_root)["mine"]
        assert info.n_classes == 3
        assert info.n_channels == 3
        assert info.split_sizes == (12, 6, 9)
        assert info.available_sizes == info.present_sizes == (10,)
        assert info.task == "multi-class"
        assert info.where == str(path)
        assert info.is_present
        assert not info.is_synthetic
        assert info.problem == ""

    def test_sizes_that_are_here_are_told_from_sizes_that_exist(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("breastmnist_64.npz", **two_classes(form=(64, 64)))
        info = self.by_name(data_root)["breastmnist"]
        assert info.is_present
        assert info.present_sizes == (64,)
        assert info.available_sizes == (28, 64, 128, 224)
        assert info.where.endswith("breastmnist_64.npz")

    def test_official_files_are_not_listed_twice(self, write_npz: Write, data_root: Path) -> None:
        write_npz("breastmnist.npz")
        write_npz("breastmnist_224.npz")
        assert len(list_datasets(data_root)) == 1 + len(MEDMNIST_SETS)

    def test_damaged_files_are_listed_with_their_problem(self, data_root: Path) -> None:
        for name in ("mine", "breastmnist"):
            (data_root / f"{name}.npz").write_text("no archive")
            info = self.by_name(data_root)[name]
            assert "must be a whole .npz archive" in info.problem
            assert info.is_present

    def test_every_listed_name_that_is_here_can_be_loaded(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("breastmnist.npz", **two_classes())
        write_npz("my cells.npz")
        for info in list_datasets(data_root):
            if info.is_present:
                dataset = load_dataset(info.name, data_root=data_root)
                assert isinstance(dataset, LabeledImages)
                assert dataset.class_names == info.class_names


def test_loading_needs_numpy_alone(write_npz: Write, data_root: Path) -> None:
    write_npz("breastmnist.npz", **two_classes())
    code = (
        "import sys; from coreset_lib.datasets import *\n"
        "load_dataset('phantom'); list_datasets(sys.argv[1])\n"
        "dataset_report(load_dataset('breastmnist', data_root=sys.argv[1]))\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(data_root)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    heavy = {"torch", "torchvision", "medmnist", "PIL", "scipy", "sklearn", "pandas", "pydantic"}
    assert not heavy & set(answer.stdout.split())
