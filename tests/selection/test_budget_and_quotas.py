"""How many samples to keep, and how many of each class."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.selection.budget import budget, class_quotas


@pytest.mark.parametrize(
    ("rate", "n_samples", "expected"),
    [
        (0.07, 100, 7),
        (0.29, 100, 29),
        (0.1, 30, 3),
        (0.1, 31, 4),
        (0.3, 10, 3),
        (1, 5, 5),
        (1e-05, 10, 1),
        (np.float64(0.07), 100, 7),
        (0.123456789, 1, 1),
        (1e-12, 100, 1),
        (17 / 30, 30, 17),
    ],
)
def test_the_rate_counts_as_the_decimal_that_was_written(rate, n_samples, expected):
    assert budget(rate, n_samples) == expected


@given(st.integers(1, 999), st.integers(1, 100_000))
def test_budget_is_the_exact_ceiling_of_thousandths(thousandths, n_samples):
    keep = budget(thousandths / 1000, n_samples)
    assert keep == math.ceil(Fraction(thousandths, 1000) * n_samples)
    assert 1 <= keep <= n_samples


@given(st.integers(1, 2_000_000), st.data())
def test_a_share_of_whole_samples_gives_them_back(n_samples, data):
    keep = data.draw(st.integers(1, n_samples))
    assert budget(keep / n_samples, n_samples) == keep


@pytest.mark.parametrize(
    ("rate", "hint"),
    [
        (5, "must be in (0, 1], got 5. For 5 % write 0.05."),
        (0, "got 0. Give the share to keep"),
        (-0.1, "got -0.1. Give the share to keep"),
        (float("nan"), "got nan. Give the share to keep"),
        (float("inf"), "got inf. Give the share to keep"),
        (101, "got 101. Give the share to keep"),
    ],
)
def test_a_rate_that_is_no_share_is_told_how_to_write_it(rate, hint):
    with pytest.raises(CoresetError) as caught:
        budget(rate, 100)
    assert hint in str(caught.value)


CLASSES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (max(pair), min(pair))),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=300)
@given(CLASSES, st.data(), st.sampled_from(["proportional", "equal"]))
def test_quotas_sum_up_respect_caps_and_reach_every_class(classes, data, balance):
    counts, available = (np.array(column) for column in zip(*classes, strict=True))
    assume(available.sum() > 0)
    n_present = int((available > 0).sum())
    least = n_present if balance == "equal" else 1
    total = data.draw(st.integers(least, int(available.sum())))
    quotas = class_quotas(total, class_counts=counts, available=available, balance=balance)
    assert quotas.sum() == total
    assert (quotas >= 0).all()
    assert (quotas <= available).all()
    if total >= n_present:
        assert (quotas[available > 0] >= 1).all()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=8), st.data())
def test_a_larger_class_never_gets_fewer(sizes, data):
    counts = np.array(sizes)
    total = data.draw(st.integers(1, int(counts.sum())))
    quotas = class_quotas(total, class_counts=counts, available=counts, balance="proportional")
    for a in range(len(counts)):
        for b in range(len(counts)):
            assert counts[a] <= counts[b] or quotas[a] >= quotas[b]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=8), st.data())
def test_equal_quotas_differ_by_one_at_most_where_classes_are_large_enough(sizes, data):
    counts = np.array(sizes)
    total = data.draw(st.integers(len(counts), int(counts.sum())))
    quotas = class_quotas(total, class_counts=counts, available=counts, balance="equal")
    unfilled = quotas[quotas < counts]
    if len(unfilled):
        assert quotas.max() <= unfilled.min() + 1


def test_largest_remainder_by_hand():
    counts = np.array([50, 30, 20])
    quotas = class_quotas(7, class_counts=counts, available=counts, balance="proportional")
    assert quotas.tolist() == [4, 2, 1]  # shares 3.5, 2.1, 1.4: the seventh goes to 3.5


def test_a_small_class_gets_its_one_from_the_class_with_most():
    counts = np.array([10, 9, 1])
    quotas = class_quotas(6, class_counts=counts, available=counts, balance="proportional")
    assert quotas.tolist() == [3, 2, 1]


def test_what_a_full_class_cannot_take_goes_to_the_others():
    counts = np.array([100, 100, 4])
    quotas = class_quotas(60, class_counts=counts, available=counts, balance="equal")
    assert quotas.tolist() == [28, 28, 4]


def test_a_class_that_was_cut_away_gets_nothing():
    quotas = class_quotas(
        4, class_counts=np.array([5, 5]), available=np.array([0, 5]), balance="proportional"
    )
    assert quotas.tolist() == [0, 4]


def test_equal_balance_refuses_fewer_samples_than_classes():
    counts = np.array([9, 9, 9])
    with pytest.raises(CoresetError, match=r"got 2 samples for 3 classes. Raise the rate"):
        class_quotas(2, class_counts=counts, available=counts, balance="equal")
