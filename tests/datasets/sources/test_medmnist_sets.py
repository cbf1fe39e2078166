"""The literal table against the package, finding files, and downloads without a network."""

import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.configs import IMAGE_SIZES, TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.datasets.sources.medmnist import RECORD, file_name, find_medmnist, load_medmnist
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]
SQUARE = {"form": (28, 28), "train_labels": np.arange(12) % 2}
SQUARE |= {"val_labels": np.arange(6) % 2, "test_labels": np.arange(9) % 2}


@pytest.fixture
def official() -> dict[str, Any]:
    """Return medmnist.INFO without importing the package, which would import torch."""
    spec = importlib.util.find_spec("medmnist")
    if spec is None or spec.origin is None:
        pytest.skip("medmnist is not installed")
    path = Path(spec.origin).with_name("info.py")
    info = importlib.util.spec_from_file_location("medmnist_info_only", path)
    assert info is not None
    assert info.loader is not None
    module = importlib.util.module_from_spec(info)
    info.loader.exec_module(module)
    return module.INFO


@pytest.fixture
def fake_package(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Stand in for the package, so that no test touches the network."""
    dataset, info = types.ModuleType("medmnist.dataset"), types.ModuleType("medmnist.info")
    info.INFO = {name: {"python_class": "Set"} for name in MEDMNIST_SETS}  # pyright: ignore
    monkeypatch.setitem(sys.modules, "medmnist.dataset", dataset)
    monkeypatch.setitem(sys.modules, "medmnist.info", info)
    return dataset


class TestTable:
    def test_it_lists_every_set(self, official: dict[str, Any]) -> None:
        assert list(MEDMNIST_SETS) == list(official)
        assert len(MEDMNIST_SETS) == 18

    @pytest.mark.parametrize("name", MEDMNIST_SETS)
    def test_each_entry_says_what_the_package_says(
        self, name: str, official: dict[str, Any]
    ) -> None:
        ours, theirs = MEDMNIST_SETS[name], official[name]
        assert ours.class_names == tuple(
            theirs["label"][str(k)] for k in range(len(theirs["label"]))
        )
        assert ours.n_channels == theirs["n_channels"]
        assert ours.task == theirs["task"]
        assert ours.licence == theirs["license"]
        assert ours.is_volumetric == name.endswith("3d")
        published = [size for size in IMAGE_SIZES if size == 28 or f"url_{size}" in theirs]
        assert ours.image_sizes == tuple(published)
        assert ours.split_sizes == tuple(
            theirs["n_samples"][part] for part in ("train", "val", "test")
        )

    def test_sets_say_whether_mirroring_is_safe(self) -> None:
        free = {name for name, known in MEDMNIST_SETS.items() if not known.has_sides}
        assert free == {"pathmnist", "dermamnist", "bloodmnist", "tissuemnist", "synapsemnist3d"}

    @pytest.mark.parametrize(("name", "is_safe"), [("bloodmnist", True), ("organcmnist", False)])
    def test_images_with_sides_are_not_mirrored(
        self, write_npz: Write, data_root: Path, name: str, is_safe: bool
    ) -> None:
        known = MEDMNIST_SETS[name]
        form = (28, 28, 3) if known.n_channels == 3 else (28, 28)
        write_npz(f"{name}.npz", form=form)
        config = TrainingConfig(dataset=name, data_root=str(data_root), augmentation="mirror")
        if is_safe:
            assert load_configured(config).has_sides is False
            return
        with pytest.raises(DatasetError, match="augmentation of organcmnist must be none or shift"):
            load_configured(config)

    def test_the_record_is_where_the_package_downloads_from(self, official: dict[str, Any]) -> None:
        for name, entry in official.items():
            assert entry["url"].startswith(RECORD)
            assert file_name(name, 28) in entry["url"]
            assert file_name(name, 64) in entry["url_64"]


class TestFinding:
    def test_the_data_folder_comes_before_the_home_folder(
        self, write_npz: Write, data_root: Path, home: Path
    ) -> None:
        (home / ".medmnist").mkdir()
        at_home = home / ".medmnist" / "breastmnist.npz"
        at_home.touch()
        assert find_medmnist("breastmnist", 28, data_root) == at_home
        assert find_medmnist("breastmnist", 28, None) == at_home
        path = write_npz("breastmnist.npz")
        assert find_medmnist("breastmnist", 28, data_root) == path

    def test_each_size_has_its_own_file(self, write_npz: Write, data_root: Path) -> None:
        path = write_npz("breastmnist_64.npz")
        assert find_medmnist("breastmnist", 64, data_root) == path
        assert find_medmnist("breastmnist", 28, data_root) is None


class TestLoading:
    def test_a_local_file_gets_the_official_names(self, write_npz: Write, data_root: Path) -> None:
        write_npz("breastmnist.npz", **SQUARE)
        dataset = load_medmnist("breastmnist", data_root=data_root, image_size=28)
        assert dataset.name == "breastmnist"
        assert dataset.class_names == ("malignant", "normal, benign")
        assert dataset.licence == "CC BY 4.0"
        assert dataset.title.startswith("BreastMNIST")

    def test_grades_are_treated_as_classes(self, write_npz: Write, data_root: Path) -> None:
        write_npz("retinamnist.npz", **{**SQUARE, "form": (28, 28, 3)})
        dataset = load_medmnist("retinamnist", data_root=data_root, image_size=28)
        assert dataset.n_classes == 5

    def test_a_larger_size_is_taken_from_its_file(self, write_npz: Write, data_root: Path) -> None:
        write_npz("breastmnist_64.npz", **{**SQUARE, "form": (64, 64)})
        dataset = load_medmnist("breastmnist", data_root=data_root, image_size=64)
        assert dataset.image_size == (64, 64)
        assert dataset.name == "breastmnist_64"

    def test_a_file_with_pixels_of_another_size_is_refused(
        self, write_npz: Write, data_root: Path
    ) -> None:
        write_npz("breastmnist_64.npz", **SQUARE)
        with pytest.raises(DatasetError, match="64 x 64 pixels, got 28 x 28"):
            load_medmnist("breastmnist", data_root=data_root, image_size=64)

    def test_a_size_that_is_not_offered_is_refused(self, data_root: Path) -> None:
        with pytest.raises(DatasetError, match="must be one of 28, 64, 128, 224, got 32"):
            load_medmnist("breastmnist", data_root=data_root, image_size=32)


class TestDownloading:
    def test_an_absent_file_is_fetched_by_the_package(
        self,
        fake_package: types.ModuleType,
        write_npz: Write,
        data_root: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def fetch(*, split: str, download: bool, root: str, size: int) -> None:
            print("Downloading ...")
            assert (split, download, size) == ("train", True, 28)
            write_npz("elsewhere.npz", **SQUARE).rename(Path(root) / "breastmnist.npz")

        fake_package.Set = fetch  # pyright: ignore
        dataset = load_medmnist("breastmnist", data_root=data_root, image_size=28)
        assert len(dataset.train) == 12
        assert [path.name for path in data_root.iterdir()] == ["breastmnist.npz"]
        assert capsys.readouterr().out == ""

    def test_without_a_data_folder_it_goes_to_the_home_folder(
        self, fake_package: types.ModuleType, write_npz: Write, home: Path
    ) -> None:
        def fetch(*, root: str, **_: object) -> None:
            write_npz("elsewhere.npz", **SQUARE).rename(Path(root) / "breastmnist.npz")

        fake_package.Set = fetch  # pyright: ignore
        load_medmnist("breastmnist", data_root=None, image_size=28)
        assert (home / ".medmnist" / "breastmnist.npz").is_file()

    def test_a_data_folder_that_cannot_be_written_to_is_passed_over(
        self,
        fake_package: types.ModuleType,
        write_npz: Write,
        data_root: Path,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fetch(*, root: str, **_: object) -> None:
            write_npz("elsewhere.npz", **SQUARE).rename(Path(root) / "breastmnist.npz")

        fake_package.Set = fetch  # pyright: ignore
        monkeypatch.setattr(
            "coreset_lib.datasets.sources.medmnist.os.access", lambda path, mode: False
        )
        load_medmnist("breastmnist", data_root=data_root, image_size=28)
        assert (home / ".medmnist" / "breastmnist.npz").is_file()

    @pytest.mark.parametrize(
        "failure", [RuntimeError("Automatic download failed!"), OSError("disk full")]
    )
    def test_a_broken_download_leaves_nothing_and_says_where_to_get_it(
        self, fake_package: types.ModuleType, data_root: Path, failure: Exception
    ) -> None:
        def fetch(*, root: str, **_: object) -> None:
            (Path(root) / "organamnist_64.npz").write_bytes(b"PK half of it")
            raise failure

        fake_package.Set = fetch  # pyright: ignore
        with pytest.raises(DatasetError) as caught:
            load_medmnist("organamnist", data_root=data_root, image_size=64)
        text = str(caught.value)
        assert f"Get organamnist_64.npz from {RECORD} and put it into {data_root}." in text
        assert "\n" not in text
        assert list(data_root.iterdir()) == []

    def test_without_the_package_the_same_is_said(
        self, data_root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "medmnist.dataset", None)
        with pytest.raises(DatasetError, match=f"Get pathmnist.npz from {RECORD}"):
            load_medmnist("pathmnist", data_root=data_root, image_size=28)
        assert list(data_root.iterdir()) == []

    def test_a_half_file_from_elsewhere_is_not_taken_for_whole(
        self, write_npz: Write, data_root: Path
    ) -> None:
        path = write_npz("breastmnist.npz", **SQUARE)
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(DatasetError, match=r"must be a whole \.npz archive"):
            load_medmnist("breastmnist", data_root=data_root, image_size=28)
