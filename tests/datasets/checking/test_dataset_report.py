"""The report on small sets worked out by hand, and on the known flaws of real ones."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import DatasetReport, LabeledImages, dataset_report, load_dataset

REAL = os.environ.get("CORESET_LENS_TEST_DATA", "")
Make = Callable[..., LabeledImages]


def pictures(*marks: int) -> np.ndarray:
    """Return 8 x 8 images, one per mark, equal exactly where the marks are."""
    images = np.tile(np.arange(64, dtype=np.uint8).reshape(8, 8), (len(marks), 1, 1))
    images[:, 0, 0] = marks
    return images


@pytest.fixture
def flawed(make_dataset: Make) -> DatasetReport:
    """Return the report on a set with repeats, leaks and label conflicts at known rows."""
    train = pictures(100, 101, 100, 102, 100, 103), [0, 0, 0, 1, 1, 1]
    val = pictures(110, 101), [0, 1]
    test = pictures(120, 101, 110, 102), [0, 0, 1, 1]
    return dataset_report(make_dataset(train, val, test))


class TestCopies:
    def test_repeats_are_the_later_copies(self, flawed: DatasetReport) -> None:
        assert flawed.repeats.n_copies == 2
        assert flawed.repeats.examples == (
            ("train-00000", "train-00002"),
            ("train-00000", "train-00004"),
        )

    def test_a_repeat_conflicts_if_any_copy_has_another_label(self, flawed: DatasetReport) -> None:
        assert flawed.repeats.n_conflicting == 2

    def test_leaks_are_found_for_every_pair_of_splits(self, flawed: DatasetReport) -> None:
        found = {(leak.reference, leak.part): leak for leak in flawed.leaks}
        assert {pair: leak.n_copies for pair, leak in found.items()} == {
            ("train", "val"): 1,
            ("train", "test"): 2,
            ("val", "test"): 2,
        }
        assert found["train", "test"].examples == (
            ("train-00001", "test-00001"),
            ("train-00003", "test-00003"),
        )
        assert found["train", "val"].n_conflicting == 1
        assert found["train", "test"].n_conflicting == 0
        assert found["val", "test"].n_conflicting == 2

    def test_pairs_between_splits_come_first(self, flawed: DatasetReport) -> None:
        pairs = flawed.copy_pairs
        assert len(pairs) == 2 + 1 + 2 + 2 + sum(len(c.examples) for c in flawed.near)
        assert pairs[0] == ("train", "train-00001", "val", "val-00001", True)
        is_within = [pair.reference == pair.part for pair in pairs]
        assert is_within == sorted(is_within)

    def test_they_are_said_in_words(self, flawed: DatasetReport) -> None:
        assert (
            "2 train images repeat an earlier one exactly under another label." in flawed.warnings
        )
        assert "1 val image has an exact copy in train under another label." in flawed.warnings
        assert "2 test images have an exact copy in train." in flawed.warnings

    def test_some_conflicts_are_counted_in_words(self, make_dataset: Make) -> None:
        train = pictures(1, 1, 2, 2, 3), [0, 1, 0, 0, 1]
        report = dataset_report(make_dataset(train, (pictures(4), [0]), (pictures(5), [0])))
        text = "2 train images repeat an earlier one exactly, 1 of them under another label."
        assert text in report.warnings

    def test_examples_stop_at_ten(self, make_dataset: Make) -> None:
        train = pictures(*[7] * 30), [0] * 15 + [1] * 15
        report = dataset_report(make_dataset(train, (pictures(1), [0]), (pictures(2), [0])))
        assert report.repeats.n_copies == 29
        assert len(report.repeats.examples) == 10

    def test_equal_bytes_in_colour_and_memory_order_are_equal(self, make_dataset: Make) -> None:
        colour = np.repeat(pictures(1, 2, 3, 4)[..., None], 3, axis=3)
        train = np.asfortranarray(colour), [0, 1, 0, 1]
        report = dataset_report(make_dataset(train, (colour[:1], [0]), (colour[1:3], [1, 0])))
        assert [leak.n_copies for leak in report.leaks] == [1, 2, 0]
        assert report.n_channels == 3


class TestNumbers:
    def test_classes_are_counted_per_split(self, flawed: DatasetReport) -> None:
        assert [split.part for split in flawed.splits] == ["train", "val", "test"]
        assert [split.class_counts for split in flawed.splits] == [(3, 3), (1, 1), (2, 2)]
        assert [split.n_samples for split in flawed.splits] == [6, 2, 4]
        assert flawed.imbalance_ratio == 1

    def test_grey_values_are_those_of_train(self, make_dataset: Make) -> None:
        train = pictures(250, 0), [0, 1]
        report = dataset_report(make_dataset(train, (pictures(255), [0]), (pictures(3), [0])))
        assert (report.intensity_min, report.intensity_max) == (0, 250)
        assert report.intensity_mean == pytest.approx(np.mean(train[0]))

    def test_the_rest_is_the_datasets_own(self, make_dataset: Make) -> None:
        parts = [(pictures(k, k + 1), [0, 1]) for k in (1, 3, 5)]
        dataset = make_dataset(*parts, title="T", licence="L", is_synthetic=True)
        report = dataset_report(dataset)
        for field in ("name", "title", "licence", "is_synthetic", "class_names", "image_size"):
            assert getattr(report, field) == getattr(dataset, field)
        assert report.fingerprint == dataset.fingerprint()


class TestWarnings:
    def report(self, make_dataset: Make, counts: tuple[int, ...], **fields: Any) -> DatasetReport:
        labels = np.repeat(np.arange(len(counts)), counts)
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (3, len(labels), 8, 8), dtype=np.uint8)
        names = tuple(f"class {k}" for k in range(len(counts)))
        parts = [(split, labels) for split in images]
        return dataset_report(make_dataset(*parts, class_names=names, **fields))

    def test_a_sound_dataset_has_none(self, make_dataset: Make) -> None:
        assert self.report(make_dataset, (20, 30)).warnings == ()

    def test_classes_without_images_are_named_per_split(self, make_dataset: Make) -> None:
        warnings = self.report(make_dataset, (20, 0, 30)).warnings
        for part in ("train", "val", "test"):
            assert f"No {part} image of class class 1." in warnings

    def test_a_long_list_of_empty_classes_is_cut_short(self, make_dataset: Make) -> None:
        warnings = self.report(make_dataset, (20, *[0] * 50, 30)).warnings
        assert len(warnings) == 3
        assert warnings[0].endswith("class 10 and 40 more.")

    def test_small_classes_are_named_with_their_size(self, make_dataset: Make) -> None:
        warnings = self.report(make_dataset, (9, 10)).warnings
        assert warnings == ("Fewer than 10 train images of class class 0 (9).",)

    def test_strong_imbalance_is_said(self, make_dataset: Make) -> None:
        report = self.report(make_dataset, (10, 120))
        assert report.imbalance_ratio == 12
        (warning,) = report.warnings
        assert warning.startswith("The largest class has 12 times as many train images as the")
        assert "the same say in the loss" in warning

    def test_blank_images_are_counted(self, make_dataset: Make) -> None:
        blank = np.full((1, 8, 8), 9, np.uint8)
        train = np.concatenate([pictures(1, 2), blank]), [0, 1, 1]
        report = dataset_report(make_dataset(train, (pictures(3), [0]), (blank + 1, [0])))
        assert "1 train image is blank (one grey value)." in report.warnings
        assert [split.n_blank for split in report.splits] == [1, 0, 1]

    def test_images_scaled_to_one_are_noticed(self, make_dataset: Make) -> None:
        rng = np.random.default_rng(0)
        parts = [(rng.integers(0, 2, (4, 8, 8)), [0, 1, 0, 1]) for _ in range(3)]
        assert any(
            "scaled to 0-1" in text for text in dataset_report(make_dataset(*parts)).warnings
        )


@pytest.mark.parametrize(
    ("name", "repeats", "leaks"),
    [
        ("pneumoniamnist", 18, [8, 0, 0]),
        ("breastmnist", 0, [0, 1, 0]),
        ("braintumor", 192, [0, 189, 27]),
    ],
)
def test_known_copies_in_real_data_are_found(name: str, repeats: int, leaks: list[int]) -> None:
    if not os.path.isfile(Path(REAL) / f"{name}.npz"):
        pytest.skip("CORESET_LENS_TEST_DATA names no folder with this file")
    report = dataset_report(load_dataset(name, data_root=REAL))
    assert report.repeats.n_copies == repeats
    assert [leak.n_copies for leak in report.leaks] == leaks
