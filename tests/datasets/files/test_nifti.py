"""NIfTI volumes: slices, their orientation and window, and files that are no such volume."""

import contextlib
import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pytest

from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.files import nifti
from coreset_lib.datasets.files.contract import DecodeOptions, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.files.original import read_original

Voxels = np.ndarray[Any, Any]
PLAIN = np.eye(4)


def write(path: Path, voxels: Voxels, affine: Any = PLAIN, **header: Any) -> Path:
    """Write a volume; keyword arguments are fields of its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(voxels, affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def frames(path: Path, size: int = 12, window: str = "file") -> list[Voxels]:
    options = DecodeOptions(image_size=size, grey_window=window)
    return [image for image, _ in decode_file(str(path), options)]


def reason(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        frames(path)
    return str(caught.value)


def ramp(*form: int) -> Voxels:
    return np.arange(np.prod(form), dtype=np.int16).reshape(form)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_each_slice_from_foot_to_head_is_an_image(tmp_path: Path, name: str) -> None:
    voxels = np.zeros((12, 12, 9), np.uint8)
    voxels[1, 2, 3] = 255  # left by one, back by two, third from the feet
    images = frames(write(tmp_path / name, voxels))
    assert len(images) == 9
    assert [int(image.max()) for image in images] == [0, 0, 0, 255, 0, 0, 0, 0, 0]
    row, column = np.argwhere(images[3] == 255)[0]
    assert (row, column) == (12 - 1 - 2, 12 - 1 - 1)  # front above, patient's right on the left


def test_a_volume_stored_in_another_orientation_gives_the_same_images(tmp_path: Path) -> None:
    voxels = np.random.default_rng(3).integers(0, 256, (12, 12, 9), dtype=np.uint8)
    turned = nibabel.as_closest_canonical(nibabel.Nifti1Image(voxels, PLAIN)).as_reoriented(
        np.array([[2, -1], [0, 1], [1, -1]])
    )
    nibabel.save(turned, tmp_path / "turned.nii.gz")
    plain = frames(write(tmp_path / "plain.nii", voxels))
    assert turned.shape != voxels.shape
    np.testing.assert_array_equal(frames(tmp_path / "turned.nii.gz"), plain)


def test_slices_lie_across_the_widest_spacing(tmp_path: Path) -> None:
    path = write(tmp_path / "sagittal.nii", ramp(9, 12, 12), np.diag([5.0, 1, 1, 1]))
    assert len(frames(path)) == 9


def test_all_slices_share_the_window_of_the_volume(tmp_path: Path) -> None:
    voxels = np.zeros((12, 12, 3), np.int16)
    voxels[..., 1], voxels[..., 2] = 500, 1000
    path = write(tmp_path / "steps.nii", voxels)
    assert [int(image.max()) for image in frames(path)] == [0, 128, 255]
    with_window = write(tmp_path / "window.nii", voxels, cal_min=0, cal_max=500)
    assert [int(image.max()) for image in frames(with_window)] == [0, 255, 255]
    assert [int(image.max()) for image in frames(with_window, window="range")] == [0, 128, 255]


def test_slope_and_intercept_give_the_values_of_the_modality(tmp_path: Path) -> None:
    voxels = np.zeros((12, 12, 2), np.int16)
    voxels[..., 1] = 100
    image = nibabel.Nifti1Image(voxels, PLAIN)
    image.header.set_slope_inter(2, -1000)
    path = tmp_path / "ct.nii"
    nibabel.save(image, path)
    raw = bytearray(path.read_bytes())  # the writer scales voxels by itself: put them back
    raw[112:120] = np.array([2, -1000], "<f4").tobytes()
    raw[352:] = voxels.tobytes(order="F")
    path.write_bytes(raw)
    facts = [fact for _, fact in decode_file(str(path), DecodeOptions(image_size=12))]
    assert [(fact.low, fact.high) for fact in facts] == [(-1000, -1000), (-800, -800)]


def test_a_file_cut_short_is_refused_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "short.nii", ramp(12, 12, 9))
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr(nifti, "room_for", lambda _: pytest.fail("memory was taken"))
    assert reason(path) == "is cut short"


def test_a_packed_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "short.nii.gz", ramp(12, 12, 9))
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(whole[:-100]))
    assert reason(path) == "is cut short"
    path.write_bytes(gzip.compress(whole)[:-100])
    assert reason(path) == "is cut short"


def test_a_header_that_declares_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = bytearray(gzip.decompress(write(tmp_path / "a.nii.gz", ramp(12, 12, 9)).read_bytes()))
    raw[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    monkeypatch.setattr(nifti, "room_for", lambda _: pytest.fail("memory was taken"))
    assert reason(tmp_path / "a.nii.gz") == "has more than 500 million voxels"


@pytest.mark.parametrize(
    ("voxels", "header", "words"),
    [
        (np.zeros((12, 12, 9, 4), np.int16), {}, "holds 4 volumes, where one is read"),
        (np.zeros((12, 12, 9), np.complex64), {}, "holds colours or complex numbers"),
        (np.zeros((12, 12, 9), np.uint8), {"intent_code": 1002}, "is a label volume"),
        (np.full((12, 12, 9), np.nan, np.float32), {}, "has voxels that are no numbers"),
        (np.zeros((12, 5, 5), np.uint8), {}, "fewer than 8 on a side"),
    ],
)
def test_volumes_that_are_no_images_are_told_in_a_sentence(
    tmp_path: Path, voxels: Voxels, header: dict[str, Any], words: str
) -> None:
    assert words in reason(write(tmp_path / "odd.nii.gz", voxels, **header))


def test_any_damaged_byte_gives_images_or_a_sentence(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.nii", ramp(12, 12, 3)).read_bytes()
    rng = np.random.default_rng(16)
    for number in range(300):
        raw = bytearray(whole)
        for place in rng.integers(0, 352, int(rng.integers(1, 6))):
            raw[place] = rng.integers(256)
        path = tmp_path / f"{number}.nii"
        path.write_bytes(bytes(raw[: int(rng.integers(1, len(raw) + 1))] if number % 3 else raw))
        with contextlib.suppress(UnreadableFile):  # any other error fails the test
            assert all(image.shape == (12, 12) for image in frames(path))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Six volumes of two classes, a mask beside each."""
    rng = np.random.default_rng(5)
    for number in range(6):
        place = tmp_path / "scans" / ("tumour", "healthy")[number % 2]
        voxels = rng.integers(0, 1000, (12, 12, 4)).astype(np.int16)
        write(place / f"case_{number}_t1.nii.gz", voxels)
        write(place / f"case_{number}_seg.nii.gz", (voxels > 500).astype(np.uint8))
    return tmp_path / "scans"


def test_a_folder_of_volumes_becomes_slices_that_stay_together(scans: Path) -> None:
    dataset = load_dataset(str(scans), image_size=28)
    splits = (dataset.train, dataset.val, dataset.test)
    assert sum(map(len, splits)) == 6 * 4
    volumes = [{source.split("#")[0] for source in split.sources} for split in splits]
    assert sum(map(len, volumes)) == len(set.union(*volumes)) == 6
    assert all(name.endswith("_t1.nii.gz") for name in set.union(*volumes))
    assert dataset.origin is not None
    assert any("6 files look like masks" in text for text in dataset.origin.concerns)


def test_a_table_finds_volumes_by_their_names_without_ending(scans: Path) -> None:
    rows = [(f"case_{n}_t1", ("tumour", "healthy")[n % 2]) for n in range(6)]
    table = scans.parent / "labels.csv"
    pd.DataFrame(rows, columns=["image", "label"]).to_csv(table, index=False)
    dataset = load_dataset(str(table), image_size=28)
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 24


def test_the_original_of_a_slice_is_shown_in_full(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    for number in range(6):
        voxels = rng.integers(0, 1000, (12, 12, 4)).astype(np.int16)
        write(tmp_path / "set" / "ab"[number % 2] / f"{number}.nii", voxels)
    dataset = load_dataset(str(tmp_path / "set"), image_size=28)
    assert dataset.origin is not None
    record, frame = dataset.origin.places[1]
    original = read_original(record, frame)
    stored = np.asarray(nibabel.load(record.path).dataobj)  # pyright: ignore
    np.testing.assert_array_equal(original.values, stored[::-1, ::-1, frame].T)
    assert original.has_wide_values


def test_voxels_are_read_and_not_mapped(tmp_path: Path) -> None:
    path = tmp_path / "volume.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 10, 11), np.int16), np.eye(4)), path)
    part: Any = nifti.read_volume(str(path)).stored
    while part is not None:
        assert not isinstance(part, np.memmap)
        part = getattr(part, "base", None)
