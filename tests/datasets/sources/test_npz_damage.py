"""Archives cut short, altered or built to deceive: a DatasetError or a sound dataset."""

import contextlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.sources.npz.archive import NpzArchive
from coreset_lib.datasets.sources.npz.file import load_npz, summarise_npz
from coreset_lib.errors import DatasetError

Write = Callable[..., Path]

# A flipped byte in an array's header can read as one written by Python 2.
pytestmark = pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file:UserWarning")


def load_or_refuse(path: Path) -> LabeledImages | None:
    """Return the dataset, or None after a one-line DatasetError; all else is a failure."""
    with contextlib.suppress(DatasetError):
        summarise_npz(path)
    message = "none"
    try:
        return load_npz(path)
    except DatasetError as error:
        message = str(error)
    assert message.isprintable()
    return None


def assert_sound(dataset: LabeledImages) -> None:
    for split in (dataset.train, dataset.val, dataset.test):
        assert split.images.dtype == np.uint8
        assert len(split.images) == len(split.labels) > 0
        assert split.labels.min() >= 0
        assert split.labels.max() < dataset.n_classes


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_cut_short_anywhere_is_refused(write_npz: Write, compressed: bool) -> None:
    path = write_npz(compressed=compressed)
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole) - 1, 50)
    for place in {0, 1, len(whole) - 1, *places.tolist()}:
        path.write_bytes(whole[:place])
        assert load_or_refuse(path) is None


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("n_flips", [1, 8])
def test_altered_bytes_are_refused_or_harmless(
    write_npz: Write, compressed: bool, n_flips: int
) -> None:
    path = write_npz(compressed=compressed)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(n_flips)
    for _ in range(200):
        altered = whole.copy()
        places = rng.integers(0, len(whole), n_flips)
        altered[places] ^= rng.integers(1, 256, n_flips, dtype=np.uint8)
        path.write_bytes(altered.tobytes())
        dataset = load_or_refuse(path)
        if dataset is not None:
            assert_sound(dataset)


def test_every_altered_byte_of_the_directory_is_refused_or_harmless(write_npz: Write) -> None:
    path = write_npz()
    whole = path.read_bytes()
    start = whole.index(b"PK\x01\x02")
    for place in range(start, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        dataset = load_or_refuse(path)
        if dataset is not None:
            assert_sound(dataset)


def test_an_altered_pixel_is_found_by_the_checksum(write_npz: Write) -> None:
    path = write_npz(compressed=False)
    whole = bytearray(path.read_bytes())
    with NpzArchive(path) as archive:
        pixels = archive.read("train_images").tobytes()
    whole[whole.index(pixels)] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DatasetError, match="Bad CRC-32"):
        load_npz(path)


def test_bytes_after_the_archive_are_refused_or_harmless(write_npz: Write) -> None:
    path = write_npz()
    reference = load_npz(path).fingerprint()
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    dataset = load_or_refuse(path)
    assert dataset is None or dataset.fingerprint() == reference


def test_a_header_larger_than_its_data_allocates_nothing(data_root: Path) -> None:
    path = data_root / "vast.npz"
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 28, 28), }"
    header += b" " * (117 - len(header)) + b"\n"
    npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", npy)
    with NpzArchive(path) as archive, pytest.raises(DatasetError, match="size its header names"):
        archive.read("train_images")


def test_a_claimed_size_beyond_what_packing_can_reach_is_refused(write_npz: Write) -> None:
    path = write_npz()
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = (2**31).to_bytes(4, "little")
    path.write_bytes(whole)
    with pytest.raises(DatasetError, match="claims an impossible size"):
        load_npz(path)


def test_packing_that_numpy_does_not_write_is_refused(write_npz: Write) -> None:
    path = write_npz()
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DatasetError, match="packed in a way NumPy does not write"):
        load_npz(path)


def test_an_array_that_does_not_fit_into_memory_is_said_so(
    write_npz: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_npz()

    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("coreset_lib.datasets.sources.npz.archive.np.empty", refuse)
    with pytest.raises(DatasetError, match=r"must fit into memory.* got train_labels"):
        load_npz(path)
