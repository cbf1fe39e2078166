"""Decisions made elsewhere: what is said to be recorded is in the trail, nothing else."""

from dataclasses import replace

import pytest

from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.review.incoming import import_labels

TABLE = "sample_id,new,who\ns0,spleen,rita\ns1,kidney,rita\ns2,=liver,rita\n"


@pytest.fixture
def bring(reviews, tmp_path):
    """Return ``bring(dataset, text) -> ImportReport``."""

    def bring(dataset, text=TABLE):
        path = tmp_path / "elsewhere.csv"
        path.write_text(text)
        return import_labels(reviews, dataset, path, by="ada")

    return bring


def recorded(reviews, dataset):
    return [(e.sample_id, e.new_label) for e in reviews.events(dataset.fingerprint)]


def test_one_file_into_two_datasets_is_recorded_in_both(reviews, reviewed, bring):
    other = replace(reviewed, fingerprint="cd" * 32)
    assert bring(reviewed).n_recorded == 3
    assert bring(other).n_recorded == 3
    assert recorded(reviews, other) == recorded(reviews, reviewed)
    assert bring(other).n_recorded == 0


def test_one_file_after_an_undo_is_recorded_anew(reviews, reviewed, bring):
    bring(reviewed)
    reviews.undo(reviewed, "rita")
    report = bring(reviewed)
    assert (report.n_recorded, report.counts["same"]) == (1, 2)
    assert recorded(reviews, reviewed)[-1] == ("s2", "=liver")


def test_a_row_that_is_there_twice_is_counted_once(reviews, reviewed, bring):
    report = bring(reviewed, "sample_id,new,who\ns0,spleen,rita\ns0,spleen,rita\n")
    assert report.n_recorded == len(recorded(reviews, reviewed)) == 1


def test_what_a_table_calls_no_decision_is_left_out_and_said(reviews, reviewed, bring):
    rows = "s0,spleen,rita,Confirmed\ns1,kidney,rita,rejected\ns2,=liver,rita,Conflict\n"
    report = bring(reviewed, "sample_id,new,who,status\n" + rows)
    assert recorded(reviews, reviewed) == [("s0", "spleen")]
    assert [row.note for row in report.of("unsettled")] == [
        "its status is rejected",
        "its status is conflict",
    ]


def test_two_columns_for_the_label_are_refused(reviews, reviewed, bring):
    with pytest.raises(CoresetError, match="two columns of one meaning, new or new_label or label"):
        bring(reviewed, "sample_id,new_label,label,who\ns0,spleen,kidney,rita\n")
    assert recorded(reviews, reviewed) == []


@pytest.mark.parametrize(
    "other",
    [
        {"reader": "ravi"},
        {"sample_id": "s1"},
        {"label": "=liver"},
        {"action": "skip", "label": None},
    ],
)
def test_a_token_that_stands_for_another_decision_is_refused(decide, reviews, reviewed, other):
    first = {"reader": "rita", "sample_id": "s0", "label": "spleen"}
    decide(**first, token="abc")
    with pytest.raises(ReviewError, match="token must name one decision"):
        decide(**{**first, **other}, token="abc")
    with pytest.raises(ReviewError, match="token must name one decision"):
        reviews.undo(reviewed, "rita", token="abc")
    assert recorded(reviews, reviewed) == [("s0", "spleen")]
