"""What follows from events: statuses, conflicts, progress."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.review.records import ACTIONS, Event, Rules
from coreset_lib.review.states import STATUSES, conflicts, effective, progress, sample_state


@pytest.fixture
def database(tmp_path):
    """One kind of database is enough here: nothing depends on it."""
    return str(tmp_path / "review.sqlite3")


def status_of(states, sample="s0"):
    return states()[sample].status


def test_a_kept_label_is_confirmed_and_a_changed_one_waits(decide, states):
    decide("rita", "s0", "spleen")
    decide("rita", "s1", action="keep")
    assert (status_of(states), status_of(states, "s1")) == ("proposed", "confirmed")


def test_the_rules_say_who_waits(decide, reviews, reviewed, states):
    decide("rita", "s0", "spleen")
    decide("rita", "s1", action="keep")
    reviews.set_rules(reviewed.fingerprint, Rules(second_reading="always"), by="ada")
    assert (status_of(states), status_of(states, "s1")) == ("proposed", "proposed")
    reviews.set_rules(reviewed.fingerprint, Rules(second_reading="never"), by="ada")
    assert (status_of(states), status_of(states, "s1")) == ("confirmed", "confirmed")


def test_a_second_reader_confirms(decide, states):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="confirm", target=proposal.id)
    state = states()["s0"]
    assert (state.status, state.label, state.settled_by) == ("confirmed", "spleen", "sam")
    assert state.decision == proposal


def test_a_second_reader_who_finds_the_same_by_himself_confirms(decide, states):
    decide("rita", "s0", "spleen")
    decide("ravi", "s0", "spleen")
    assert status_of(states) == "proposed"  # two readers, neither of them a second one
    decide("sam", "s0", "spleen")
    assert (status_of(states), states()["s0"].settled_by) == ("confirmed", "sam")


def test_two_labels_are_a_conflict_until_somebody_settles_it(decide, states):
    decide("rita", "s0", "spleen")
    second = decide("ravi", "s0", "=liver")
    assert [state.sample_id for state in conflicts(states())] == ["s0"]
    assert states()["s0"].label is None
    decide("sam", "s0", action="confirm", target=second.id)
    assert (status_of(states), states()["s0"].label) == ("confirmed", "=liver")
    decide("rita", "s0", action="keep")
    assert status_of(states) == "conflict"


def test_a_refused_decision_leaves_the_sample_to_be_read_again(decide, states):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="reject", target=proposal.id)
    assert (status_of(states), states()["s0"].label) == ("rejected", None)
    decide("rita", "s0", "=liver")
    assert status_of(states) == "proposed"


def test_a_flag_asks_for_a_second_reader_also_where_none_was_needed(decide, states):
    decide("rita", "s0", action="flag")
    assert status_of(states) == "flagged"
    keep = decide("rita", "s0", action="keep")
    assert status_of(states) == "proposed"
    decide("sam", "s0", action="confirm", target=keep.id)
    assert status_of(states) == "confirmed"


def test_an_undone_confirmation_no_longer_counts(decide, reviews, reviewed, states):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="confirm", target=proposal.id)
    reviews.undo(reviewed, "sam")
    assert status_of(states) == "proposed"


def test_a_confirmation_goes_with_the_decision_that_it_confirmed(decide, reviews, reviewed, states):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="confirm", target=proposal.id)
    reviews.undo(reviewed, "rita")
    assert (status_of(states), states()["s0"].label) == ("open", None)


def test_what_was_handed_out_is_exported_until_it_is_decided_otherwise(
    decide, reviews, reviewed, states
):
    last = decide("rita", "s1", action="keep").id
    reviews.record_export(
        reviewed.fingerprint, {"s1": "=liver"}, by="rita", last_event=last, sha256="00"
    )
    assert status_of(states, "s1") == "exported"
    decide("rita", "s1", "spleen")
    assert status_of(states, "s1") == "proposed"


def test_a_changed_mind_counts_once(decide, states):
    decide("rita", "s0", "spleen")
    decide("rita", "s0", "=liver")
    found = progress(states())
    assert (found.n_labels, dict(found.by_reader)) == (1, {"rita": 1})
    assert states()["s0"].label == "=liver"


def test_progress_counts_labels_and_what_is_settled(decide, states):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="confirm", target=proposal.id)
    decide("rita", "s1", action="keep")
    decide("rita", "s2", action="skip")
    found = progress(states())
    assert (found.n_labels, found.n_done, found.n_changed) == (2, 2, 1)
    assert found.by_status == {"confirmed": 2, "skipped": 1}


def event(number, reader, action, target, label):
    return Event(
        id=number,
        at=None,
        reader=reader,
        role="second_reader",
        recorded_by=reader,
        fingerprint="f",
        sample_id="s",
        action=action,
        old_label="a",
        new_label={"keep": "a", "relabel": label, "confirm": label}.get(action),
        reason="",
        confidence=None,
        run="",
        view="",
        target=target,
        previous=number - 1,
        token=None,
        decided="",
    )


trails = st.lists(
    st.tuples(
        st.sampled_from("pqr"),
        st.sampled_from(ACTIONS),
        st.integers(1, 8),
        st.sampled_from("bc"),
    ),
    min_size=1,
    max_size=8,
).map(lambda rows: [event(n, *row) for n, row in enumerate(rows, start=1)])


@given(trails, st.sampled_from(["never", "relabel", "always"]))
def test_every_trail_leads_to_one_status_and_a_label_only_where_readers_agree(trail, second):
    state = sample_state(trail, Rules(second_reading=second))
    assert state.status in STATUSES
    labels = {e.new_label for e in state.decisions.values()}
    if state.status in ("proposed", "confirmed"):
        assert state.label in labels
    else:
        assert state.label is None
    if state.status == "conflict":
        assert len(labels) > 1


@given(trails)
def test_undoing_every_event_leads_back_to_open(trail):
    undone = [e.id for e in effective(trail)]
    more = [event(100 + n, "p", "undo", target, "b") for n, target in enumerate(undone)]
    assert sample_state([*trail, *more], Rules()).status == "open"
