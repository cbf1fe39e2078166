import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.paired import compare_paired

finite = st.floats(-1, 1, allow_nan=False)


def test_three_seeds_by_hand():
    found = compare_paired([0.8, 0.9, 1.0], [0.7, 0.7, 0.7])
    assert found.mean == pytest.approx(0.2)
    assert found.standard_deviation == pytest.approx(0.1)
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # t(0.975, 2) from a table
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half))
    assert found.verdict == "no difference seen"


def test_more_seeds_would_tell_exactly_when_the_interval_then_excludes_zero():
    found = compare_paired([0.8, 0.9, 1.0], [0.7, 0.7, 0.7])
    n = found.seeds_to_tell
    assert n is not None

    def half(seeds: int) -> float:
        return stats.t.ppf(0.975, seeds - 1) * 0.1 / math.sqrt(seeds)

    assert half(n) < 0.2 <= half(n - 1)


@pytest.mark.parametrize(
    ("ours", "verdict"), [([0.9, 0.91, 0.92], "better"), ([0.1, 0.11, 0.12], "worse")]
)
def test_clear_differences_get_a_clear_verdict(ours, verdict):
    found = compare_paired(ours, [0.5, 0.5, 0.5])
    assert found.verdict == verdict
    assert found.seeds_to_tell is None


def test_one_seed_gives_no_interval_and_no_verdict():
    found = compare_paired([0.9], [0.5])
    assert found.verdict == "too few seeds"
    assert math.isnan(found.low)


def test_equal_results_are_no_difference_and_no_number_of_seeds_would_tell():
    found = compare_paired([0.5, 0.5], [0.5, 0.5])
    assert (found.verdict, found.seeds_to_tell) == ("no difference seen", None)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
def test_equal_differences_have_no_interval_and_no_verdict(n_seeds):
    reference = np.linspace(0.5, 0.8, n_seeds)
    found = compare_paired(reference + 0.01, reference)
    assert (found.verdict, found.seeds_to_tell) == ("too few seeds", None)
    assert math.isnan(found.low)
    assert found.mean == pytest.approx(0.01)


@pytest.mark.parametrize(("a", "b"), [([0.5], [0.5, 0.6]), ([], []), ([math.nan], [0.5])])
def test_results_that_do_not_pair_are_refused(a, b):
    with pytest.raises(CoresetError, match="Finish the missing cells"):
        compare_paired(a, b)


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=8))
def test_swapping_the_sides_mirrors_everything(pairs):
    a, b = np.array(pairs).T
    one, other = compare_paired(a, b), compare_paired(b, a)
    assert one.mean == pytest.approx(-other.mean)
    assert one.low == pytest.approx(-other.high, nan_ok=True)
    assert {one.verdict, other.verdict} in (
        {"better", "worse"},
        {"no difference seen"},
        {"too few seeds"},
    )


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=8))
def test_the_interval_is_the_one_of_scipy(pairs):
    a, b = np.array(pairs).T
    found = compare_paired(a, b)
    if found.standard_deviation > 1e-9:
        expected = stats.ttest_rel(a, b).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("n_seeds", [3, 5, 10])
def test_the_interval_covers_the_true_difference_in_95_of_100_experiments(n_seeds):
    rng = np.random.default_rng(5)
    true, n_experiments = 0.013, 4000
    hits = 0
    for _ in range(n_experiments):
        random = rng.normal(0.8, 0.02, n_seeds)
        ours = random + rng.normal(true, 0.015, n_seeds)
        found = compare_paired(ours, random)
        hits += found.low <= true <= found.high
    assert 0.93 <= hits / n_experiments <= 0.97
