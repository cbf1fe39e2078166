"""Splits made by the program: stratified, repeatable, and nothing on both sides."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.preparing.splitting import (
    SHARES,
    complete_split,
    join_groups,
    split_groups,
)


def test_every_class_is_shared_out_alike() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    parts = split_groups(labels, range(1000), SHARES)
    for part, share in SHARES.items():
        counts = np.bincount(labels[parts == part], minlength=3)
        np.testing.assert_allclose(counts, share * np.array([600, 300, 100]), atol=1)


def test_a_seed_decides_and_repeats_the_split() -> None:
    labels = np.arange(200) % 4
    first, again = (split_groups(labels, range(200), SHARES, seed=3) for _ in range(2))
    other = split_groups(labels, range(200), SHARES, seed=4)
    assert (first == again).all()
    assert (first != other).any()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=120))
def test_a_group_is_never_parted(samples: list[tuple[int, int]]) -> None:
    labels, groups = (np.array(column) for column in zip(*samples, strict=True))
    parts = split_groups(labels, groups.tolist(), SHARES)
    assert set(parts) <= set(SHARES)
    assert all(len(set(parts[groups == group])) == 1 for group in groups)


def test_the_only_image_of_a_class_is_trained_on() -> None:
    labels = np.array([0] * 50 + [1] * 50 + [2])
    assert split_groups(labels, range(101), SHARES)[100] == "train"


def test_many_small_classes_leave_no_split_empty() -> None:
    parts = split_groups(np.arange(36) % 12, range(36), SHARES)
    assert {name: int((parts == name).sum()) for name in SHARES}["val"] >= 2


def test_groups_are_joined_over_every_key() -> None:
    patients, pixels = ["p", "p", "", "q", ""], [b"1", b"2", b"2", b"3", b""]
    groups = join_groups(patients, pixels)
    assert groups[0] == groups[1] == groups[2]
    assert len({groups[0], groups[3], groups[4]}) == 3


@pytest.mark.parametrize(
    ("given_parts", "note"),
    [
        (["train"] * 90 + ["test"] * 10, "No val was given: val (10 %) was taken from train."),
        (["train"] * 90 + ["val"] * 10, "No test was given: test (20 %) was taken from train."),
        (["train"] * 100, "No val and no test was given: val (10 %) and test (20 %) was taken"),
        ([""] * 100, "Splits were made by the program: 70 % train, 10 % val, 20 % test"),
    ],
)
def test_missing_splits_are_made_and_said(given_parts: list[str], note: str) -> None:
    labels = np.arange(100) % 2
    parts, notes = complete_split(given_parts, labels, range(100))
    assert set(parts) == set(SHARES)
    assert notes[0].startswith(note)
    for part in {"val", "test"} & set(given_parts):
        assert all((np.array(given_parts) == part) <= (parts == part))


def test_complete_splits_are_left_alone() -> None:
    names = ["train", "val", "test"] * 5
    parts, notes = complete_split(names, np.arange(15) % 2, range(15))
    assert parts.tolist() == names
    assert notes == ()


def test_frames_of_a_file_end_in_one_split(
    data_root: Path, write_dicom: Callable[..., Path]
) -> None:
    random = np.random.default_rng(0)
    for number in range(24):
        path = data_root / "ab"[number % 2] / f"{number}.dcm"
        frames = random.integers(0, 256, (3, 16, 16), np.uint8)
        write_dicom(path, frames, NumberOfFrames=3, Rows=16, Columns=16)
    dataset = load_dataset(data_root)
    for split in (dataset.train, dataset.val, dataset.test):
        files = [source.partition("#")[0] for source in split.sources]
        assert all(files.count(file) == 3 for file in files)


def test_copies_of_an_image_end_in_one_split(write_folder: Callable[..., Path]) -> None:
    folder = write_folder(count=60)
    for number in range(20):
        original = folder / "ab"[number % 2] / f"{number:03d}.png"
        (original.parent / f"copy {number:03d}.png").write_bytes(original.read_bytes())
    dataset = load_dataset(folder)
    for split in (dataset.train, dataset.val, dataset.test):
        numbers = [name[-7:-4] for name in split.sources]
        for number in range(20):
            assert numbers.count(f"{number:03d}") in (0, 2)
