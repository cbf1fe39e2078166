"""Files that a person asked for: whole or absent, and never in the place of something else."""

import os
import stat
from pathlib import Path

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.outputs import check_output, new_folder, write_output, write_outputs
from coreset_lib.system.privacy import private_files

TABLE = b"index,sample_id,label\n0,a,1\n"


def test_an_output_through_a_link_lands_where_the_link_leads(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_output(tmp_path / "link.csv", b"x")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"x"


def test_devices_and_folders_are_refused_and_not_replaced(tmp_path):
    for path in (tmp_path, tmp_path / "..", Path(os.devnull)):
        with pytest.raises(CoresetError, match=r"must be a file, got a folder or device"):
            write_output(path, b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("hindered", ["core.csv", "core.provenance.json"])
def test_of_a_pair_both_are_written_or_none(tmp_path, hindered):
    pair = {tmp_path / "core.csv": TABLE, tmp_path / "core.provenance.json": b"{}"}
    for path, content in pair.items():
        path.write_bytes(content + b" ")
    (tmp_path / hindered).unlink()
    (tmp_path / hindered).mkdir()
    with pytest.raises(CoresetError, match="must be a file"):
        write_outputs(pair)
    (other,) = (path for path in pair if path.name != hindered)
    assert other.read_bytes() == pair[other] + b" "
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_fills_up_with_the_second_leaves_the_first_as_it_was(tmp_path, monkeypatch):
    core, beside = tmp_path / "core.csv", tmp_path / "core.json"
    write_outputs({core: TABLE, beside: b"{}"})
    calls = iter([None, OSError(28, "No space left on device")])

    def fill_up(file):
        error = next(calls)
        if error:
            raise error

    monkeypatch.setattr("coreset_lib.outputs.flush", fill_up)
    with pytest.raises(CoresetError, match="No space left"):
        write_outputs({core: TABLE + b"1,b,2\n", beside: b'{"a": 1}'})
    assert (core.read_bytes(), beside.read_bytes()) == (TABLE, b"{}")
    assert sorted(tmp_path.iterdir()) == [core, beside]


@pytest.mark.parametrize("name", ["review.sqlite3", "runs/a/manifest.json", "runs/a/samples.csv"])
def test_nothing_in_a_cache_is_replaced(tmp_path, name):
    for kept in ("review.sqlite3", "runs/a/manifest.json", "runs/a/samples.csv"):
        (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / kept).write_bytes(TABLE)
    with pytest.raises(CoresetError, match="must not replace what is kept in the cache"):
        write_output(tmp_path / name, TABLE)
    (tmp_path / "link.csv").symlink_to(tmp_path / name)
    with pytest.raises(CoresetError, match="kept in the cache"):
        write_output(tmp_path / "link.csv", TABLE)
    assert (tmp_path / name).read_bytes() == TABLE


@pytest.mark.parametrize(
    "there",
    [
        b"sample_id,label\na,1\n",
        b"PK\x03\x04...",
        b"\x93NUMPY\x01\x00",
        b"SQLite format 3\0",
        b"{}",
        b"#!/bin/sh\n",
        b"a poem",
        b"\xff\xd8\xff\xe0\0",
    ],
)
def test_a_file_of_another_kind_is_not_replaced(tmp_path, there):
    path = tmp_path / "core.csv"
    path.write_bytes(there)
    with pytest.raises(CoresetError, match="must be new or a table that begins with index, sample"):
        write_output(path, TABLE)
    assert path.read_bytes() == there


@pytest.mark.parametrize("there", [b"", TABLE, b"\xef\xbb\xbfindex,sample_id,eva\r\n"])
def test_a_file_of_the_same_kind_is_replaced(tmp_path, there):
    path = tmp_path / "core.csv"
    path.write_bytes(there)
    write_output(path, TABLE)
    assert path.read_bytes() == TABLE


def test_an_output_is_checked_before_the_work(tmp_path):
    with pytest.raises(CoresetError, match="No such file or directory"):
        check_output(tmp_path / "absent" / "core.csv")
    (tmp_path / "core.csv").write_bytes(b"a poem")
    with pytest.raises(CoresetError, match="must be new or a table"):
        check_output(tmp_path / "core.csv", like=b"index,sample_id")
    assert check_output(tmp_path / "new.csv") == tmp_path / "new.csv"


def fill(out):
    """Fill a folder as an export does."""
    with new_folder(out) as folder:
        (folder / "train").mkdir()
        (folder / "train" / "a.png").write_bytes(b"x")
        (folder / "link").symlink_to(out.parent / "secret")
        assert not (out / "train").exists()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_is_whole_and_has_the_modes_that_others_of_its_user_have(tmp_path, is_there):
    out = tmp_path / "deep" / "out"
    (tmp_path / "deep").mkdir(mode=0o755)
    secret = tmp_path / "deep" / "secret"
    secret.touch(mode=0o600)
    if is_there:
        out.mkdir(mode=0o755)
    before = out.stat().st_ino if is_there else None
    umask = os.umask(0o022)
    try:
        with private_files():
            fill(out)
    finally:
        os.umask(umask)
    assert sorted(path.name for path in out.iterdir()) == ["link", "train"]
    assert before in (None, out.stat().st_ino)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (out, *out.rglob("*"))}
    assert modes == {"out": 0o755, "train": 0o755, "a.png": 0o644, "link": 0o600}
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["out", "secret"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_that_cannot_be_filled_is_left_as_it_was(tmp_path, is_there):
    out = tmp_path / "out"
    if is_there:
        out.mkdir()
    with pytest.raises(FileNotFoundError), new_folder(out) as folder:
        (folder / "half").touch() or (folder / "no" / "such").touch()
    assert list(tmp_path.rglob("*")) == ([out] if is_there else [])


def test_a_folder_with_files_is_refused_and_kept(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(CoresetError, match="must be empty"), new_folder(tmp_path):
        raise AssertionError("nothing is written")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
