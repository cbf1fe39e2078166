"""Several readers in a table: where they differ, Review asks, and shows it to whom it may."""

import pandas as pd
import pytest

from coreset_lib.review.records import Rules
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import summarise
from dashboard.review import data as review_data

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
    pytest.mark.usefixtures("readers"),
]
SAID = "2 liver-like; 1 kidney-like"


@pytest.fixture
def disputed_run(write_run):
    """A run of a table that has two of its images under different labels."""
    paths = write_run()
    table = pd.read_csv(paths.samples, keep_default_na=False)
    table["extra:reader_labels"] = ""
    table.loc[[4, 7], "extra:reader_labels"] = SAID
    table.to_csv(paths.samples, index=False)
    return paths


def queue(paths, reader):
    summary = summarise(Run(paths))
    review = review_data.review_of(summary)
    suspects = review_data.suspicion(summary.version)
    return review_data.queue_indices(review, suspects, shown=review_data.DISAGREED, reader=reader)


def test_they_wait_among_the_disagreements_until_they_are_settled(disputed_run, decide, cache):
    assert sorted(queue(disputed_run, "rita")) == [4, 7]
    fingerprint = Run(disputed_run).manifest.dataset.fingerprint
    with open_reviews(cache) as store:
        store.set_rules(fingerprint, Rules(second_reading="never"), by="ada")
    decide(disputed_run, "rita", 4)
    assert queue(disputed_run, "rita") == [7]
    assert queue(disputed_run, "sam") == [7]


def test_with_a_second_reader_a_proposal_waits_for_the_others(disputed_run, decide):
    names = Run(disputed_run).manifest.dataset.class_names
    now = Run(disputed_run).labels()[4]
    decide(disputed_run, "rita", 4, names[(now + 1) % len(names)])
    assert queue(disputed_run, "rita") == [7]
    assert sorted(queue(disputed_run, "sam")) == [4, 7]


@pytest.mark.parametrize(
    ("reader", "view", "is_told"),
    [
        ("rita", {}, True),
        ("rita", {"blind": "true"}, False),
        ("sam", {"independent": "true"}, False),
    ],
)
def test_what_the_readers_said_is_shown_but_to_those_who_read_alone(
    open_dashboard, disputed_run, reader, view, is_told
):
    dashboard = open_dashboard("review", queue="Disagreements", reader=reader, **view)
    assert not dashboard.errors
    items = dashboard.desk["items"]
    assert sorted(item["index"] for item in items) == [4, 7]
    assert all((SAID in str(item)) == is_told for item in items)
    assert (SAID in str([e.value.to_dict() for e in dashboard.app.dataframe])) == is_told
