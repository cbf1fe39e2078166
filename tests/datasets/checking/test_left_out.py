"""Copies left out of val and test: which, that train stays, and that a run remembers it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import dataset_report, load_configured, load_dataset
from coreset_lib.datasets.checking import copies, left_out
from coreset_lib.datasets.checking.left_out import without_copies
from coreset_lib.datasets.checking.sizes import suggest_size
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]


def pictures(*marks: int) -> np.ndarray:
    """Return pictures of noise, equal where the marks are."""
    return np.array(
        [np.random.default_rng(mark).integers(0, 256, (28, 28), np.uint8) for mark in marks]
    )


@pytest.fixture
def leaking(make_dataset):
    """A set with one copy of train in val, and in test one of train and one of val."""
    mirrored = pictures(3)[:, :, ::-1]
    return make_dataset(
        (pictures(1, 2, 3, 4), [0, 1, 0, 1]),
        (np.concatenate([pictures(10, 11), mirrored]), [0, 1, 0]),
        (np.concatenate([pictures(20, 1, 11), pictures(21)]), [0, 0, 1, 1]),
    )


def test_val_and_test_lose_what_train_and_val_hold(leaking) -> None:
    found = without_copies(leaking)
    assert list(found.train.sample_ids) == list(leaking.train.sample_ids)
    assert list(found.val.sample_ids) == ["val-00000", "val-00001"]
    assert list(found.test.sample_ids) == ["test-00000", "test-00003"]
    np.testing.assert_array_equal(found.test.images, leaking.test.images[[0, 3]])
    assert found.test.labels.tolist() == [0, 1]
    assert found.fingerprint() != leaking.fingerprint()
    assert dataset_report(found).known == {"val": 0, "test": 0}
    assert dataset_report(leaking).known == {"val": 1, "test": 1}


def test_a_set_without_copies_stays_as_it_is(make_dataset) -> None:
    dataset = make_dataset(*((pictures(n, n + 1), [0, 1]) for n in (1, 3, 5)))
    assert without_copies(dataset) is dataset


def test_a_split_must_not_become_empty(make_dataset) -> None:
    dataset = make_dataset((pictures(1, 2), [0, 1]), (pictures(3), [0]), (pictures(1, 2), [0, 1]))
    with pytest.raises(DatasetError, match="test of made must keep an image, got none: all 2"):
        without_copies(dataset)


def test_copies_are_searched_for_once(leaking, cache: Path, monkeypatch) -> None:
    first = left_out.known_groups(leaking, cache=cache)

    def fail(dataset):
        raise AssertionError("searched again")

    monkeypatch.setattr(left_out, "copy_groups", fail)
    again = left_out.known_groups(leaking, cache=cache)
    for column in ("group", "exact", "part"):
        np.testing.assert_array_equal(getattr(first, column), getattr(again, column))


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_cache_is_searched_anew(leaking, cache: Path, content: bytes) -> None:
    expected = left_out.known_groups(leaking, cache=cache)
    (path,) = (cache / "copies").iterdir()
    path.write_bytes(content)
    found = left_out.known_groups(leaking, cache=cache)
    np.testing.assert_array_equal(found.group, expected.group)


def test_files_keep_their_samples(data_root: Path, write_image: Write) -> None:
    marks = {"train": range(20), "val": (0, 30, 31), "test": (40, 1, 41)}
    for part, numbers in marks.items():
        for place, mark in enumerate(numbers):
            target = data_root / "set" / part / "ab"[place % 2] / f"{mark:02d}.png"
            write_image(target, pictures(mark)[0])
    dataset = load_dataset(data_root / "set", leave_copies_out=True)
    assert dataset.origin is not None
    splits = (dataset.train, dataset.val, dataset.test)
    names = [source for split in splits for source in split.sources]
    assert len(names) == 24
    for record in dataset.origin.files:
        ((_, row),) = record.rows
        assert record.path.endswith(names[row])
    note = "1 of 3 val and 1 of 3 test images were left out as copies of images in train or val."
    assert note in dataset.origin.notes


def test_a_run_reads_its_data_as_it_was_chosen(data_root: Path, write_image: Write) -> None:
    lines = ["scan,kind,block"]
    for number in range(60):
        write_image(data_root / f"{number}.png", pictures(number % 55)[0])
        lines.append(f"{number},{'ab'[number % 2]},{number // 3}")
    (data_root / "t.csv").write_text("\n".join(lines))
    config = TrainingConfig(
        dataset=str(data_root / "t.csv"),
        path_column="scan",
        label_column="kind",
        ending=".png",
        group_by="block",
        leave_copies_out=True,
    )
    dataset = load_configured(TrainingConfig.from_dict(config.as_dict()))
    assert dataset.class_names == ("a", "b")
    assert dataset.origin is not None
    assert "Grouped by block: 20 groups, largest 3." in dataset.origin.notes


def test_an_older_configuration_reads_as_before() -> None:
    older = {
        name: value
        for name, value in TrainingConfig(dataset="phantom").as_dict().items()
        if name not in ("group_by", "leave_copies_out", "label_column", "blank")
    }
    assert TrainingConfig.from_dict(older) == TrainingConfig(dataset="phantom")


@pytest.mark.parametrize(
    ("sides", "image_size", "suggested"),
    [((110, 300), 28, 0), ((120, 120), 28, 64), ((2487, 2048), 28, 224), ((300, 300), 64, 128)],
)
def test_a_size_is_suggested_where_originals_are_four_times_as_large(
    data_root: Path,
    write_image: Write,
    sides: tuple[int, int],
    image_size: int,
    suggested: int,
) -> None:
    for number in range(20):
        pixels = np.zeros(sides, np.uint8)
        pixels[: number + 3, : 2 * number + 3] = 200
        write_image(data_root / "set" / "ab"[number % 2] / f"{number}.png", pixels)
    assert suggest_size(load_dataset(data_root / "set", image_size=image_size)) == suggested


def test_groups_know_their_splits(leaking) -> None:
    groups = copies.copy_groups(leaking)
    assert groups.is_known(0, 1).tolist() == [False, False, True]
    assert groups.is_known(0, 2).tolist() == [False, True, False, False]
    assert groups.is_known(1, 2).tolist() == [False, False, True, False]
