"""Originals in full size: the right file and frame, its values, and windows on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.files.grey_window import GreyWindow
from coreset_lib.datasets.files.original import (
    Original,
    OriginalError,
    find_original,
    prepared_original,
    read_original,
)
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]


def test_every_sample_leads_to_its_own_file(write_folder: Write) -> None:
    dataset = load_dataset(write_folder(size=40))
    for index, source in enumerate(dataset.train.sources):
        place = find_original(dataset, index)
        assert place is not None
        assert place[0].path.endswith(source)
        expected = np.asarray(Image.open(place[0].path))
        np.testing.assert_array_equal(read_original(*place).values, expected)


def test_every_frame_leads_to_itself(data_root: Path, write_dicom: Write) -> None:
    random = np.random.default_rng(0)
    for number in range(24):
        frames = random.integers(0, 4096, (3, 16, 16), np.uint16)
        frames[:, 0, 0] = 10 * number + np.arange(3)
        path = data_root / "ab"[number % 2] / f"{number}.dcm"
        write_dicom(path, frames, NumberOfFrames=3, Rows=16, Columns=16, RescaleIntercept=-5)
    dataset = load_dataset(data_root, image_size=16)
    for index, name in enumerate(dataset.train.sample_ids):
        place = find_original(dataset, index)
        assert place is not None
        record, frame = place
        assert name.endswith(f"{Path(record.path).name}#{frame + 1:04d}")
        original = read_original(record, frame)
        assert original.has_wide_values
        assert original.values[0, 0] == 10 * int(Path(record.path).stem) + frame - 5


def test_arrays_of_8_bits_are_their_own_originals(write_npz: Write) -> None:
    dataset = load_dataset(write_npz())
    assert find_original(dataset, 0) is None
    original = prepared_original(dataset, 5)
    np.testing.assert_array_equal(original.shown(), dataset.train.images[5])
    volumes = load_dataset(write_npz("volumes.npz", form=(9, 10, 12)))
    np.testing.assert_array_equal(
        prepared_original(volumes, 5, 8).shown(), volumes.train.images[5, 8]
    )


def test_a_changed_or_absent_original_is_one_sentence(write_folder: Write) -> None:
    dataset = load_dataset(write_folder())
    place = find_original(dataset, 0)
    assert place is not None
    path = Path(place[0].path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DatasetError, match="has changed since it was prepared"):
        read_original(*place)
    path.unlink()
    with pytest.raises(DatasetError, match="cannot be read: No such file"):
        read_original(*place)


def test_windows_are_applied_to_values() -> None:
    values = np.array([[-100, 0, 100]], np.int16)
    original = Original(values, GreyWindow(0, 201), False, -100, 100)
    assert original.shown().tolist() == [[1, 128, 255]]
    assert original.shown(GreyWindow(100, 1)).tolist() == [[0, 0, 255]]
    inverted = Original(values, None, True, -100, 100)
    assert inverted.shown().tolist() == [[255, 127, 0]]


def test_8_bits_and_colours_are_shown_as_they_are() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(Original(grey, None, False, 0, 255).shown(), grey)
    colour = np.stack([grey] * 3, axis=2)
    np.testing.assert_array_equal(Original(colour, None, False, 0, 255).shown(), colour)


def test_a_large_original_is_averaged_to_the_size_of_a_screen() -> None:
    wide = np.tile(np.array([[0, 1000], [2000, 3000]], np.uint16), (600, 400))
    fitted = Original(wide, None, False, 0, 3000).fit(600)
    assert fitted.values.shape == (600, 400)
    np.testing.assert_allclose(fitted.values, 1500)
    assert fitted.has_wide_values
    assert (fitted.low, fitted.high) == (0, 3000)
    colour = Original(np.full((90, 30, 3), 9, np.uint8), None, False, 9, 9)
    assert colour.fit(90) is colour
    assert colour.fit(30).values.shape == (30, 10, 3)
    assert colour.fit(30).values.dtype == np.uint8


def test_an_image_begins_with_its_own_window_else_with_all_it_holds() -> None:
    values = np.array([[-100, 300]], np.int16)
    stored = Original(values, GreyWindow(40, 400), False, -100, 300)
    assert stored.first_window == GreyWindow(40, 400)
    assert Original(values, None, False, -100, 300).first_window.centre == 100
    grey = Original(np.array([[3, 9]], np.uint8), None, False, 3, 9)
    assert grey.first_window.width == 255
    np.testing.assert_array_equal(grey.shown(grey.first_window), grey.values)


def test_the_reason_of_an_absent_original_names_no_file(write_folder: Write) -> None:
    dataset = load_dataset(write_folder())
    place = find_original(dataset, 0)
    assert place is not None
    Path(place[0].path).unlink()
    with pytest.raises(OriginalError) as raised:
        read_original(*place)
    assert Path(place[0].path).name not in raised.value.reason
    assert raised.value.reason.startswith("cannot be read")
