"""Files that are either whole or absent."""

import io
import json
import os
import stat

import numpy as np
import pandas as pd
import pytest

from coreset_lib.atomic import (
    csv_bytes,
    replacing,
    write_array,
    write_bytes,
    write_json,
)


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"ü": 1})
    write_json(path, {"ü": 2})
    assert json.loads(path.read_text()) == {"ü": 2}
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_at_the_end_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npy"
    write_array(path, np.arange(3))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_array(path, np.arange(4))
    assert np.load(path).tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["a\rb", "a\r\nb", "a\nb", '"', "a,b", "\r"])
def test_a_cell_with_a_line_end_stays_one_cell(name):
    content = csv_bytes(pd.DataFrame({"index": [0, 1], "sample_id": [name, "plain"]}))
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False)
    assert table["sample_id"].tolist() == [name, "plain"]
    assert table["index"].tolist() == [0, 1]
    assert content.endswith(b"\n")


def test_plain_tables_have_no_more_quotes_than_they_need():
    content = csv_bytes(pd.DataFrame({"index": [0], "sample_id": ["plain"]}))
    assert content == b"index,sample_id\n0,plain\n"
