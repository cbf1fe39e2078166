"""What every review database must do, whether it is a file or a server."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import exc

from coreset_lib.errors import CoresetError, ReviewError, StaleDecisionError
from coreset_lib.review.records import Decision, Rules
from coreset_lib.review.store import open_reviews


def test_a_decision_is_recorded_with_everything_that_matters(decide, reviews, reviewed):
    before = datetime.now(UTC)
    event = decide(
        "rita", "s0", "=liver", reason="lobes", confidence=4, run="run-1", view="blind", token="t"
    )
    assert reviews.events(reviewed.fingerprint) == [event]
    assert before <= event.at <= datetime.now(UTC)
    assert (event.reader, event.role, event.recorded_by) == ("rita", "reader", "rita")
    assert (event.action, event.old_label, event.new_label) == ("relabel", "kidney", "=liver")
    assert (event.reason, event.confidence, event.run, event.view) == ("lobes", 4, "run-1", "blind")
    assert event.previous == 0


def test_naming_the_label_that_is_there_keeps_it(decide):
    assert decide("rita", "s0", "kidney").action == "keep"
    assert decide("rita", "s1", action="keep").new_label == "=liver"


def test_rows_cannot_be_changed_or_deleted_even_past_the_library(decide, reviews, reviewed):
    event = decide("rita", "s0", "spleen")
    for command in ("UPDATE events SET reader = 'x'", "DELETE FROM events", "DELETE FROM grants"):
        with (
            pytest.raises(exc.DBAPIError, match="can only be added"),
            reviews.engine.begin() as connection,
        ):
            connection.exec_driver_sql(command)
    assert reviews.events(reviewed.fingerprint) == [event]


def test_undo_is_a_new_event_and_undoes_the_last_that_counts(decide, reviews, reviewed, states):
    first, second = decide("rita", "s0", "spleen"), decide("rita", "s1", "spleen")
    assert reviews.undo(reviewed, "rita").target == second.id
    assert reviews.undo(reviewed, "rita").target == first.id
    assert [e.action for e in reviews.events(reviewed.fingerprint)] == [
        *("relabel", "relabel", "undo", "undo")
    ]
    assert {state.status for state in states().values()} == {"open"}
    with pytest.raises(ReviewError, match=r"rita has no decision on tiny to undo\."):
        reviews.undo(reviewed, "rita")


def test_an_undone_decision_cannot_be_undone_twice(decide, reviews, reviewed):
    event = decide("rita", "s0", "spleen")
    reviews.undo(reviewed, "rita", target=event.id)
    with pytest.raises(StaleDecisionError, match="is undone already"):
        reviews.undo(reviewed, "rita", target=event.id)


def test_only_an_admin_undoes_what_somebody_else_decided(decide, reviews, reviewed):
    event = decide("rita", "s0", "spleen")
    with pytest.raises(ReviewError, match=r"undo must be of one's own decision, got one of 'rita'"):
        reviews.undo(reviewed, "sam", target=event.id)
    assert reviews.undo(reviewed, "ada", target=event.id).target == event.id


def test_the_same_token_is_recorded_once(decide, reviews, reviewed):
    first = decide("rita", "s0", "spleen", token="abc")
    assert decide("rita", "s0", "spleen", token="abc", seen=0) == first
    assert reviews.undo(reviewed, "rita", token="u") == reviews.undo(reviewed, "rita", token="u")
    assert len(reviews.events(reviewed.fingerprint)) == 2


def test_two_readers_at_once_on_one_sample_are_told(decide, reviews, reviewed):
    decide("rita", "s0", "spleen", seen=0)
    with pytest.raises(StaleDecisionError, match="s0 was decided on by rita since you") as error:
        decide("ravi", "s0", "=liver", seen=0)
    assert "spleen" not in str(error.value)  # the second reader shall stay blind
    last = reviews.events(reviewed.fingerprint)[-1].id
    assert decide("ravi", "s0", "=liver", seen=last).previous == last


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "lung"}, r"label must be one of kidney, =liver, spleen, got 'lung'\."),
        ({"label": ""}, "label must be one of"),
        ({"sample_id": "s99"}, r"sample 's99' is not in the training split of tiny \(9 samples"),
        ({"fingerprint": "cd" * 32}, "its images or labels have changed since"),
        ({"reader": "eve"}, r"'eve' is not among the readers\. An admin adds them"),
        ({"action": "confirm", "target": 1}, "to confirm one must be second reader or admin"),
        ({"reader": "sam", "action": "confirm", "target": 77}, "got event 77"),
        ({"reason": "x" * 3000}, "reason must be at most 2000 characters"),
        ({"confidence": 9}, "confidence must be from 1 to 5, got 9"),
        ({"reader": "a\nb"}, "reader must be 1 to 120 printable characters"),
        ({"action": "confirm"}, "confirm must name the event that it is about"),
        ({"action": "delete"}, "action must be one of keep, relabel"),
    ],
)
def test_a_wrong_decision_is_refused_in_one_sentence(reviews, reviewed, fields, message):
    good = {
        "reader": "rita",
        "sample_id": "s0",
        "action": "relabel",
        "label": "spleen",
        "fingerprint": reviewed.fingerprint,
    }
    with pytest.raises(CoresetError, match=message):
        reviews.decide(reviewed, Decision(**{**good, **fields}))
    assert reviews.events(reviewed.fingerprint) == []


def test_of_several_decisions_all_are_recorded_or_none(reviews, reviewed):
    good = Decision(reader="rita", sample_id="s0", action="keep", fingerprint=reviewed.fingerprint)
    stranger = Decision(
        reader="eve", sample_id="s1", action="keep", fingerprint=reviewed.fingerprint
    )
    with pytest.raises(ReviewError, match="'eve' is not among"):
        reviews.decide_all(reviewed, [good, stranger])
    assert reviews.events(reviewed.fingerprint) == []


def test_nobody_confirms_their_own_decision(decide):
    event = decide("sam", "s0", "spleen")
    with pytest.raises(ReviewError, match="confirm must be by another reader than the decision's"):
        decide("sam", "s0", action="confirm", target=event.id)


def test_a_decision_that_was_taken_back_cannot_be_confirmed(decide, reviews, reviewed):
    event = decide("rita", "s0", "spleen")
    reviews.undo(reviewed, "rita")
    with pytest.raises(StaleDecisionError, match="rita has taken the decision on sample s0 back"):
        decide("sam", "s0", action="confirm", target=event.id)


def test_roles_are_kept_by_the_library(reviews, reviewed):
    assert reviews.readers() == {
        "ada": "admin",
        "ravi": "reader",
        "rita": "reader",
        "sam": "second_reader",
    }
    with pytest.raises(ReviewError, match="to grant roles one must be admin, and 'rita' is reader"):
        reviews.grant("rita", "admin", by="rita")
    with pytest.raises(ReviewError, match="to set rules one must be admin"):
        reviews.set_rules(reviewed.fingerprint, Rules(second_reading="never"), by="sam")
    with pytest.raises(ReviewError, match="must keep an admin, and 'ada' is the only one"):
        reviews.grant("ada", "none", by="ada")
    reviews.grant("ravi", "none", by="ada")
    assert reviews.role_of("ravi") is None


def test_a_role_that_is_gone_stays_in_the_trail(decide, reviews, reviewed):
    decide("rita", "s0", "spleen")
    reviews.grant("rita", "none", by="ada")
    with pytest.raises(ReviewError, match="'rita' is not among the readers"):
        decide("rita", "s1", "spleen")
    assert reviews.events(reviewed.fingerprint)[0].role == "reader"


def test_the_first_reader_becomes_admin_and_nothing_else(database, tmp_path):
    with open_reviews(tmp_path, database) as store:
        for reader, role, by in (("eve", "reader", "eve"), ("eve", "admin", "bob")):
            with pytest.raises(ReviewError, match="must be its admin"):
                store.grant(reader, role, by=by)
        store.grant("eve", "admin", by="eve")
        assert store.readers() == {"eve": "admin"}


def test_rules_hold_for_their_dataset_and_the_last_ones_count(reviews, reviewed):
    assert reviews.rules(reviewed.fingerprint) == Rules()
    reviews.set_rules(reviewed.fingerprint, Rules(second_reading="always", budget=5), by="ada")
    reviews.set_rules(reviewed.fingerprint, Rules(second_reading="never"), by="ada")
    assert reviews.rules(reviewed.fingerprint) == Rules(second_reading="never")
    assert reviews.rules("ef" * 32) == Rules()


def test_exports_are_remembered_with_their_labels(decide, reviews, reviewed):
    last = decide("rita", "s1", action="keep").id
    reviews.record_export(
        reviewed.fingerprint, {"s1": "=liver"}, by="rita", last_event=last, sha256="00"
    )
    (export,) = reviews.exports(reviewed.fingerprint)
    assert (export.labels, export.last_event, export.exported_by) == (
        {"s1": "=liver"},
        last,
        "rita",
    )
    assert reviews.exports("ef" * 32) == []


def test_the_trail_can_be_read_on_from_an_event(decide, reviews, reviewed):
    events = [decide("rita", f"s{n}", action="keep") for n in range(3)]
    assert reviews.events(reviewed.fingerprint, after=events[0].id) == events[1:]
    assert reviews.events(reviewed.fingerprint, up_to=events[1].id) == events[:2]
    assert reviews.last_event() == events[2].id


def test_decisions_outlive_the_store(decide, reviews, reviewed, database, tmp_path):
    event = decide("rita", "s0", "spleen")
    reviews.close()
    with open_reviews(tmp_path, database) as again:
        assert again.events(reviewed.fingerprint) == [event]
