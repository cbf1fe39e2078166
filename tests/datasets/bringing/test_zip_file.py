"""ZIP files: what is in them is unpacked into the cache, and nothing anywhere else."""

import io
import os
import stat
import struct
import tempfile
import zipfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from coreset_lib.cache import allowed_roots, unpacked_folder
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.bringing import zip_file
from coreset_lib.datasets.bringing.zip_file import remove_unpacked, unpack, unpacked_here
from coreset_lib.errors import CoresetError, DatasetError

Usage = namedtuple("Usage", "total used free")


def zipped(files, *, compression=zipfile.ZIP_DEFLATED):
    """Return a ZIP file of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def png(number):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def images(prefix=""):
    return {f"{prefix}{'ab'[n % 2]}/{n:03d}.png": png(n) for n in range(60)}


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


SMALL_ZIP = zipped({"a/1.png": b"one" * 40, "b/2.png": b"two" * 40, "list.csv": b"path"}).getvalue()


@pytest.mark.parametrize("prefix", ["", "cells/", "export/2026/cells/"])
def test_images_in_folders_are_read_like_a_folder(tmp_path, prefix):
    found = unpack(zipped(images(prefix)), "my cells.zip", cache=tmp_path)
    assert found.folder.name == "my_cells"
    dataset = load_dataset(str(found.dataset), cache=tmp_path)
    assert dataset.class_names == ("a", "b")
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 60
    assert files_below(found.dataset) == sorted(images())


def test_a_table_beside_its_images_is_found(tmp_path):
    lines = [f"images/{n:03d}.png,{'ab'[n % 2]}" for n in range(60)]
    files = {f"images/{n:03d}.png": png(n) for n in range(60)}
    files["list.csv"] = "\n".join(["path,label", *lines])
    found = unpack(zipped(files), "scans.zip", cache=tmp_path)
    assert found.dataset.name == "list.csv"
    assert load_dataset(str(found.dataset), cache=tmp_path).class_names == ("a", "b")


def test_a_table_beside_folders_of_classes_is_not_taken_for_the_data(tmp_path):
    found = unpack(zipped({**images(), "readme.csv": "x,y\n1,2\n"}), "s.zip", cache=tmp_path)
    assert found.dataset == found.folder


def test_the_files_of_a_dicom_medium_are_read(tmp_path, write_dicom):
    random = np.random.default_rng(0)
    files = {"DICOMDIR": b"an index of the medium"}
    for number in range(40):
        path = tmp_path / "medium" / f"{number}"
        write_dicom(path, random.integers(0, 4096, (28, 28), np.uint16), PatientID=f"P{number}")
        files[f"{('nodule', 'normal')[number % 2]}/IM{number:04d}"] = path.read_bytes()
    found = unpack(zipped(files), "medium.zip", cache=tmp_path)
    dataset = load_dataset(str(found.dataset), cache=tmp_path)
    assert dataset.class_names == ("nodule", "normal")
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 40


def test_what_systems_add_and_links_stay_out(tmp_path):
    files = {**images(), "__MACOSX/a/._000.png": b"x", "a/.DS_Store": b"x", "b/._001.png": b"x"}
    buffer = zipped(files)
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("a/secret.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = unpack(buffer, "s.zip", cache=tmp_path)
    assert files_below(found.folder) == sorted(images())


def test_the_same_file_is_unpacked_once_and_can_be_removed(tmp_path):
    first = unpack(zipped(images()), "s.zip", cache=tmp_path)
    kept = first.folder / "a" / "000.png"
    stamp = kept.stat().st_ino
    assert unpack(zipped(images()), "s.zip", cache=tmp_path) == first
    assert kept.stat().st_ino == stamp
    assert unpacked_here(tmp_path) == [first.folder]
    remove_unpacked(first.folder, cache=tmp_path)
    assert unpacked_here(tmp_path) == []
    assert files_below(tmp_path) == []
    with pytest.raises(CoresetError, match="no unpacked ZIP file"):
        remove_unpacked(tmp_path, cache=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_is_unpacked_is_for_its_owner_only(tmp_path):
    unpack(zipped(images()), "s.zip", cache=tmp_path)
    assert stat.S_IMODE(unpacked_folder(tmp_path).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "a/../../evil.png", "/evil.png", "..\\evil.png", "C:\\evil.png", "C:evil.png"],
)
def test_nothing_is_written_outside(tmp_path, name):
    cache = tmp_path / "deep" / "cache"
    with pytest.raises(DatasetError, match="names a file outside of itself"):
        unpack(zipped({**images(), name: b"evil"}), "s.zip", cache=cache)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def damaged(content):
    content[len(content) // 3 : len(content) // 3 + 400] = b"\0" * 400
    return content


def protected(content):
    """Say of every file that it is encrypted, in both places where a ZIP file says so."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            (flags,) = struct.unpack_from("<H", content, start + place)
            struct.pack_into("<H", content, start + place, flags | 1)
            start += 4
    return content


def strange(content):
    """Say of every file that it is compressed by a method that nobody knows."""
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            struct.pack_into("<H", content, start + place, 99)
            start += 4
    return content


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, "is damaged, or is none"),
        (lambda content: content[: len(content) // 2], "is damaged, or is none"),
        (lambda _: bytearray(b"no zip at all"), "is damaged, or is none"),
        (lambda _: bytearray(), "is damaged, or is none"),
        (protected, "is protected by a password"),
        (strange, "compressed in a way that cannot be read"),
    ],
)
def test_what_cannot_be_unpacked_is_one_sentence_and_leaves_nothing(tmp_path, spoil, said):
    content = spoil(bytearray(zipped(images()).getvalue()))
    with pytest.raises(DatasetError, match=said):
        unpack(io.BytesIO(bytes(content)), "s.zip", cache=tmp_path)
    assert files_below(tmp_path) == []
    assert unpacked_here(tmp_path) == []


@pytest.mark.parametrize("files", [{}, {"__MACOSX/x": b"x"}])
def test_an_empty_archive_is_told(tmp_path, files):
    with pytest.raises(DatasetError, match="holds no file"):
        unpack(zipped(files), "s.zip", cache=tmp_path)


def test_a_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_file.shutil, "disk_usage", lambda _: Usage(0, 0, 501_000_000))
    with pytest.raises(DatasetError, match=r"needs 0\.0 GB when unpacked"):
        unpack(zipped({"a/0.png": b"\0" * 2_000_000}), "s.zip", cache=tmp_path)
    assert files_below(tmp_path) == []


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path):
    content = bytearray(zipped({"a/0.png": b"\0" * 5_000_000}).getvalue())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.find(mark) + place, 10)
    with pytest.raises(DatasetError, match="is damaged"):
        unpack(io.BytesIO(bytes(content)), "s.zip", cache=tmp_path)
    assert files_below(tmp_path) == []


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zip_file, "_copy", full)
    with pytest.raises(DatasetError, match=r"No space left on device\. Free some"):
        unpack(zipped(images()), "s.zip", cache=tmp_path)
    assert files_below(tmp_path) == []


def test_what_a_killed_program_left_goes_after_a_day(tmp_path):
    left = unpacked_folder(tmp_path) / ".abc.0123.part"
    for age in (0, 2 * 24 * 3600):
        (left / "s").mkdir(parents=True)
        moment = left.stat().st_mtime - age
        os.utime(left, (moment, moment))
        unpack(zipped({f"{age}.png": b"x"}), "s.zip", cache=tmp_path)
        assert left.exists() == (age == 0)
        if age == 0:
            (left / "s").rmdir()
            left.rmdir()
    assert len(unpacked_here(tmp_path)) == 2


def test_names_that_collide_are_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match="a file and a folder of one name"):
        unpack(zipped({"a": b"x", "a/b": b"y"}), "s.zip", cache=tmp_path)
    with zipfile.ZipFile(twice := io.BytesIO(), "w") as archive:
        archive.writestr("a/1.png", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/1.png", b"y")
    with pytest.raises(DatasetError, match="twice"):
        unpack(twice, "s.zip", cache=tmp_path)


def test_what_was_unpacked_may_be_read_by_the_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("CORESET_LENS_CACHE", str(tmp_path))
    assert allowed_roots() == ()
    found = unpack(zipped(images()), "s.zip", cache=tmp_path)
    dataset = load_dataset(str(found.dataset), cache=tmp_path, roots=allowed_roots())
    assert dataset.n_classes == 2


@given(data=st.data())
@settings(max_examples=int(60 * float(os.environ.get("CORESET_LENS_FUZZ", 1))), deadline=None)
def test_whatever_is_changed_in_a_zip_file_it_is_unpacked_inside_or_told(data):
    content = bytearray(SMALL_ZIP)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place, "deep", "cache")
        said, below = "", ""
        try:
            found = unpack(io.BytesIO(bytes(content)), "s.zip", cache=cache)
            below = str(found.folder.relative_to(place))
        except DatasetError as error:
            said = str(error)
        assert len(said.splitlines()) == (0 if below else 1)
        assert all(below and name.startswith(below) for name in files_below(Path(place)))
