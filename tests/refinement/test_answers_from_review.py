"""Answers to a round of queries taken from the review, with the checks of a table."""

import json

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.export.corrections import export_labels
from coreset_lib.refinement.experts import (
    accept_answers,
    accept_reviewed,
    decided_labels,
    open_round,
)
from coreset_lib.refinement.plan import JUDGED, RoundCell
from coreset_lib.refinement.results import create_refinement, write_cell
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.store import open_reviews

ASKED = [7, 3, 11]


@pytest.fixture
def run(make_run, tmp_path):
    return make_run(tmp_path)


@pytest.fixture
def plan(make_plan, run):
    return make_plan(run_id=run.run_id, expert="people", seeds=(0,), budget=6)


@pytest.fixture
def paths(plan, run, tmp_path):
    """A refinement whose labels are judged, and that waits for the answers of its first round."""
    paths = create_refinement(tmp_path, plan)
    np.save(paths.noisy_flags(0), np.isin(np.arange(60), ASKED))
    paths.judgement(0).write_text(json.dumps({"seed": 0, "queries": {"entropy": ASKED}}))
    write_cell(paths, RoundCell(seed=0, arm=JUDGED, n_round=0), {"next": []})
    return paths


@pytest.fixture
def reviews(tmp_path):
    with open_reviews(tmp_path, f"sqlite:///{tmp_path / 'review.sqlite3'}") as store:
        store.grant("ada", "admin", by="ada")
        store.grant("rita", "reader", by="ada")
        yield store


@pytest.fixture
def decide(reviews, run):
    """Return ``decide(reader, row, label=None)``: name a class, or keep the label."""
    dataset = ReviewedDataset.of_run(run)

    def decide(reader, row, label=None):
        decision = Decision(
            reader=reader,
            sample_id=dataset.sample_ids[row],
            action="relabel" if label else "keep",
            label=label,
            fingerprint=dataset.fingerprint,
        )
        return reviews.decide(dataset, decision)

    return decide


def other_label(run, row):
    names = run.manifest.dataset.class_names
    return names[(int(run.labels()[row]) + 1) % len(names)]


def answers(paths):
    record = json.loads(paths.answers(1).read_text())
    return dict(zip(record["rows"], record["labels"], strict=True))


def test_labels_decided_for_good_are_the_answers_also_kept_ones(run, plan, paths, reviews, decide):
    wanted = other_label(run, 7)
    for row in (3, 7, 11, 20):
        decide("rita", row, wanted if row == 7 else None)
    decide("ada", 7, wanted)
    accept_reviewed(paths, plan, run, reviews)
    labels, names = run.labels(), run.manifest.dataset.class_names
    assert answers(paths) == {7: names.index(wanted), 3: labels[3], 11: labels[11]}
    assert open_round(paths, plan) is None


def test_the_same_decisions_give_the_same_answers_as_a_table(
    run, plan, paths, reviews, decide, tmp_path
):
    for row in ASKED:
        decide("rita", row, other_label(run, row))
        decide("ada", row, other_label(run, row))
    table = tmp_path / "corrected.csv"
    export_labels(run, reviews).write(table)
    accept_answers(paths, plan, run, table)
    from_table = paths.answers(1).read_bytes()
    paths.answers(1).unlink()
    accept_reviewed(paths, plan, run, reviews)
    assert paths.answers(1).read_bytes() == from_table


def test_what_waits_for_a_second_reader_is_no_answer_and_nothing_is_kept(
    run, plan, paths, reviews, decide
):
    decide("rita", 3)
    decide("rita", 7, other_label(run, 7))
    words = (
        "the review must answer all 3 queries of round 1, got none for 2 of them, the first is "
        f"{run.samples()['sample_id'][7]}. Decide on them for good"
    )
    with pytest.raises(CoresetError, match=words):
        accept_reviewed(paths, plan, run, reviews)
    assert open_round(paths, plan).rows.tolist() == ASKED


def test_without_an_open_round_nothing_is_taken(run, plan, paths, reviews, decide):
    for row in ASKED:
        decide("rita", row)
    accept_reviewed(paths, plan, run, reviews)
    with pytest.raises(CoresetError, match="must wait for labels to be given any"):
        accept_reviewed(paths, plan, run, reviews)


def test_only_decided_samples_that_are_asked_about_have_labels():
    assert decided_labels(["a", "b"], {}) == {}


def test_the_samples_of_a_round_are_named_in_the_order_of_their_worth(run, plan, paths):
    ids = run.samples()["sample_id"]
    assert open_round(paths, plan).sample_ids(run) == [ids[row] for row in ASKED]
