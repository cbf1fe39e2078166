import json

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as hst

from coreset_lib.errors import CoresetError
from coreset_lib.windows import Window, check_windows
from dashboard.shared.windows import window_brush as brush
from dashboard.shared.windows.window_brush import Bands, Line, parse_windows, take_windows

GOOD = {"early": [1, 10], "late": [91, 100], "revision": 5}


def flat_bands(n_epochs):
    return Bands(**{name: np.zeros(n_epochs) for name in brush.QUANTILES})


@pytest.fixture
def session(monkeypatch):
    """A session in which the browser has reported nothing yet."""
    state = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_good_report_is_read():
    assert parse_windows(GOOD, 100) == (Window(1, 10), Window(91, 100))


@pytest.mark.parametrize(
    "early",
    [
        None,
        5,
        "1-10",
        [],
        [1],
        [1, 2, 3],
        [1.0, 10.0],
        [1, "10"],
        [True, 10],
        [0, 10],
        [10, 1],
        [1, 95],
        [-3, -1],
        [1, 10**30],
        {"0": 1, "1": 10},
    ],
)
def test_a_malformed_or_impossible_report_is_refused(early):
    assert parse_windows({**GOOD, "early": early}, 100) is None


def test_a_report_beyond_the_run_is_refused():
    assert parse_windows(GOOD, 99) is None


anything = hst.recursive(
    hst.none() | hst.booleans() | hst.integers(-5, 30) | hst.floats() | hst.text(max_size=3),
    lambda inner: hst.lists(inner, max_size=3) | hst.dictionaries(hst.text(max_size=5), inner),
)


@given(early=anything, late=anything, n_epochs=hst.integers(2, 25))
def test_whatever_comes_back_gives_valid_windows_or_none(early, late, n_epochs):
    windows = parse_windows({"early": early, "late": late}, n_epochs)
    if windows is not None:
        check_windows(*windows, n_epochs=n_epochs)


def test_a_report_is_taken_once(session):
    session["brush"] = {"windows": GOOD}
    assert take_windows("brush", 100) == (Window(1, 10), Window(91, 100))
    assert take_windows("brush", 100) is None
    session["brush"] = {"windows": {**GOOD, "revision": 6}}
    assert take_windows("brush", 100) is not None


def test_a_refused_report_is_answered_so_that_the_browser_takes_our_windows(session):
    session["brush"] = {"windows": {**GOOD, "late": [5, 6]}}
    assert take_windows("brush", 100) is None
    assert session["brush.revision"] == 5


@pytest.mark.parametrize("revision", [None, "5", 5.0, True, 0, -1, 2**60])
def test_a_report_without_a_proper_revision_is_ignored(session, revision):
    session["brush"] = {"windows": {**GOOD, "revision": revision}}
    assert take_windows("brush", 100) is None
    assert "brush.revision" not in session


@pytest.mark.parametrize("state", [None, "text", [], {}, {"windows": [1, 2]}])
def test_a_state_of_another_shape_reports_nothing(session, state):
    session["brush"] = state
    assert take_windows("brush", 100) is None


def test_the_payload_is_rounded_and_gaps_are_null():
    line = Line(index=3, label="x", values=np.array([0.123456, np.nan, np.inf]))
    payload = brush._series(flat_bands(3), [line])
    assert payload["lines"][0]["values"] == [0.1235, None, None]
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload


def test_series_of_another_length_are_named():
    line = Line(index=3, label="a7", values=[0.0] * 4)
    with pytest.raises(CoresetError, match="line a7 must have one value for each of the 5 epochs"):
        brush._check_lengths(flat_bands(5), [line], 5)


@pytest.mark.parametrize("colour", ["red", "#fff", "#00000g", "url(x)", "#0072B2;"])
def test_a_colour_is_six_hexadecimal_digits(colour):
    with pytest.raises(CoresetError, match="line colour must look like #rrggbb"):
        Line(index=0, label="x", values=[0.0], colour=colour)


@pytest.mark.parametrize(("value", "picked"), [(7, 7), (8, None), ("7", None), (True, None)])
def test_only_a_drawn_line_can_be_picked(value, picked):
    assert brush._valid_index(value, {1, 7}) == picked
