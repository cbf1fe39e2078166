"""Lists of samples in a file."""

import pytest

from coreset_lib.datasets.sample_lists import read_sample_list
from coreset_lib.errors import CoresetError


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"a\nb\n", ("a", "b")),
        (b"\xef\xbb\xbfa\r\n\r\n b, c \r\na\r\n", ("a", "b, c")),
        (b'index,sample_id,label\n0,a,1\n4,"b, c",0\n', ("a", "b, c")),
        (b"sample_id\nx\n", ("x",)),
        (b"rank, sample_id\n1,a\n2\n", ("a",)),
    ],
)
def test_reads_lines_and_tables(tmp_path, content, ids):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    assert read_sample_list(path) == ids


@pytest.mark.parametrize("content", [b"", b"\n \n", b"sample_id\n", b"sample_id,rank\n,1\n"])
def test_refuses_a_list_of_nobody(tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(CoresetError, match="names no sample"):
        read_sample_list(path)


def test_refuses_what_is_no_text(tmp_path):
    path = tmp_path / "list.png"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(CoresetError, match="must be text in UTF-8"):
        read_sample_list(path)
    for unreadable in (tmp_path, tmp_path / "gone"):
        with pytest.raises(CoresetError, match="cannot be read"):
            read_sample_list(unreadable)
