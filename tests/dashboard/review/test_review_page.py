"""The Review page: who reads, what is shown, and what is recorded from the desk."""

import hashlib
import sqlite3
from functools import partial

import numpy as np
import pytest

from coreset_lib.review.store import open_reviews
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import summarise
from dashboard.review import data as review_data
from dashboard.review import panels
from dashboard.review.component.review_desk import class_keys, read_report

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def test_an_empty_store_leads_to_the_first_run(open_dashboard):
    dashboard = open_dashboard("review")
    assert not dashboard.errors
    assert dashboard.app.get("page_link")[0].proto.label == "Go to Runs"


@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_a_run_without_epochs_is_explained(open_dashboard, write_run, state):
    write_run(state, epoch=0)
    dashboard = open_dashboard("review")
    assert not dashboard.errors
    assert dashboard.hints


def test_the_first_person_becomes_admin(open_dashboard, write_run, cache):
    write_run()
    dashboard = open_dashboard("review")
    assert any("Whoever begins is the admin" in hint for hint in dashboard.hints)
    dashboard.labelled("text_input", "Your name").set_value("ada")
    dashboard.labelled("button", "Begin").click()
    dashboard.run()
    assert dashboard.labelled("selectbox", "Reader").value == "ada"
    with open_reviews(cache) as store:
        assert store.readers() == {"ada": "admin"}


def test_a_name_that_cannot_be_one_is_told(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("review")
    dashboard.labelled("button", "Begin").click()
    (error,) = dashboard.run().errors
    assert "reader must be 1 to 120 printable characters" in error


@pytest.mark.usefixtures("readers")
def test_a_reader_finds_the_most_suspicious_sample_with_its_reasons(open_dashboard, write_run):
    write_run()
    shown = open_dashboard("review", reader="rita").desk
    first = shown["items"][0]
    assert shown["n_items"] == 160
    assert (first["place"], first["seen"]) == (0, 0)
    assert first["reasons"]
    assert first["label"]
    assert first["image"] in shown["images"]
    assert not shown["may_confirm"]
    assert [each["key"] for each in shown["classes"][:2]] == ["1", "2"]


@pytest.mark.usefixtures("readers")
def test_a_blind_reader_is_not_sent_what_is_hidden(open_dashboard, write_run, decide):
    paths = write_run()
    names_of_files(paths)
    classes = Run(paths).manifest.dataset.class_names
    for row in range(3):
        decide(paths, "rita", row, classes[row])
        decide(paths, "ada", row, classes[row + 1])
    dashboard = open_dashboard("review", reader="sam", blind="true", queue="All")
    shown = dashboard.desk
    assert shown["is_blind"]
    for item in shown["items"]:
        assert item["name"] == f"sample {item['index']}"
        assert (item["label"], item["prediction"], item["reasons"]) == ("", "", [])
        assert (item["status"], item["proposal"]) == ("", None)
    assert tables(dashboard) == [["reader", "role"]]
    assert not any(f"/{name}/" in dashboard.words for name in classes)
    open_eyed = open_dashboard("review", reader="sam", queue="All")
    assert all(item["name"].endswith(".png") for item in open_eyed.desk["items"])
    assert len(tables(open_eyed)) == 3


@pytest.mark.usefixtures("readers")
def test_an_embedding_that_comes_later_is_taken_up(open_dashboard, write_run):
    paths = write_run()
    before = open_dashboard("review", reader="rita").desk
    assert all(item["neighbours"] for item in before["items"])  # by the first probabilities
    assert {each["image"] for each in before["classes"]} == {None}
    save_embedding(paths)
    after = open_dashboard("review", reader="rita").desk
    assert {each["image"] for each in after["classes"]} <= set(after["images"])


@pytest.mark.usefixtures("readers")
def test_suspects_are_counted_class_by_class_with_warnings(open_dashboard, write_run):
    queue = queue_of_run(Run(write_run()))
    words = open_dashboard("review", reader="rita").words
    for found in queue.class_suspects():
        assert str(found) in words
    assert f"About **{round(queue.expected_wrong(queue.order[:10]))}** of the 10" in words


@pytest.mark.usefixtures("readers")
def test_networks_that_have_not_seen_the_images_can_be_asked(
    open_dashboard, write_run, monkeypatch
):
    paths, asked = write_run(), []
    monkeypatch.setattr(panels, "start_features", lambda paths, kind: asked.append(kind))
    dashboard = open_dashboard("review", reader="rita")
    dashboard.labelled("button", "Ask networks that have not seen the images").click()
    dashboard.run()
    assert asked == ["held_out"]
    paths.held_out.mkdir()
    paths.held_out_plan.write_text('{"folds": 4}')
    paths.held_out_fold(0, "probabilities").touch()
    under_way = open_dashboard("review", reader="rita")
    assert not under_way.errors
    assert under_way.labelled("button", "Go on if it was interrupted")


@pytest.mark.usefixtures("readers")
def test_classes_take_turns_in_the_queue_where_that_is_wanted(open_dashboard, write_run):
    queue = queue_of_run(Run(write_run()))
    dashboard = open_dashboard("review", reader="rita", per_class="true")
    shown = [item["index"] for item in dashboard.desk["items"]]
    assert shown == queue.order_by_class()[: len(shown)].tolist()


@pytest.mark.usefixtures("readers")
def test_csv_and_provenance_of_the_labels_are_of_one_moment(write_run, decide):
    paths = write_run()
    summary = summarise(Run(paths))
    decide(paths, "rita", 0)
    review = review_data.review_of(summary)
    csv = review_data.hand_out_labels(summary, review, "rita").csv
    decide(paths, "rita", 1)
    later = review_data.labels_export(summary, review, "confirmed")
    assert later.csv == csv
    assert later.provenance["sha256"] == hashlib.sha256(csv).hexdigest()
    newer = review_data.labels_export(summary, review_data.review_of(summary), "confirmed")
    assert newer.provenance["n_labels"] == 2


def save_embedding(paths):
    """Write what training makes after the last epoch."""
    features = np.random.default_rng(0).normal(size=(160, 4)).astype(np.float32)
    np.save(paths.embedding, features)


def names_of_files(paths):
    """Give the samples the names that images in folders have: the class stands in the path."""
    samples = Run(paths).samples()
    samples["sample_id"] = [
        f"train/{name}/{row:04}.png" for row, name in enumerate(samples["class_name"])
    ]
    samples.to_csv(paths.samples, index=False)


def tables(dashboard):
    """The columns of every table on the page."""
    return [list(element.value.columns) for element in dashboard.app.dataframe]


@pytest.mark.usefixtures("readers")
def test_what_a_reader_proposed_waits_in_the_second_reading(open_dashboard, write_run, decide):
    paths = write_run()
    run = Run(paths)
    other = run.manifest.dataset.class_names[(int(run.labels()[3]) + 1) % 8]
    event = decide(paths, "rita", 3, other)
    shown = open_dashboard("review", reader="sam", queue="Second reading").desk
    (item,) = shown["items"]
    assert (item["index"], item["proposal"], item["seen"]) == (3, event.id, event.id)
    assert item["status"] == f"proposed (rita: {other})"
    assert shown["may_confirm"]
    dashboard = open_dashboard("review", reader="rita", queue="Second reading")
    assert any("Nothing is left in this queue" in hint for hint in dashboard.hints)


@pytest.mark.usefixtures("readers")
def test_queues_can_be_narrowed_to_a_class_and_to_the_selection(open_dashboard, write_run):
    run = Run(write_run())
    of_class = int((run.labels() == 2).sum())
    name = run.manifest.dataset.class_names[2]
    assert open_dashboard("review", reader="rita", review_class=name).desk["n_items"] == of_class
    narrowed = open_dashboard("review", reader="rita", selection="5,9", only_selected="true")
    assert {item["index"] for item in narrowed.desk["items"]} == {5, 9}


@pytest.mark.usefixtures("readers")
def test_only_an_admin_is_offered_roles_and_rules(open_dashboard, write_run):
    write_run()
    labels = [b.label for b in open_dashboard("review", reader="rita").app.button]
    assert "Set the rules" not in labels
    dashboard = open_dashboard("review", reader="ada")
    dashboard.labelled("number_input", "Budget (labels; 0: no limit)").set_value(40)
    dashboard.labelled("button", "Set the rules").click()
    dashboard.run()
    assert "of 40 labels of the budget given" in dashboard.words.replace("**", "")


@pytest.mark.usefixtures("readers")
def test_readers_who_disagree_are_shown_with_their_agreement(open_dashboard, write_run, decide):
    paths = write_run()
    names = Run(paths).manifest.dataset.class_names
    for row in range(4):
        decide(paths, "rita", row, names[row % 2])
        decide(paths, "sam", row, names[row % 2 if row else 1])
    dashboard = open_dashboard("review", reader="ada")
    assert "Cohen's kappa 0.50 (moderate) on 4 samples" in dashboard.words.replace("**", "")
    assert "1 samples on which readers disagree" in dashboard.words


@pytest.mark.usefixtures("readers")
def test_a_locked_database_is_told_and_reading_goes_on_beside_a_writer(
    open_dashboard, write_run, cache, monkeypatch
):
    patient = partial(open_reviews, busy_seconds=0.05)
    monkeypatch.setattr(review_data, "open_reviews", patient)
    write_run()
    other = sqlite3.connect(cache / "review.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not open_dashboard("review", reader="rita").errors
    other.execute("ROLLBACK")
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    (error,) = open_dashboard("review", reader="rita").errors
    assert "is locked by another program. Close that program, or try again." in error
    other.close()


@pytest.mark.usefixtures("readers")
def test_a_damaged_database_is_told_and_a_restored_one_used(open_dashboard, write_run, cache):
    write_run()
    file = cache / "review.sqlite3"
    good = file.read_bytes()
    file.write_bytes(b"This is no database. " * 500)
    (error,) = open_dashboard("review", reader="rita").errors
    assert "is not a SQLite file. Restore it from a copy" in error
    file.write_bytes(good)
    assert not open_dashboard("review", reader="rita").errors


@pytest.mark.usefixtures("readers")
def test_images_that_cannot_be_had_cannot_be_judged(open_dashboard, write_run, tmp_path):
    write_run()
    (tmp_path / "slices.npz").unlink()
    dashboard = open_dashboard("review", reader="rita")
    assert any("cannot be judged without them" in hint for hint in dashboard.hints)


@pytest.mark.usefixtures("readers")
def test_a_damaged_run_is_told(open_dashboard, write_run):
    paths = write_run()
    samples = paths.root / "samples.csv"
    samples.write_bytes(samples.read_bytes()[:100])
    (error,) = open_dashboard("review", reader="rita").errors
    assert "samples.csv cannot be used" in error


def wish(**fields):
    plain = {"token": "abcdefgh", "action": "keep", "index": 0, "seen": 0}
    return {**plain, **fields}


@pytest.mark.parametrize(
    "report",
    [
        None,
        "text",
        {"place": "1", "wishes": "x"},
        {"place": -1, "wishes": [1, None, {}]},
        {"place": True, "wishes": [wish(action="delete")]},
        {"wishes": [wish(token="short")]},
        {"wishes": [wish(index="0")]},
        {"wishes": [wish(seen=None)]},
        {"wishes": [wish(label=3)]},
        {"wishes": [wish(reason="x" * 3000)]},
        {"wishes": [wish(confidence="sure")]},
    ],
)
def test_nonsense_from_the_browser_is_not_taken(report, monkeypatch):
    import streamlit as st

    monkeypatch.setattr(st, "session_state", {"desk": {"report": report}})
    assert read_report("desk") == (None, [])


def test_a_decision_from_the_browser_is_read(monkeypatch):
    import streamlit as st

    report = {"place": 3, "wishes": [wish(action="relabel", label="liver", reason="a\0b")]}
    monkeypatch.setattr(st, "session_state", {"desk": {"report": report}})
    place, (found,) = read_report("desk")
    assert (place, found.action, found.label, found.reason) == (3, "relabel", "liver", "ab")


def test_keys_of_classes_are_all_different_and_no_action():
    keys = [key for key in class_keys(40) if key]
    assert len(keys) == len(set(keys)) > 20
    assert not set(keys) & set("kfsyxznpwcru")
