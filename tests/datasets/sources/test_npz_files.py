"""Good and bad MedMNIST-style files: what is read, and what a person is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from coreset_lib.datasets.sources.npz.file import file_safe, load_npz, summarise_npz
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]
OF_TWO = {"val_labels": np.arange(6) % 2, "test_labels": np.arange(9) % 2}


def message(path: Path) -> str:
    """Return the one sentence or two that loading the file ends in."""
    with pytest.raises(DatasetError) as caught:
        load_npz(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert str(path) in text or path.stem in text
    return text


OF_TWO = {"val_labels": np.arange(6) % 2, "test_labels": np.arange(9) % 2}


class TestReading:
    def test_pixels_and_labels_are_those_of_the_file(
        self, write_npz: Write, make_arrays: Callable[..., Any]
    ) -> None:
        arrays, dataset = make_arrays(), load_npz(write_npz())
        for part in ("train", "val", "test"):
            split = getattr(dataset, part)
            np.testing.assert_array_equal(split.images, arrays[f"{part}_images"])
            np.testing.assert_array_equal(split.labels, arrays[f"{part}_labels"][:, 0])

    @pytest.mark.parametrize("compressed", [True, False])
    def test_packed_and_plain_archives_are_the_same_dataset(
        self, write_npz: Write, compressed: bool
    ) -> None:
        reference = load_npz(write_npz("reference.npz"))
        again = load_npz(write_npz("again.npz", compressed=compressed))
        assert again.fingerprint() == reference.fingerprint()

    def test_a_last_axis_of_one_channel_is_grey(self, write_npz: Write) -> None:
        dataset = load_npz(write_npz(form=(10, 12, 1)))
        assert dataset.n_channels == 1
        assert dataset.image_size == (10, 12)
        assert dataset.train.images.shape == (12, 10, 12)

    def test_three_channels_are_colour(self, write_npz: Write) -> None:
        dataset = load_npz(write_npz(form=(10, 12, 3)))
        assert dataset.n_channels == 3
        assert dataset.image_size == (10, 12)

    def test_images_stored_column_by_column_are_read_right(
        self, write_npz: Write, make_arrays: Callable[..., Any]
    ) -> None:
        images = make_arrays()["train_images"]
        dataset = load_npz(write_npz(train_images=np.asfortranarray(images)))
        np.testing.assert_array_equal(dataset.train.images, images)
        assert dataset.train.images.flags.c_contiguous

    @pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "u8", "f4", "f8", ">i4", "?"])
    def test_whole_labels_of_any_type_are_read(self, write_npz: Write, dtype: str) -> None:
        labels = (np.arange(12) % 2).astype(dtype)
        dataset = load_npz(write_npz(train_labels=labels, **OF_TWO))
        assert dataset.train.labels.dtype == np.int64
        np.testing.assert_array_equal(dataset.train.labels, np.arange(12) % 2)

    def test_classes_without_a_name_are_numbered(self, write_npz: Write) -> None:
        assert load_npz(write_npz()).class_names == ("class 0", "class 1", "class 2")

    def test_names_in_the_file_are_used(self, write_npz: Write) -> None:
        path = write_npz(class_names=np.array(["glioma", "no tumour", "pituitary"]))
        assert load_npz(path).class_names == ("glioma", "no tumour", "pituitary")
        assert summarise_npz(path).class_names == ("glioma", "no tumour", "pituitary")

    def test_names_in_the_file_win_over_given_ones(self, write_npz: Write) -> None:
        path = write_npz(class_names=np.array(["x", "y", "z"]))
        assert load_npz(path, class_names=("a", "b", "c")).class_names == ("x", "y", "z")

    def test_a_gap_in_the_labels_is_a_class_without_samples(self, write_npz: Write) -> None:
        others = {name: 4 * labels for name, labels in OF_TWO.items()}
        path = write_npz(train_labels=np.arange(12) % 2 * 4, **others)
        dataset = load_npz(path)
        assert dataset.n_classes == 5
        assert set(dataset.train.labels) == {0, 4}

    @pytest.mark.parametrize("part", ["val", "test"])
    def test_a_class_that_train_lacks_is_refused_if_no_names_are_known(
        self, part: str, write_npz: Write
    ) -> None:
        labels = np.arange({"val": 6, "test": 9}[part]) % 3
        labels[4] = 6
        text = message(write_npz(**{f"{part}_labels": labels}))
        assert f"{part}_labels" in text
        assert "must be classes that train has, got 6 in row 4" in text

    def test_a_named_class_may_lack_training_images(self, write_npz: Write) -> None:
        names = np.array(["a", "b", "c", "d"])
        dataset = load_npz(write_npz(class_names=names, val_labels=np.full(6, 3)))
        assert dataset.n_classes == 4

    def test_sources_name_file_array_and_row(self, write_npz: Write) -> None:
        dataset = load_npz(write_npz("odd {name}.npz"))
        assert dataset.train.sources[7] == "odd {name}.npz:train_images[7]"
        assert dataset.test.sample_ids[8] == "test-00008"
        assert dataset.name == "odd-name"

    def test_the_summary_agrees_with_the_dataset(self, write_npz: Write) -> None:
        path = write_npz(form=(10, 12, 3))
        summary, dataset = summarise_npz(path), load_npz(path)
        assert summary.class_names == dataset.class_names
        assert summary.n_channels == dataset.n_channels
        assert summary.image_size == dataset.image_size
        assert summary.split_sizes == (12, 6, 9)

    @given(
        hnp.arrays(np.uint8, st.tuples(st.integers(2, 6), st.integers(8, 12), st.integers(8, 12)))
    )
    def test_whatever_pixels_are_stored_come_back(
        self, tmp_path_factory: pytest.TempPathFactory, images: Any
    ) -> None:
        path = tmp_path_factory.mktemp("pixels") / "set.npz"
        labels = np.arange(len(images)) % 2
        parts = {f"{part}_images": images for part in ("train", "val", "test")}
        np.savez(path, **parts, **{key.replace("images", "labels"): labels for key in parts})
        np.testing.assert_array_equal(load_npz(path).test.images, images)

    @given(st.text(max_size=30))
    def test_any_file_name_becomes_a_name_fit_for_files(self, text: str) -> None:
        safe = file_safe(text)
        assert safe
        assert safe.isascii()
        assert not set(safe) & set('/\\:*?"<>| \n\0')
        assert not safe.startswith((".", "-"))


class TestMessages:
    def test_an_absent_file(self, data_root: Path) -> None:
        assert "must be an existing file" in message(data_root / "absent.npz")

    def test_a_text_file(self, data_root: Path) -> None:
        path = data_root / "notes.npz"
        path.write_text("not an archive")
        assert "must be a whole .npz archive" in message(path)

    def test_an_empty_file(self, data_root: Path) -> None:
        path = data_root / "empty.npz"
        path.touch()
        assert "Copy or download it again" in message(path)

    def test_a_single_array_saved_as_npy(self, data_root: Path) -> None:
        path = data_root / "single.npz"
        with path.open("wb") as stream:
            np.save(stream, np.zeros((4, 8, 8), np.uint8))
        assert "must be a whole .npz archive" in message(path)

    def test_missing_arrays_are_named(self, write_npz: Write) -> None:
        text = message(write_npz(val_labels=None, test_images=None))
        assert "got no val_labels, test_images" in text
        assert "It holds: test_labels, train_images, train_labels, val_images" in text

    def test_an_archive_without_arrays(self, data_root: Path) -> None:
        path = data_root / "nothing.npz"
        np.savez(path)
        assert "It holds: nothing" in message(path)

    @pytest.mark.parametrize("dtype", ["f4", "i8", "u4", "?"])
    def test_images_of_another_type(self, write_npz: Write, dtype: str) -> None:
        text = message(write_npz(val_images=np.zeros((6, 10, 12), dtype)))
        assert "val_images" in text
        assert f"got {np.dtype(dtype)}" in text
        assert "save them as uint8" in text

    @pytest.mark.parametrize("array", ["train_images", "test_labels", "class_names"])
    def test_python_objects_are_never_loaded(self, write_npz: Write, array: str) -> None:
        text = message(write_npz(**{array: np.array(["a", 1, None], dtype=object)}))
        assert f"{array} in" in text
        assert "Python objects" in text

    @pytest.mark.parametrize("form", [(), (12,), (12, 10), (12, 3, 10, 12), (12, 10, 12, 1, 1)])
    def test_images_of_another_shape(self, write_npz: Write, form: tuple[int, ...]) -> None:
        text = message(write_npz(train_images=np.zeros(form, np.uint8)))
        assert f"got {form}" in text
        assert "1 or 3 channels last" in text

    def test_images_too_small_to_learn_from(self, write_npz: Write) -> None:
        text = message(write_npz(form=(10, 7)))
        assert "at least 8 pixels high and wide, got 10 x 7" in text

    def test_an_empty_split(self, write_npz: Write) -> None:
        path = write_npz(
            val_images=np.zeros((0, 10, 12), np.uint8), val_labels=np.zeros(0, np.int64)
        )
        assert "val_images" in message(path)
        assert "at least one image, got none" in message(path)

    def test_sizes_that_differ_between_splits(self, write_npz: Write) -> None:
        text = message(write_npz(test_images=np.zeros((9, 10, 14), np.uint8)))
        assert "test_images" in text
        assert "got 10 x 14 and 10 x 12" in text

    def test_colour_in_one_split_only(self, write_npz: Write) -> None:
        text = message(write_npz(test_images=np.zeros((9, 10, 12, 3), np.uint8)))
        assert "got 10 x 12 x 3 and 10 x 12" in text

    def test_more_labels_than_images(self, write_npz: Write) -> None:
        text = message(write_npz(train_labels=np.zeros(13, np.int64)))
        assert "got 12 images and 13 labels" in text

    def test_several_labels_per_image(self, write_npz: Write) -> None:
        text = message(write_npz(train_labels=np.zeros((12, 14), np.int64)))
        assert "got 14 columns" in text
        assert "Turn one-hot labels into numbers" in text

    @pytest.mark.parametrize("form", [(), (12, 1, 1), (12, 0)])
    def test_labels_of_another_shape(self, write_npz: Write, form: tuple[int, ...]) -> None:
        assert f"got {form}" in message(write_npz(train_labels=np.zeros(form, np.int64)))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.5, -1, 1e300, 10_000])
    def test_labels_that_are_no_class_number(self, write_npz: Write, value: float) -> None:
        labels = np.arange(12) % 2 + 0.0
        labels[7] = value
        text = message(write_npz(train_labels=labels))
        assert "whole numbers from 0 to 9999" in text
        assert f"got {np.float64(value)} in row 7" in text

    def test_negative_whole_labels(self, write_npz: Write) -> None:
        labels = np.arange(9).astype(np.int8) % 2
        labels[2] = -3
        assert "got -3 in row 2" in message(write_npz(test_labels=labels))

    @pytest.mark.parametrize("dtype", ["U4", "S4", "c16", "M8[s]"])
    def test_labels_that_are_no_numbers(self, write_npz: Write, dtype: str) -> None:
        text = message(write_npz(train_labels=np.zeros(12, "i8").astype(dtype)))
        assert "must be whole class numbers" in text

    def test_one_class_only(self, write_npz: Write) -> None:
        assert "at least two classes" in message(write_npz(train_labels=np.ones(12, np.int64)))

    def test_labels_beyond_the_known_names(self, write_npz: Write) -> None:
        text = message(write_npz(class_names=np.array(["normal", "pneumonia"])))
        assert "must be from 0 to 1, got 2 in row 2 of train" in text

    @pytest.mark.parametrize(
        "names", [["a", "a", "b"], ["a", "", "c"], [["a", "b", "c"]], [1, 2, 3], []]
    )
    def test_class_names_that_do_not_tell_classes_apart(
        self, write_npz: Write, names: list[Any]
    ) -> None:
        assert "list of different texts" in message(write_npz(class_names=np.array(names)))

    def test_a_folder(self, data_root: Path) -> None:
        assert "must be a whole .npz archive" in message(data_root)

    def test_the_summary_refuses_the_same_headers(self, write_npz: Write) -> None:
        path = write_npz(train_images=np.zeros((12, 10, 12), np.float32))
        with pytest.raises(DatasetError, match="save them as uint8"):
            summarise_npz(path)
