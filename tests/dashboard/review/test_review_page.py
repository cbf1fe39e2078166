"""The Review page: who reads, what is shown, and what is recorded from the desk."""

import hashlib
import sqlite3
from functools import partial

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.review.store import open_reviews
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import summarise
from dashboard.review import data as review_data
from dashboard.review import panels
from dashboard.review.component.review_desk import class_keys, read_report
from dashboard.review.component.review_wall import GroupWish, read_group

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


def test_the_first_person_becomes_admin_and_reads_alone(open_dashboard, write_run, cache):
    paths = write_run()
    dashboard = open_dashboard("review")
    assert any("Whoever begins is the admin" in hint for hint in dashboard.hints)
    dashboard.labelled("text_input", "Your name").set_value("ada")
    dashboard.labelled("button", "Begin").click()
    dashboard.run()
    assert dashboard.labelled("selectbox", "Reader").value == "ada"
    with open_reviews(cache) as store:
        assert store.readers() == {"ada": "admin"}
        fingerprint = Run(paths).manifest.dataset.fingerprint
        assert store.rules(fingerprint).second_reading == "never"


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
        assert item["name"] == f"image {item['place'] + 1}"
        assert {label for _, label in item["neighbours"]} == {""}
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
    assert "All readers agree on 3 of the 4 samples" in dashboard.words
    assert "kappa 0." not in dashboard.words
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


def rules_of(paths, cache):
    with open_reviews(cache) as store:
        return store.rules(Run(paths).manifest.dataset.fingerprint)


@pytest.mark.usefixtures("readers")
def test_an_admin_is_asked_once_whether_one_reader_is_enough(open_dashboard, write_run, cache):
    paths = write_run()
    question = "Alone or with a second reader?"
    assert question not in open_dashboard("review", reader="rita").words
    dashboard = open_dashboard("review", reader="ada")
    assert question in dashboard.words
    dashboard.labelled("button", "Alone").click()
    dashboard.run()
    assert rules_of(paths, cache).second_reading == "never"
    assert question not in dashboard.words


@pytest.mark.usefixtures("readers")
def test_a_grey_export_says_what_it_waits_for(open_dashboard, write_run, decide):
    paths = write_run()
    run = Run(paths)
    decide(paths, "rita", 3, run.manifest.dataset.class_names[(int(run.labels()[3]) + 1) % 8])
    words = open_dashboard("review", reader="rita").words
    assert "no label is decided for good yet. 1 wait for a second reader" in words


@pytest.mark.usefixtures("readers")
def test_a_second_reader_may_read_without_the_first_answer(open_dashboard, write_run, decide):
    paths = write_run()
    run = Run(paths)
    other = run.manifest.dataset.class_names[(int(run.labels()[3]) + 1) % 8]
    decide(paths, "rita", 3, other)
    query = {"reader": "sam", "queue": "Second reading", "independent": "true"}
    dashboard = open_dashboard("review", **query)
    (item,) = dashboard.desk["items"]
    assert (item["status"], item["proposal"]) == ("", None)
    assert item["label"]
    assert not dashboard.desk["may_confirm"]
    assert tables(dashboard) == [["reader", "role"]]
    assert f"rita: {other}" not in dashboard.words


@pytest.mark.usefixtures("readers")
def test_a_blind_queue_is_of_all_classes_and_takes_no_turns(open_dashboard, write_run):
    name = Run(write_run()).manifest.dataset.class_names[2]
    query = {"reader": "rita", "review_class": name, "per_class": "true", "blind": "true"}
    dashboard = open_dashboard("review", **query)
    assert dashboard.desk["n_items"] == 160
    plain = open_dashboard("review", reader="rita").desk["items"]
    assert [i["index"] for i in dashboard.desk["items"]] == [i["index"] for i in plain]


@pytest.mark.usefixtures("readers")
def test_a_wall_shows_the_selection_and_a_blind_one_tells_no_label(open_dashboard, write_run):
    write_run()
    group = {"reader": "rita", "selection": "5,9", "only_selected": "true", "review_mode": "Wall"}
    shown = open_dashboard("review", **group).desk
    assert {tile["index"] for tile in shown["tiles"]} == {5, 9}
    assert all(tile["label"] and tile["image"] in shown["images"] for tile in shown["tiles"])
    blind = open_dashboard("review", **group, blind="true").desk
    assert [(t["name"], t["label"]) for t in blind["tiles"]] == [("image 1", ""), ("image 2", "")]


def group_wish(token, action, samples, label=None):
    seen = dict.fromkeys(samples, 0)
    return GroupWish(token=token, action=action, label=label, seen=seen, n_exceptions=0)


@pytest.mark.usefixtures("readers")
def test_a_group_is_recorded_as_single_decisions_once_and_undone_as_one(write_run, decide):
    paths = write_run()
    summary = summarise(Run(paths))
    name = Run(paths).manifest.dataset.class_names[1]
    decide(paths, "rita", 50)
    first, second = f"wall-{'a' * 32}", f"wall-{'b' * 32}"
    group = group_wish(first, "relabel", range(40), name)
    for _ in range(2):  # sent again: recorded once
        assert review_data.record_group(summary, "rita", group, view="open") == 40
    assert len(review_data.review_of(summary).events) == 41
    review_data.record_group(summary, "rita", group_wish(second, "keep", (60, 61)), view="open")
    for _ in range(2):  # sent again: the group before it stays
        undone = review_data.undo_group(summary, "rita", f"wall-{'c' * 32}", view="open")
        assert undone == 2
    review = review_data.review_of(summary)
    assert len(review.events) == 45
    assert len(review_data.last_group(review, "rita")) == 40
    assert {review.status_of(row) for row in (60, 61)} == {"open"}
    assert review.status_of(50) == "confirmed"


@pytest.mark.usefixtures("readers")
def test_a_group_in_which_another_reader_was_faster_is_refused_as_a_whole(write_run, decide):
    paths = write_run()
    summary = summarise(Run(paths))
    decide(paths, "sam", 3)
    with pytest.raises(CoresetError, match="was decided on by sam"):
        review_data.record_group(
            summary, "rita", group_wish(f"wall-{'a' * 32}", "keep", (2, 3)), view="open"
        )
    assert len(review_data.review_of(summary).events) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"action": "confirm"},
        {"token": "abcdefgh"},
        {"token": "wall-" + "a" * 60},
        {"token": "wall-; drop table" + "a" * 9},
        {"samples": "all"},
        {"samples": [[1]]},
        {"samples": [[1, -1]]},
        {"samples": [[True, 0]]},
        {"samples": [[1, 0]] * 501},
        {"label": 3},
        {"n_exceptions": "2"},
    ],
)
def test_a_group_that_the_wall_would_not_send_is_not_taken(change, monkeypatch):
    import streamlit as st

    sound = {"token": f"wall-{'a' * 32}", "action": "keep", "label": None, "samples": [[1, 0]]}
    sound["n_exceptions"] = 0
    monkeypatch.setattr(st, "session_state", {"wall": {"group": sound}})
    assert read_group("wall").seen == {1: 0}
    monkeypatch.setattr(st, "session_state", {"wall": {"group": {**sound, **change}}})
    assert read_group("wall") is None
