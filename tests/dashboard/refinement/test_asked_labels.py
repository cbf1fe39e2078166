"""The queue of labels that a refinement asks for, on the Review page."""

import json
import os

import numpy as np
import pytest

from coreset_lib.jobs import refinements as jobs
from coreset_lib.refinement.experts import open_round
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
    pytest.mark.usefixtures("readers"),
]


@pytest.fixture
def waiting(make_refinement):
    return make_refinement("stopped", expert="people")


@pytest.fixture
def started(monkeypatch):
    """The plans that the page would go on with in the background, which is not done here."""
    plans = []
    monkeypatch.setattr(jobs, "start", lambda cache, plan: plans.append(plan))
    return plans


def queues(dashboard):
    return dashboard.labelled("segmented_control", "Queue").options


def words(dashboard):
    return dashboard.words.replace("**", "")


def other_label(run, row):
    names = Run(run).manifest.dataset.class_names
    return names[(int(Run(run).labels()[row]) + 1) % len(names)]


def test_without_a_refinement_that_asks_there_is_no_such_queue(open_dashboard, make_refinement):
    make_refinement()
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    assert not dashboard.errors
    assert "Asked" not in queues(dashboard)
    assert dashboard.desk["n_items"] == 160


def test_the_queries_come_in_their_order_with_how_many_are_answered(
    open_dashboard, waiting, decide, asked
):
    _, _, run = waiting
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    assert not dashboard.errors
    assert [item["index"] for item in dashboard.desk["items"]] == asked
    assert "round 1 of 2: 0 of 3 labels answered for good" in words(dashboard)
    decide(run, "rita", 3)
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    assert [item["index"] for item in dashboard.desk["items"]] == [40, 77]
    assert "1 of 3 labels answered for good" in words(dashboard)


def test_a_changed_label_waits_in_the_queue_of_the_second_reader(open_dashboard, waiting, decide):
    _, _, run = waiting
    event = decide(run, "rita", 40, other_label(run, 40))
    second = open_dashboard("review", reader="sam", queue="Asked")
    assert "0 of 3 labels answered for good, 1 more wait for a second reader" in words(second)
    item = second.desk["items"][0]
    assert (item["index"], item["proposal"]) == (40, event.id)
    first = open_dashboard("review", reader="rita", queue="Asked")
    assert [item["index"] for item in first.desk["items"]] == [3, 77]


def test_readers_who_disagree_both_keep_the_sample_in_their_queue(
    open_dashboard, waiting, decide, asked
):
    _, _, run = waiting
    decide(run, "rita", 40, other_label(run, 40))
    decide(run, "ada", 40)
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    assert [item["index"] for item in dashboard.desk["items"]] == asked


def test_until_all_are_answered_there_is_no_button_to_continue(
    open_dashboard, waiting, decide, asked
):
    _, _, run = waiting
    for row in asked[:2]:
        decide(run, "rita", row)
    labels = [b.label for b in open_dashboard("review", reader="rita", queue="Asked").app.button]
    assert "Continue the refinement" not in labels


def test_with_all_labels_the_refinement_goes_on_with_them(
    open_dashboard, waiting, decide, started, asked
):
    plan, paths, run = waiting
    changed = other_label(run, 40)
    for reader in ("rita", "sam"):
        decide(run, reader, 40, changed)
    for row in asked[1:]:
        decide(run, "rita", row)
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    assert any("answered all that the refinement asks" in hint for hint in dashboard.hints)
    dashboard.labelled("button", "Continue the refinement").click()
    dashboard.run()
    assert not dashboard.errors
    assert started == [plan]
    record = json.loads(paths.answers(1).read_text())
    names, labels = Run(run).manifest.dataset.class_names, Run(run).labels()
    assert record["rows"] == asked
    assert record["labels"] == [names.index(changed), labels[3], labels[77]]
    assert open_round(paths, plan) is None
    assert "Asked" not in queues(dashboard)
    assert dashboard.labelled("segmented_control", "Queue").value == "to do"


def test_a_refinement_that_is_worked_on_is_not_continued_twice(
    open_dashboard, waiting, decide, started, asked
):
    plan, paths, run = waiting
    for row in asked:
        decide(run, "rita", row)
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    write_status(paths, claim(Status(state="running", step="loading data"), os.getpid()))
    dashboard.labelled("button", "Continue the refinement").click()
    dashboard.run()
    assert any("is under way already" in error for error in dashboard.errors)
    assert not started
    assert open_round(paths, plan) is not None


def test_while_the_next_queries_are_chosen_the_page_says_so(open_dashboard, waiting, asked):
    _, paths, _ = waiting
    paths.answers(1).write_text(json.dumps({"rows": asked, "labels": [0, 1, 2]}))
    running = Status(state="running", step="entropy, round 1, seed 0", eta_seconds=60)
    write_status(paths, claim(running, os.getpid()))
    dashboard = open_dashboard("review", reader="rita")
    assert "A refinement chooses what to ask next (entropy, round 1, seed 0, about 60 s left)" in (
        words(dashboard)
    )


def test_the_verdict_of_co_teaching_is_among_the_reasons(open_dashboard, waiting, asked):
    _, _, run = waiting
    np.save(run.noisy_flags, np.isin(np.arange(160), asked))
    dashboard = open_dashboard("review", reader="rita", queue="Asked")
    for item in dashboard.desk["items"]:
        assert any("(co-teaching)" in reason for reason in item["reasons"])


def test_a_verdict_that_comes_later_is_taken_up(open_dashboard, waiting):
    _, _, run = waiting

    def reasons():
        dashboard = open_dashboard("review", reader="rita", queue="Asked")
        return " ".join(dashboard.desk["items"][0]["reasons"])

    assert "co-teaching" not in reasons()
    np.save(run.noisy_flags, np.ones(160, dtype=bool))
    assert "co-teaching" in reasons()
