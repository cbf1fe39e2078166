"""Slices by a column: who is in which, and what may be said of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.scores.slices import (
    MOST_SLICES,
    OTHERS,
    Slices,
    classes_of_one_slice,
    compare_slices,
    slices_of,
    wilson_interval,
)


def test_texts_make_a_slice_each_the_commonest_first():
    slices = slices_of(pd.Series(["GE", "Siemens", "", None, "GE", " GE "]))
    assert slices.names == ("GE", "Siemens")
    assert slices.codes.tolist() == [0, 1, -1, -1, 0, 0]
    assert slices.members(1).tolist() == [1]
    assert slices.holds(["Siemens", "gone"]).tolist() == [False, True, False, False, False, False]


def test_what_is_rare_among_many_texts_is_others():
    cells = [name for k in range(MOST_SLICES + 3) for name in [f"site {k:02d}"] * (20 - k)]
    slices = slices_of(pd.Series(cells))
    assert len(slices.names) == MOST_SLICES + 1
    assert slices.names[-1] == OTHERS
    assert (slices.codes == MOST_SLICES).sum() == sum(20 - k for k in (12, 13, 14))


def test_numbers_are_cut_into_quarters_named_by_their_ends():
    slices = slices_of(pd.Series([str(age) for age in range(40)] + [""]))
    assert slices.names == ("0 to 9", "10 to 19", "20 to 29", "30 to 39")
    assert np.bincount(slices.codes[:-1]).tolist() == [10, 10, 10, 10]
    assert slices.codes[-1] == -1


def test_few_numbers_are_names_and_many_equal_ones_no_empty_slices():
    assert slices_of(pd.Series([1.5, 3.0] * 5)).names == ("1.5", "3.0")
    skewed = slices_of(pd.Series([0] * 90 + list(range(1, 11))))
    assert all(len(skewed.members(k)) for k in range(len(skewed.names)))


def test_an_empty_column_has_no_slices():
    slices = slices_of(pd.Series(["", None]))
    assert slices.names == ()
    assert compare_slices(slices, np.array([0, 1]), np.array([True, True]), n_classes=2) == []


@pytest.mark.parametrize(
    ("n_right", "n_samples", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombes_table(n_right, n_samples, low, high):
    assert wilson_interval(n_right, n_samples) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(0, 200), st.integers(1, 200))
def test_an_interval_holds_its_share(n_right, n_samples):
    n_right = min(n_right, n_samples)
    low, high = wilson_interval(n_right, n_samples)
    assert 0 <= low <= n_right / n_samples + 1e-12
    assert n_right / n_samples - 1e-12 <= high <= 1
    wider = wilson_interval(n_right, n_samples, level=0.999)
    assert wider[0] <= low + 1e-12
    assert wider[1] >= high - 1e-12


def test_a_slice_is_compared_with_what_its_classes_lead_one_to_expect():
    # Class 0 is right always, class 1 in half of its samples; site b has class 1 only.
    labels = np.array([0] * 100 + [1] * 100)
    is_right = np.array([True] * 100 + [True, False] * 50)
    slices = Slices(("a", "b"), np.array([0] * 100 + [1] * 100))
    a, b = compare_slices(slices, labels, is_right, n_classes=2)
    assert (a.right, b.right) == (1.0, 0.5)
    assert (a.expected, b.expected) == (1.0, 0.5)
    assert (a.verdict, b.verdict) == ("", "")
    assert b.class_shares.tolist() == [0, 1]
    assert b.low < 0.5 < b.high


def test_a_site_that_is_worse_at_the_same_classes_is_told():
    labels = np.tile([0, 1], 200)
    slices = Slices(("a", "b"), np.repeat([0, 1], 200))
    is_right = np.concatenate([np.ones(200, bool), np.arange(200) % 4 > 1])
    a, b = compare_slices(slices, labels, is_right, n_classes=2)
    assert (a.verdict, b.verdict) == ("higher", "lower")
    assert a.expected == pytest.approx(0.75)


def test_without_a_difference_one_table_in_twenty_errs_at_most():
    random = np.random.default_rng(0)
    labels = np.zeros(400, np.int64)
    slices = Slices(("a", "b", "c", "d"), np.arange(400) % 4)
    tables = [
        compare_slices(slices, labels, random.random(400) < 0.7, n_classes=1) for _ in range(400)
    ]
    wrong = sum(any(row.verdict for row in table) for table in tables)
    assert wrong <= 0.05 * 400 + 3 * (0.05 * 0.95 * 400) ** 0.5


def test_a_class_of_one_site_is_named():
    labels = np.array([0] * 6 + [1] * 6 + [2] * 2)
    slices = Slices(("a", "b"), np.array([0, 1] * 3 + [1] * 6 + [0] * 2))
    assert classes_of_one_slice(slices, labels, n_classes=3) == [(1, 1)]
    one = Slices(("a",), np.zeros(14, np.int64))
    assert classes_of_one_slice(one, labels, n_classes=3) == []
