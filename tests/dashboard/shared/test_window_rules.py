import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.windows import Window, check_windows
from dashboard.shared.windows.window_rules import (
    can_hold_windows,
    fit_windows,
    widen_windows,
)


@st.composite
def windows(draw, most=30):
    first = draw(st.integers(1, most))
    return Window(first, draw(st.integers(first, most)))


asked_for = {
    "early": windows(),
    "late": windows(),
    "n_epochs": st.integers(2, 24),
    "moved": st.sampled_from(["early", "late"]),
    "lock_length": st.booleans(),
}


def displacement(window, asked):
    return abs(window.first - asked.first) + abs(window.last - asked.last)


def possible_windows(n_epochs, moved, lock_length):
    """Every place the moved window can take so that the other one still fits."""
    for first, last in itertools.combinations_with_replacement(range(1, n_epochs + 1), 2):
        needed = last - first + 1 if lock_length else 1
        room = n_epochs - last if moved == "early" else first - 1
        if room >= needed:
            yield Window(first, last)


@given(**asked_for)
def test_the_result_is_always_two_valid_windows(early, late, n_epochs, moved, lock_length):
    fitted = fit_windows(early, late, n_epochs=n_epochs, moved=moved, lock_length=lock_length)
    check_windows(*fitted, n_epochs=n_epochs)


@given(**asked_for)
def test_fitting_twice_changes_nothing_more(early, late, n_epochs, moved, lock_length):
    options = {"n_epochs": n_epochs, "moved": moved, "lock_length": lock_length}
    once = fit_windows(early, late, **options)
    assert fit_windows(*once, **options) == once


@given(**asked_for)
def test_locked_windows_have_equal_length(early, late, n_epochs, moved, lock_length):
    del lock_length
    fitted = fit_windows(early, late, n_epochs=n_epochs, moved=moved, lock_length=True)
    assert fitted[0].n_epochs == fitted[1].n_epochs


@given(**asked_for)
def test_the_moved_window_is_as_close_as_possible_to_what_was_asked(
    early, late, n_epochs, moved, lock_length
):
    fitted = fit_windows(early, late, n_epochs=n_epochs, moved=moved, lock_length=lock_length)
    asked, got = (early, fitted[0]) if moved == "early" else (late, fitted[1])
    best = min(
        displacement(window, asked) for window in possible_windows(n_epochs, moved, lock_length)
    )
    assert displacement(got, asked) == best


@given(**asked_for)
def test_early_and_late_are_mirror_images(early, late, n_epochs, moved, lock_length):
    def mirror(window):
        return Window(31 - window.last, 31 - window.first)

    del n_epochs
    fitted = fit_windows(early, late, n_epochs=30, moved=moved, lock_length=lock_length)
    other = "late" if moved == "early" else "early"
    mirrored = fit_windows(
        mirror(late), mirror(early), n_epochs=30, moved=other, lock_length=lock_length
    )
    assert mirrored == (mirror(fitted[1]), mirror(fitted[0]))


@pytest.mark.parametrize(
    ("early", "late", "options", "expected"),
    [
        ("1-10", "91-100", {}, ("1-10", "91-100")),
        ("1-15", "91-100", {}, ("1-15", "86-100")),
        ("1-80", "91-100", {}, ("1-50", "51-100")),
        ("5-14", "10-19", {}, ("5-14", "15-24")),
        ("1-10", "5-14", {"moved": "late"}, ("1-7", "8-14")),
        ("1-10", "95-100", {"moved": "late"}, ("1-6", "95-100")),
        ("1-30", "91-100", {"lock_length": False}, ("1-30", "91-100")),
        ("1-95", "91-100", {"lock_length": False}, ("1-95", "96-100")),
        ("1-100", "91-100", {"lock_length": False}, ("1-99", "100-100")),
        ("1-10", "191-200", {}, ("1-10", "91-100")),
    ],
)
def test_the_other_window_makes_room(early, late, options, expected):
    fitted = fit_windows(Window.parse(early), Window.parse(late), n_epochs=100, **options)
    assert tuple(map(str, fitted)) == expected


def test_two_epochs_hold_one_epoch_each():
    assert fit_windows(Window(1, 2), Window(1, 2), n_epochs=2) == (Window(1, 1), Window(2, 2))
    assert can_hold_windows(2)


def test_one_epoch_holds_no_two_windows():
    assert not can_hold_windows(1)
    with pytest.raises(CoresetError, match="number of epochs must be at least 2, got 1"):
        fit_windows(Window(1, 1), Window(1, 1), n_epochs=1)


def test_an_unknown_window_is_named():
    with pytest.raises(CoresetError, match="moved must be one of early, late"):
        fit_windows(Window(1, 1), Window(2, 2), n_epochs=2, moved="middle")


@pytest.mark.parametrize("n_epochs", [4, 5, 8])
def test_windows_of_one_epoch_get_a_second_one_and_others_stay(n_epochs):
    epochs = range(1, n_epochs + 1)
    for a, b, c, d in itertools.combinations_with_replacement(epochs, 4):
        if b == c:
            continue
        given = Window(a, b), Window(c, d)
        early, late = widen_windows(*given, n_epochs=n_epochs)
        check_windows(early, late, n_epochs=n_epochs)
        assert min(early.n_epochs, late.n_epochs) >= 2
        if a < b and c < d:
            assert (early, late) == given


def test_a_run_of_three_epochs_keeps_its_windows():
    given = Window(1, 1), Window(3, 3)
    assert widen_windows(*given, n_epochs=3) == given
