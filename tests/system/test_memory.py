"""Memory is compared with what is there before it is taken."""

import threading

import pytest
from PIL import Image

from coreset_lib.datasets.files.contract import DecodeOptions, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.preparing.decode_pool import share_memory
from coreset_lib.datasets.sources.npz.file import load_npz
from coreset_lib.errors import DatasetError
from coreset_lib.system import memory
from coreset_lib.system.memory import available_memory, fits, room_for

GIGABYTE = 10**9


@pytest.fixture
def let_be_free(monkeypatch):
    """Return ``let_be_free(n_bytes)``, which leaves this process so much memory."""

    def let(n_bytes):
        monkeypatch.setattr(memory, "_of_the_machine", lambda: int(n_bytes / 0.9) + 1)
        monkeypatch.setattr(memory, "_of_the_container", lambda: None)

    return let


def test_what_is_there_is_the_least_that_machine_and_container_give(tmp_path, monkeypatch):
    assert available_memory() > 0
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 100000\n")
    assert available_memory() == 450_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() > 450_000


def test_more_than_there_is_is_refused_and_nothing_stays_claimed(let_be_free):
    let_be_free(2 * GIGABYTE)
    assert fits(2 * GIGABYTE)
    assert not fits(3 * GIGABYTE)
    with pytest.raises(MemoryError), room_for(3 * GIGABYTE):
        raise AssertionError("there is no room")
    with room_for(2 * GIGABYTE):
        pass


def test_claims_that_do_not_fit_together_take_turns(let_be_free):
    let_be_free(3 * GIGABYTE)
    at_once, most = [], []

    def take():
        with room_for(2 * GIGABYTE):
            at_once.append(1)
            most.append(len(at_once))
            at_once.pop()

    with room_for(2 * GIGABYTE):
        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        threads[0].join(0.2)
        assert not most
    for thread in threads:
        thread.join(30)
    assert most == [1, 1, 1, 1]


def test_an_image_that_needs_too_much_is_told_before_it_is_decoded(tmp_path, let_be_free):
    path = tmp_path / "large.png"
    Image.new("RGBA", (2000, 2000)).save(path)
    let_be_free(100_000_000)
    with pytest.raises(UnreadableFile, match="needs more memory than there is"):
        list(decode_file(str(path), DecodeOptions()))
    let_be_free(GIGABYTE)
    assert len(list(decode_file(str(path), DecodeOptions()))) == 1


def test_an_archive_that_unpacks_to_more_than_there_is_is_told(write_large, let_be_free):
    let_be_free(50_000_000)
    with pytest.raises(DatasetError, match=r"must fit into memory, of which 0\.1 GB are free, got"):
        load_npz(write_large)
    let_be_free(GIGABYTE)
    assert len(load_npz(write_large).train) == 120_000


@pytest.fixture
def write_large(tmp_path):
    """A small file whose images unpack to some 100 MB."""
    import numpy as np

    sizes = {"train": 120_000, "val": 10, "test": 10}
    arrays = {f"{part}_images": np.zeros((n, 28, 28), np.uint8) for part, n in sizes.items()}
    arrays |= {f"{part}_labels": np.arange(n) % 2 for part, n in sizes.items()}
    np.savez_compressed(tmp_path / "bomb.npz", **arrays)
    assert (tmp_path / "bomb.npz").stat().st_size < 2_000_000
    return tmp_path / "bomb.npz"


@pytest.mark.parametrize("free", [GIGABYTE // 2, 3 * GIGABYTE, 100 * GIGABYTE])
def test_decoders_together_take_no_more_than_there_is(let_be_free, free):
    let_be_free(free)
    n_processes, each = share_memory(8)
    assert 1 <= n_processes <= 8
    assert n_processes * each <= max(free + 10, 2**29)
