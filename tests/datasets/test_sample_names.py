import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.datasets.sample_names import RowNames, row_ids


def test_ids_are_padded_to_five_digits() -> None:
    assert row_ids("train", 18)[17] == "train-00017"


def test_ids_of_a_large_split_get_the_digits_they_need() -> None:
    assert row_ids("test", 1_000_001)[-1] == "test-1000000"


@given(st.integers(1, 2000))
def test_sorting_ids_keeps_file_order(count: int) -> None:
    ids = list(row_ids("train", count))
    assert ids == sorted(ids)
    assert len(set(ids)) == count


def test_names_behave_as_the_list_they_stand_for() -> None:
    names = RowNames("row {}", 5)
    written = ["row 0", "row 1", "row 2", "row 3", "row 4"]
    assert list(names) == written
    assert names[-1] == written[-1]
    assert names[1:4] == written[1:4]
    assert names[::-2] == written[::-2]
    assert "row 3" in names
    assert names.index("row 3") == 3


def test_a_row_past_the_end_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        RowNames("row {}", 5)[5]


def test_equal_names_are_equal_after_pickling_and_hash_alike() -> None:
    names = RowNames("row {}", 5)
    again = pickle.loads(pickle.dumps(names))
    assert again == names
    assert hash(again) == hash(names)
    assert names != RowNames("row {}", 6)
    assert names != ["row 0"]


def test_a_million_names_are_described_in_one_line() -> None:
    assert repr(row_ids("train", 1_000_000)) == "RowNames('train-{:06d}', 1000000)"
