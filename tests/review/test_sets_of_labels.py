"""Samples with any number of labels: one is added or removed, and the set is decided on."""

import numpy as np
import pytest

from coreset_lib.datasets.relabelling.label_tables import apply_labels, parse_label_table
from coreset_lib.errors import CoresetError, DatasetError, ReviewError
from coreset_lib.export.corrections import export_labels
from coreset_lib.label_sets import NO_LABEL, read_set, set_text
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.diff import decided_labels, label_diff
from coreset_lib.review.incoming import import_labels
from coreset_lib.review.records import Decision, Rules
from coreset_lib.review.states import sample_states
from coreset_lib.review.store import open_reviews

NAMES = ("cyst", "stone", "tumour")


@pytest.mark.parametrize(
    ("text", "code"),
    [("cyst", 1), ("stone|tumour", 6), (" tumour | cyst ", 5), (NO_LABEL, 0)],
)
def test_a_set_is_read_in_any_order_and_written_in_that_of_the_labels(text, code):
    assert read_set(text, NAMES) == code
    assert read_set(set_text(code, NAMES), NAMES) == code


@pytest.mark.parametrize("text", ["", "cysts", "cyst|", "cyst + stone", f"cyst|{NO_LABEL}", "|"])
def test_what_is_no_set_of_labels_names_them_all(text):
    with pytest.raises(CoresetError, match="must be some of cyst, stone, tumour"):
        read_set(text, NAMES)


@pytest.fixture
def reviewed_sets(label_run):
    return ReviewedDataset.of_run(label_run)


@pytest.fixture
def store(tmp_path):
    with open_reviews(tmp_path) as opened:
        opened.grant("ada", "admin", by="ada")
        opened.grant("rita", "reader", by="ada")
        yield opened


def other_set(dataset, row):
    """Return the labels of a sample with the first one added or removed."""
    return dataset.text_of(int(dataset.codes[row]) ^ 1)


def decide(store, dataset, row, label, reader="rita"):
    decision = Decision(
        reader=reader,
        sample_id=dataset.sample_ids[row],
        action="relabel",
        label=label,
        fingerprint=dataset.fingerprint,
    )
    return store.decide(dataset, decision)


def test_a_decision_holds_both_sets(store, reviewed_sets):
    event = decide(store, reviewed_sets, 2, other_set(reviewed_sets, 2))
    assert event.old_label == "top|middle"
    assert event.new_label == "middle"
    kept = decide(store, reviewed_sets, 3, reviewed_sets.label_of(reviewed_sets.sample_ids[3]))
    assert kept.action == "keep"


def test_readers_agree_whatever_the_order_they_chose_labels_in(store, reviewed_sets):
    with pytest.raises(ReviewError, match="must be in the order of"):
        decide(store, reviewed_sets, 2, "middle|top")
    with pytest.raises(ReviewError, match="must be some of"):
        decide(store, reviewed_sets, 2, "top|elsewhere")
    decide(store, reviewed_sets, 2, "middle")
    decide(store, reviewed_sets, 2, reviewed_sets.check_class(" middle "), reader="ada")
    (state,) = sample_states(store.events(reviewed_sets.fingerprint), Rules()).values()
    assert (state.status, state.label) == ("confirmed", "middle")


def test_corrected_sets_are_exported_and_laid_over_the_dataset(
    store, reviewed_sets, label_run, label_volumes
):
    store.set_rules(reviewed_sets.fingerprint, Rules(second_reading="never"), by="ada")
    wanted = {row: other_set(reviewed_sets, row) for row in (2, 5)}
    for row, label in wanted.items():
        decide(store, reviewed_sets, row, label)
    export = export_labels(label_run, store)
    rows = parse_label_table(export.csv, label_run.paths.root / "labels.csv")
    before = label_volumes.train.multi_hot.copy()
    corrected = apply_labels(label_volumes, rows)
    np.testing.assert_array_equal(label_volumes.train.multi_hot, before)
    after = corrected.train.multi_hot
    assert sorted(np.flatnonzero((after != before).any(axis=1)).tolist()) == [2, 5]
    assert (after[[2, 5], 0] == 1 - before[[2, 5], 0]).all()
    names = label_volumes.label_names
    assert [set_text(int(c), names) for c in corrected.train.targets()[[2, 5]]] == list(
        wanted.values()
    )
    unchanged = np.setdiff1d(np.arange(len(before)), [2, 5])
    np.testing.assert_array_equal(
        corrected.train.labels[unchanged], label_volumes.train.labels[unchanged]
    )
    for row in (2, 5):  # each counts under one of its labels, or under none of them
        own = np.flatnonzero(after[row])
        assert corrected.train.labels[row] in (own if len(own) else [len(names)])


def test_what_changes_is_counted_set_by_set(store, reviewed_sets):
    store.set_rules(reviewed_sets.fingerprint, Rules(second_reading="never"), by="ada")
    decide(store, reviewed_sets, 2, "middle")
    states = sample_states(
        store.events(reviewed_sets.fingerprint), store.rules(reviewed_sets.fingerprint)
    )
    diff = label_diff(reviewed_sets, decided_labels(states))
    assert diff.moves == {("top|middle", "middle"): 1}
    assert diff.after["middle"] == diff.before["middle"] + 1


def test_decisions_on_sets_come_in_from_a_table(store, reviewed_sets, tmp_path):
    name = reviewed_sets.sample_ids[2]
    table = tmp_path / "read.csv"
    table.write_text(f"sample_id,old,new,who\n{name},middle|top,bottom|middle,rita\n")
    report = import_labels(store, reviewed_sets, table, by="ada")
    assert report.n_recorded == 1, report.rows
    assert store.events(reviewed_sets.fingerprint)[0].new_label == "middle|bottom"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train-00002,,elsewhere", "must be some of top, middle, bottom"),
        ("train-00002,bottom,top", "the old label of train-00002 must be 'top|middle'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_a_sentence(label_volumes, tmp_path, line, said):
    content = f"sample_id,old,new\n{line}\n".encode()
    rows = parse_label_table(content, tmp_path / "x.csv")
    with pytest.raises(DatasetError) as raised:
        apply_labels(label_volumes, rows)
    assert said in str(raised.value)
