"""Samples with any number of labels: ChestMNIST and files of the same structure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import dataset_report, list_datasets, load_dataset
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS
from coreset_lib.errors import DatasetError
from coreset_lib.label_sets import (
    NO_LABEL,
    code_dtype,
    multi_hot_of,
    rarest_first,
    set_codes,
    set_title,
    standing_class,
)

Write = Callable[..., Path]
ROWS = {"train": 12, "val": 6, "test": 9}


def findings(n_labels: int, *, seed: int = 0) -> dict[str, Any]:
    """Return multi-hot labels of all splits, with an unlabelled sample in each."""
    rng = np.random.default_rng(seed)
    sets = {part: (rng.random((n, n_labels)) < 0.3).astype(np.uint8) for part, n in ROWS.items()}
    for part in sets.values():
        part[0] = 0
        part[1, 0] = 1
    return {f"{part}_labels": values for part, values in sets.items()}


def test_chestmnist_is_loaded_with_its_findings(write_npz: Write, data_root: Path) -> None:
    labels = findings(14)
    write_npz("chestmnist.npz", form=(28, 28), **labels)
    dataset = load_dataset("chestmnist", data_root=data_root)
    assert dataset.is_multi_label
    assert dataset.label_names == MEDMNIST_SETS["chestmnist"].class_names
    assert dataset.class_names == (*dataset.label_names, NO_LABEL)
    assert dataset.n_outputs == 14
    np.testing.assert_array_equal(dataset.val.multi_hot, labels["val_labels"])
    assert dataset.train.labels[0] == 14


def test_the_official_file_is_recognised_by_its_path_too(write_npz: Write) -> None:
    path = write_npz("chestmnist_64.npz", form=(64, 64), **findings(14))
    assert load_dataset(path).n_outputs == 14


def test_an_own_file_says_that_it_is_multi_label(write_npz: Write, data_root: Path) -> None:
    names = np.array(["cyst", "stone", "tumour"])
    path = write_npz("own.npz", task=np.array("multi-label"), class_names=names, **findings(3))
    dataset = load_dataset(path)
    assert dataset.label_names == ("cyst", "stone", "tumour")
    (info,) = [info for info in list_datasets(data_root) if info.name == "own"]
    assert (info.task, info.n_classes) == ("multi-label, binary-class", 3)
    assert info.class_names == dataset.label_names


def test_without_a_task_columns_are_no_labels(write_npz: Write) -> None:
    with pytest.raises(DatasetError, match=r"got 3 columns.*store task = 'multi-label") as caught:
        load_dataset(write_npz(**findings(3)))
    assert "one-hot" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"val_labels": np.full((6, 3), 2)}, "0 or 1, got 2 in row 0, column 0"),
        ({"val_labels": np.full((6, 3), np.nan)}, "0 or 1, got nan"),
        ({"val_labels": np.zeros(6, int)}, "Store one column per label"),
        ({"val_labels": np.zeros((6, 63), int)}, "1 to 62 labels"),
        ({"val_labels": np.zeros((6, 3), "U1")}, "got <U1"),
        ({"val_labels": np.zeros((6, 2), int)}, "got 3, 2, 3 columns and 3 names"),
        ({"class_names": np.array(["a", "b"])}, "got 3, 3, 3 columns and 2 names"),
        ({"class_names": np.array(["a", "b", NO_LABEL])}, "row of zeros"),
        ({"train_labels": np.zeros((12, 3), int)}, "at least two classes"),
        ({"train_labels": np.zeros((11, 3), int)}, "12 images and 11 labels"),
    ],
)
def test_other_labels_are_refused_in_one_sentence(
    changes: dict[str, Any], words: str, write_npz: Write
) -> None:
    path = write_npz(task=np.array("multi-label"), **{**findings(3), **changes})
    with pytest.raises(DatasetError, match=words):
        load_dataset(path)


def test_a_sample_counts_under_its_rarest_label() -> None:
    train = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]], np.uint8)
    order = rarest_first(train)
    assert order.tolist() == [1, 2, 0]
    assert standing_class(train, order).tolist() == [1, 0, 2, 2, 3]
    assert standing_class(np.array([[1, 1, 1]]), order).tolist() == [1]


def test_sets_are_numbers_and_back() -> None:
    sets = (np.random.default_rng(0).random((50, 14)) < 0.4).astype(np.uint8)
    codes = set_codes(sets)
    assert codes[0] == sum(int(bit) << number for number, bit in enumerate(sets[0]))
    np.testing.assert_array_equal(multi_hot_of(codes, 14), sets)
    widest = np.ones((1, 62), np.uint8)
    np.testing.assert_array_equal(multi_hot_of(set_codes(widest), 62), widest)


@pytest.mark.parametrize("n_labels", [1, 7, 8, 14, 15, 16, 31, 32, 62])
def test_every_set_has_a_number_below_that_of_a_gap(n_labels: int) -> None:
    assert set_codes(np.ones((1, n_labels)))[0] < np.iinfo(code_dtype(n_labels)).max


def test_a_set_is_named_by_its_labels() -> None:
    assert set_title(0b101, ("cyst", "stone", "tumour")) == "cyst + tumour"
    assert set_title(0, ("cyst", "stone")) == NO_LABEL


def test_the_fingerprint_covers_all_labels(write_npz: Write) -> None:
    labels = findings(3)
    labels["train_labels"][2] = (1, 1, 1)
    a = load_dataset(write_npz("a.npz", task=np.array("multi-label"), **labels))
    rarest = int(rarest_first(labels["train_labels"])[0])
    labels["train_labels"] = labels["train_labels"].copy()
    labels["train_labels"][2, (rarest + 1) % 3] = 0
    b = load_dataset(write_npz("b.npz", task=np.array("multi-label"), **labels))
    assert a.train.labels[2] == b.train.labels[2]
    assert a.fingerprint() != b.fingerprint()


def test_the_report_counts_an_image_for_each_of_its_labels(write_npz: Write) -> None:
    labels = findings(3)
    path = write_npz(task=np.array("multi-label"), **labels)
    report = dataset_report(load_dataset(path))
    expected = [
        *labels["train_labels"].sum(axis=0),
        (labels["train_labels"].sum(axis=1) == 0).sum(),
    ]
    assert list(report.splits[0].class_counts) == expected
    assert report.is_multi_label
    assert any("train images of label" in warning for warning in report.warnings)


def test_a_set_without_unlabelled_images_is_not_blamed(write_npz: Write) -> None:
    labels = findings(3)
    for part in labels.values():
        part[:, 1] |= part.sum(axis=1) == 0
    report = dataset_report(load_dataset(write_npz(task=np.array("multi-label"), **labels)))
    assert not any(NO_LABEL in warning for warning in report.warnings)


def test_copies_conflict_where_any_label_differs(write_npz: Write) -> None:
    labels = findings(3)
    labels["train_labels"][4], labels["val_labels"][4] = (1, 1, 0), (1, 0, 0)
    labels["train_labels"][5], labels["val_labels"][5] = (0, 1, 1), (0, 1, 1)
    path = write_npz(task=np.array("multi-label"), **labels)
    arrays = dict(np.load(path))
    arrays["val_images"][4:6] = arrays["train_images"][4:6]
    np.savez(path, **arrays)
    leak = dataset_report(load_dataset(path)).leaks[0]
    assert (leak.n_copies, leak.n_conflicting) == (2, 1)
