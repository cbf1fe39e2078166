"""Tables of corrected labels, and a dataset that wears them."""

import numpy as np
import pytest

from coreset_lib.datasets.relabelling.label_tables import (
    apply_labels,
    keep_labels,
    kept_labels,
    load_labels,
    read_label_table,
    use_in_words,
)
from coreset_lib.errors import CoresetError, DatasetError


@pytest.fixture
def write(tmp_path):
    """Return ``write(text) -> path``."""

    def write(text, name="labels.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def other_class(dataset, index):
    """A class that the sample does not have."""
    return dataset.class_names[(int(dataset.train.labels[index]) + 1) % 3]


def test_labels_are_laid_over_and_the_dataset_stays_as_it_is(tiny_dataset, write):
    before = tiny_dataset.train.labels.copy()
    new = other_class(tiny_dataset, 5)
    table = write(f"sample_id,new\ntrain-00005,{new}\n")
    corrected = apply_labels(tiny_dataset, read_label_table(table))
    assert np.flatnonzero(corrected.train.labels != before).tolist() == [5]
    assert corrected.class_names[corrected.train.labels[5]] == new
    assert (tiny_dataset.train.labels == before).all()
    assert corrected.fingerprint() != tiny_dataset.fingerprint()


def test_a_name_that_a_spreadsheet_must_not_run_is_understood(tiny_dataset, write):
    table = write("sample_id,new\n'train-00005,'=liver\n")
    corrected = apply_labels(tiny_dataset, read_label_table(table))
    assert corrected.train.labels[5] == 1


def test_what_waits_for_a_second_reader_is_left_out(tiny_dataset, write):
    new = other_class(tiny_dataset, 5)
    rows = f"train-00005,{new},proposed\ntrain-00006,{other_class(tiny_dataset, 6)},confirmed\n"
    corrected = apply_labels(tiny_dataset, read_label_table(write("sample_id,new,status\n" + rows)))
    changed = corrected.train.labels != tiny_dataset.train.labels
    assert np.flatnonzero(changed).tolist() == [6]
    waiting = read_label_table(write(f"sample_id,new,status\ntrain-00005,{new},proposed\n"))
    with pytest.raises(DatasetError, match="at least one label that is decided for good"):
        apply_labels(tiny_dataset, waiting)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("train-99999,kidney,", "line 2 of labels: sample 'train-99999' is not in the training"),
        ("train-00005,lung,", "line 2 of labels: label must be one of kidney, =liver, spleen"),
        ("train-00005,kidney,{wrong}", "the old label of train-00005 must be"),
        ("train-00005,kidney,\ntrain-00005,spleen,", "has two labels, 'kidney' and 'spleen'"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(tiny_dataset, write, row, message):
    text = row.format(wrong=other_class(tiny_dataset, 5))
    with pytest.raises(DatasetError, match=message):
        apply_labels(tiny_dataset, read_label_table(write(f"sample_id,new,old\n{text}\n")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it has no column sample_id and new"),
        ("sample_id,old\na,b\n", "it has no column new"),
        (b"\xff\xfe\x00", "it is no CSV in UTF-8"),
        ("sample_id,new\na\n", "line 2 has 1 cells, its heading 2"),
        ("sample_id,new\n,kidney\n", "line 2 names no sample"),
        ('sample_id,new\n"a,kidney\n', "it is no CSV in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(write, content, message):
    with pytest.raises(CoresetError, match=message):
        read_label_table(write(content))


def test_a_table_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CoresetError, match="No such file"):
        read_label_table(tmp_path / "absent.csv")


def test_a_kept_table_is_found_by_its_content_and_not_if_it_was_changed(tmp_path, write):
    table = write("sample_id,new\na,b\n")
    digest = keep_labels(tmp_path / "cache", table)
    table.unlink()
    assert [row.new for row in load_labels(tmp_path / "cache", digest)] == ["b"]
    kept_labels(tmp_path / "cache", digest).write_text("sample_id,new\na,c\n")
    with pytest.raises(DatasetError, match="are not those that the run was started with"):
        load_labels(tmp_path / "cache", digest)
    kept_labels(tmp_path / "cache", digest).unlink()
    with pytest.raises(DatasetError, match=r"corrected labels .* cannot be read"):
        load_labels(tmp_path / "cache", digest)


def test_a_status_is_read_in_any_case_and_an_unknown_one_is_refused(write):
    rows = read_label_table(write("sample_id,new,status\na,b, Confirmed\n"))
    assert [row.status for row in rows] == ["confirmed"]
    with pytest.raises(CoresetError, match="line 2 has the status 'fine', which is none of"):
        read_label_table(write("sample_id,new,status\na,b,fine\n"))


@pytest.mark.parametrize("heading", ["new_label,label", "new,new", "New,NEW_LABEL"])
def test_two_columns_of_one_meaning_are_refused(write, heading):
    with pytest.raises(CoresetError, match="two columns of one meaning"):
        read_label_table(write(f"sample_id,{heading}\na,b,c\n"))


def test_what_is_left_out_is_said_with_its_reason(write):
    rows = "a,b,Confirmed\nc,d,proposed\ne,f,rejected\n"
    table = read_label_table(write("sample_id,new,status\n" + rows))
    assert use_in_words(table) == (
        "1 labels used, 2 rows left out, which are not decided for good: "
        "line 3 (proposed), line 4 (rejected)"
    )
