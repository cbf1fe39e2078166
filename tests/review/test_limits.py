"""Texts and numbers that one of the two kinds of database cannot hold are refused in a sentence."""

from dataclasses import replace

import pytest

from coreset_lib.errors import ReviewError
from coreset_lib.review.limits import LARGEST_NUMBER, LONGEST_BYTES
from coreset_lib.review.records import Decision

TEXTS = {"NUL": "a\0b", "half a character": "a\ud800", "far too long": "é" * LONGEST_BYTES}
NUMBERS = (-1, LARGEST_NUMBER + 1, 10**400)


@pytest.fixture
def decision(reviewed):
    return Decision(reader="rita", sample_id="s1", action="keep", fingerprint=reviewed.fingerprint)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("field", ["run", "view", "token", "decided", "recorded_by", "sample_id"])
def test_a_text_that_cannot_be_stored_makes_no_decision(decision, field, text):
    with pytest.raises(ReviewError, match="must be text of at most"):
        replace(decision, **{field: text})


@pytest.mark.parametrize("reason", ["a\0b", "a\udfff"])
def test_a_reason_that_cannot_be_stored_makes_no_decision(decision, reason):
    with pytest.raises(ReviewError, match="reason must be text"):
        replace(decision, reason=reason)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["target", "seen"])
def test_a_number_that_cannot_be_stored_makes_no_decision(decision, field, number):
    with pytest.raises(ReviewError, match=f"{field} must be the number of an event"):
        replace(decision, **{field: number})


def test_the_longest_texts_and_numbers_are_stored_by_both(reviews, reviewed, decision):
    long = "é" * (LONGEST_BYTES // 2)
    texts = dict.fromkeys(("run", "view", "decided"), long)
    event = reviews.decide(
        reviewed, replace(decision, **texts, token=long, reason="é" * 2000, seen=0)
    )
    assert (event.run, event.token, event.reason) == (long, long, "é" * 2000)
    (again,) = reviews.events(reviewed.fingerprint)
    assert again == event


@pytest.mark.parametrize(
    "given", [{"target": NUMBERS[1]}, {"target": -1}, *({"token": text} for text in TEXTS.values())]
)
def test_an_undo_that_cannot_be_stored_is_refused(reviews, reviewed, decision, given):
    reviews.decide(reviewed, decision)
    with pytest.raises(ReviewError, match="must be"):
        reviews.undo(reviewed, "rita", **given)
    assert len(reviews.events(reviewed.fingerprint)) == 1
