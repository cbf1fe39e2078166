"""Arrays of 16 bits: made grey as files of 16 bits are, and looked up again for a close view."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, dataset_report, load_dataset
from coreset_lib.datasets.dataset_list import list_datasets
from coreset_lib.datasets.files.grey_window import GreyWindow, range_window, to_grey
from coreset_lib.datasets.files.original import find_original, read_original
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]
COUNTS = {"train": 12, "val": 6, "test": 9}


def values(form: tuple[int, ...], dtype: str = "i2") -> dict[str, Any]:
    random = np.random.default_rng(0)
    low, high = (-1024, 3000) if dtype.endswith("i2") else (0, 60_000)
    return {
        f"{part}_images": random.integers(low, high, (count, *form)).astype(dtype)
        for part, count in COUNTS.items()
    }


@pytest.mark.parametrize("dtype", ["i2", "u2", ">i2"])
@pytest.mark.parametrize("form", [(10, 12), (10, 12, 1), (9, 10, 12)])
def test_each_sample_goes_from_its_darkest_to_its_brightest_value(
    write_npz: Write, form: tuple[int, ...], dtype: str
) -> None:
    arrays = values(form, dtype)
    dataset = load_dataset(write_npz(**arrays))
    for part, split in (("train", dataset.train), ("val", dataset.val), ("test", dataset.test)):
        assert split.images.dtype == np.uint8
        for image, sample in zip(split.images, arrays[f"{part}_images"], strict=True):
            sample = sample[..., 0] if sample.shape[-1] == 1 else sample
            window = range_window(float(sample.min()), float(sample.max()))
            np.testing.assert_array_equal(image, to_grey(sample, window))


def test_a_chosen_window_holds_for_every_sample(write_npz: Write) -> None:
    arrays = values((9, 10, 12))
    dataset = load_dataset(write_npz(**arrays), grey_window="lung")
    expected = to_grey(arrays["train_images"], GreyWindow(-600, 1600))
    np.testing.assert_array_equal(dataset.train.images, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": np.zeros((12, 10, 12, 3), np.uint16)}, "where images have colours"),
        (
            {"val_images": np.zeros((6, 10, 12), np.uint16)},
            "one type in every split, got int16 and",
        ),
        ({"val_images": np.zeros((6, 10, 12), np.uint8)}, "one type in every split, got int16 and"),
        ({"test_images": np.zeros((9, 11, 12), np.int16)}, "must be as large as train_images"),
    ],
)
def test_other_forms_are_refused_in_one_sentence(
    write_npz: Write, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(write_npz(**{**values((10, 12)), **changes}))


def test_a_wrong_window_is_refused_also_where_no_window_is_needed(write_npz: Write) -> None:
    with pytest.raises(Exception, match="window must be one of file, range, abdomen"):
        load_dataset(write_npz(), grey_window="bright")


@pytest.mark.parametrize("compressed", [True, False])
def test_every_sample_is_found_again_in_its_own_values(write_npz: Write, compressed: bool) -> None:
    arrays = values((10, 12))
    dataset = load_dataset(write_npz(compressed=compressed, **arrays), grey_window="40,400")
    for row in (0, 5, 11):
        original = original_of(dataset, row)
        np.testing.assert_array_equal(original.values, arrays["train_images"][row])
        assert original.has_wide_values
        np.testing.assert_array_equal(
            original.shown(GreyWindow(40, 400)), dataset.train.images[row]
        )


def test_a_slice_of_a_volume_is_found_again(write_npz: Write) -> None:
    arrays = values((9, 10, 12, 1))
    dataset = load_dataset(write_npz(**arrays))
    place = find_original(dataset, 3)
    assert place is not None
    np.testing.assert_array_equal(
        read_original(*place, 7).values, arrays["train_images"][3, 7, ..., 0]
    )
    np.testing.assert_array_equal(
        read_original(*place).values, arrays["train_images"][3, 4, ..., 0]
    )


def original_of(dataset: LabeledImages, row: int) -> Any:
    place = find_original(dataset, row)
    assert place is not None
    return read_original(*place)


def test_the_report_tells_bits_and_values(write_npz: Write, data_root: Path) -> None:
    arrays = values((10, 12))
    report = dataset_report(load_dataset(write_npz(**arrays)))
    assert report.files is not None
    assert report.files.bits == (16,)
    extremes = [f(a) for f, a in ((min, lows(arrays)), (max, highs(arrays)))]
    assert [report.files.low, report.files.high] == extremes
    infos = {info.name: info for info in list_datasets(data_root)}
    assert infos["set"].is_wide


def lows(arrays: dict[str, Any]) -> list[int]:
    return [int(array.min()) for array in arrays.values()]


def highs(arrays: dict[str, Any]) -> list[int]:
    return [int(array.max()) for array in arrays.values()]


def test_a_file_that_was_changed_is_told(write_npz: Write) -> None:
    path = write_npz(**values((10, 12)))
    dataset = load_dataset(path)
    write_npz(form=(10, 12), train_images=np.zeros((40, 10, 12), np.uint8))
    with pytest.raises(DatasetError, match="has changed since it was prepared"):
        original_of(dataset, 0)
