"""Volumes: the three-dimensional MedMNIST sets and files of the same structure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import dataset_report, list_datasets, load_dataset
from coreset_lib.datasets.checking.near_copies import find_near_copies
from coreset_lib.datasets.checking.suggestion import suggest_training
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]
VOLUMETRIC = [name for name, known in MEDMNIST_SETS.items() if known.is_volumetric]


@pytest.mark.parametrize("name", VOLUMETRIC)
def test_an_official_set_is_loaded_with_its_names(
    name: str, write_npz: Write, data_root: Path
) -> None:
    n_classes = len(MEDMNIST_SETS[name].class_names)
    labels = {f"{part}_labels": np.arange(n) % min(n_classes, n)
              for part, n in (("train", 12), ("val", 6), ("test", 9))}  # fmt: skip
    write_npz(f"{name}.npz", form=(28, 28, 28), **labels)
    dataset = load_dataset(name, data_root=data_root)
    assert dataset.train.images.shape == (12, 28, 28, 28)
    assert (dataset.depth, dataset.image_size, dataset.n_channels) == (28, (28, 28), 1)
    assert dataset.class_names == MEDMNIST_SETS[name].class_names
    assert dataset.form_text == "28 x 28 x 28 voxels"


def test_the_larger_size_is_taken_from_its_file(write_npz: Write, data_root: Path) -> None:
    write_npz("vesselmnist3d_64.npz", form=(64, 64, 64), train_labels=np.arange(12) % 2,
              val_labels=np.arange(6) % 2, test_labels=np.arange(9) % 2)  # fmt: skip
    assert load_dataset("vesselmnist3d", data_root=data_root, image_size=64).depth == 64


def test_a_size_that_is_not_published_is_refused(data_root: Path) -> None:
    with pytest.raises(DatasetError, match="vesselmnist3d must be one of 28, 64, got 128"):
        load_dataset("vesselmnist3d", data_root=data_root, image_size=128)


def test_pictures_under_the_name_of_volumes_are_refused(write_npz: Write, data_root: Path) -> None:
    write_npz("vesselmnist3d.npz", form=(28, 28))
    with pytest.raises(DatasetError, match="volumes of 28 x 28 x 28 voxels, got 28 x 28"):
        load_dataset("vesselmnist3d", data_root=data_root)


def test_a_last_axis_of_one_channel_changes_nothing(write_npz: Write, data_root: Path) -> None:
    plain = write_npz("plain.npz", form=(9, 10, 12))
    arrays = dict(np.load(plain))
    wide = {key: v[..., None] if key.endswith("images") else v for key, v in arrays.items()}
    other = data_root / "wide.npz"
    np.savez(other, **wide)
    a, b = load_dataset(plain), load_dataset(other)
    assert (a.depth, a.image_size) == (9, (10, 12))
    assert a.fingerprint() == b.fingerprint()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ((3, 28, 28), "or \\(samples, depth, height, width\\) for volumes"),
        ((28, 28, 2), "Reorder the axes"),
        ((4, 28, 28), "volumes of 8 slices or more"),
        ((28, 28, 28, 3), "Reorder the axes"),
        ((28, 5, 28), "at least 8 voxels deep, high and wide, got 28 x 5 x 28"),
    ],
)
def test_other_forms_are_refused_in_one_sentence(
    form: tuple[int, ...], words: str, write_npz: Write
) -> None:
    with pytest.raises(DatasetError, match=words):
        load_dataset(write_npz(form=form))


def test_splits_of_other_depths_are_refused(write_npz: Write) -> None:
    short = np.zeros((6, 8, 12, 12), np.uint8)
    with pytest.raises(DatasetError, match="as large as train_images, got 8 x 12 x 12"):
        load_dataset(write_npz(form=(9, 12, 12), val_images=short))


def test_the_list_says_which_sets_hold_volumes(write_npz: Write, data_root: Path) -> None:
    write_npz("own.npz", form=(9, 10, 12))
    infos = {info.name: info for info in list_datasets(data_root)}
    assert [name for name, info in infos.items() if info.is_volumetric] == [*VOLUMETRIC, "own"]
    assert infos["organmnist3d"].available_sizes == (28, 64)
    assert infos["own"].present_sizes == (10,)


def test_a_report_finds_copies_of_volumes(write_npz: Write) -> None:
    path = write_npz(form=(9, 16, 16))
    arrays: dict[str, Any] = dict(np.load(path))
    arrays["val_images"][0] = arrays["train_images"][3]
    arrays["val_images"][1] = arrays["train_images"][4] // 2
    np.savez(path, **arrays)
    report = dataset_report(load_dataset(path))
    assert report.depth == 9
    assert [(leak.part, leak.n_copies) for leak in report.leaks if leak.n_copies] == [("val", 1)]
    near = [(c.reference, c.part, c.n_copies) for c in report.near if c.n_copies]
    assert near == [("train", "val", 1)]


def test_volumes_that_differ_only_along_their_depth_are_no_copies() -> None:
    rng = np.random.default_rng(0)
    volumes = rng.integers(0, 256, (1, 12, 16, 16), dtype=np.uint8)
    turned = np.concatenate([volumes, volumes[:, ::-1]])
    assert len(find_near_copies(turned).first) == 0


def test_volumes_are_given_networks_of_their_own() -> None:
    small = suggest_training(971, 28, is_volumetric=True)
    assert small.fields["model"] == "small_cnn_3d"
    assert small.fields["batch_size"] == 32
    assert "971 training volumes" in small.reason
    large = suggest_training(971, 28, is_volumetric=True, has_gpu=True)
    assert large.fields["model"] == "resnet18_3d"
