"""Verdicts, who pays, Benjamini-Hochberg, headroom; and how many draws a difference needs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from coreset_lib.evaluation.verdicts.intervals import Draws, difference
from coreset_lib.evaluation.verdicts.judging import (
    benjamini_hochberg,
    headroom,
    judge,
    judge_all,
)
from coreset_lib.evaluation.verdicts.planning import (
    draws_needed,
    draws_to_tell,
    smallest_difference,
)


def differing_by(points, *, spread=0.1, n_draws=5):
    """A difference of so many points, with draws that deviate by ``spread`` points."""
    around = spread / 100 * np.linspace(-1, 1, n_draws)
    return difference(Draws(0.8 + points / 100 + around), Draws(0.8 + around))


class TestJudge:
    @pytest.mark.parametrize(
        ("points", "spread", "word"),
        [
            (3, 1, "better"),
            (-3, 1, "worse"),
            (0.1, 0.2, "equivalent"),
            (0.1, 5, "undecided"),
            (1.0, 1.5, "undecided"),
            (0.5, 0.05, "better"),
        ],
    )
    def test_each_word(self, points, spread, word):
        assert judge(differing_by(points, spread=spread)) == word

    def test_equivalence_is_two_one_sided_tests_at_5_percent(self):
        found = differing_by(0.2, spread=0.7)
        error = found.spread.standard_error
        t = stats.t(found.spread.degrees)
        p = max(1 - t.cdf((found.mean + 0.01) / error), t.cdf((found.mean - 0.01) / error))
        assert (p <= 0.05) == (judge(found) == "equivalent")
        for margin in np.linspace(0.001, 0.03, 30):
            p = t.cdf((found.mean - margin) / error)
            assert (p < 0.05) == (judge(found, margin=float(margin)) == "equivalent")


class TestLosses:
    def test_better_although_a_class_pays_is_not_plainly_better(self):
        guarded = {
            "malignant": differing_by(-13, spread=4),
            "benign": differing_by(4),
        }
        (verdict,) = judge_all([differing_by(2.7)], [guarded])
        assert verdict.word == "better"
        assert not verdict.is_plainly_better
        (loss,) = verdict.losses
        assert (loss.figure, loss.is_beyond_chance) == ("malignant", True)
        assert loss.difference.mean == pytest.approx(-0.13)

    def test_the_gravest_loss_comes_first(self):
        guarded = {"accuracy": differing_by(-1), "a": differing_by(-5)}
        (verdict,) = judge_all([differing_by(2)], [guarded])
        assert [loss.figure for loss in verdict.losses] == ["a", "accuracy"]

    def test_nothing_pays_where_nothing_is_certainly_worse(self):
        (verdict,) = judge_all([differing_by(2)], [{"a": differing_by(-1, spread=5)}])
        assert verdict.is_plainly_better

    def test_a_loss_among_many_figures_may_be_chance_and_says_so(self):
        barely = differing_by(-1.0, spread=0.85)
        assert 0.03 < barely.p_value < 0.05
        nothing = {str(k): differing_by(0, spread=1) for k in range(20)}
        (verdict,) = judge_all([differing_by(2)], [nothing | {"a": barely}])
        (loss,) = verdict.losses
        assert loss.q_value == pytest.approx(min(21 * barely.p_value, 1))
        assert not loss.is_beyond_chance

    def test_undecided_says_how_many_draws_would_decide(self):
        decided, open_one = judge_all([differing_by(3), differing_by(1, spread=2)], [{}, {}])
        assert decided.draws_to_tell is None
        assert open_one.word == "undecided"
        assert open_one.draws_to_tell > 5


class TestBenjaminiHochberg:
    def test_the_example_of_the_paper(self):
        p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
        p_values += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
        assert (benjamini_hochberg(p_values) <= 0.05).sum() == 4

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
    def test_it_is_the_one_of_scipy(self, p_values):
        expected = stats.false_discovery_control(p_values)
        assert benjamini_hochberg(p_values) == pytest.approx(expected)

    def test_what_was_not_tested_does_not_count(self):
        found = benjamini_hochberg([0.01, math.nan, 0.04])
        assert found[[0, 2]] == pytest.approx([0.02, 0.04])
        assert math.isnan(found[1])
        assert len(benjamini_hochberg([])) == 0

    def test_true_nulls_are_named_in_at_most_5_of_100_comparisons(self):
        rng, n_named = np.random.default_rng(3), 0
        for _ in range(2000):
            n_named += (benjamini_hochberg(rng.random(15)) <= 0.05).any()
        assert n_named / 2000 <= 0.065


class TestHeadroom:
    def test_the_share_won(self):
        found = headroom(0.9, 0.8, 0.025)
        assert (found.size, found.share_won) == pytest.approx((0.1, 0.25))

    def test_no_share_of_nothing(self):
        assert math.isnan(headroom(0.8, 0.8, 0.01).share_won)


class TestDrawsNeeded:
    @pytest.mark.parametrize(("size", "deviation"), [(0.01, 0.013), (0.02, 0.02), (0.05, 0.03)])
    def test_so_many_find_it_in_four_of_five_experiments_and_fewer_do_not(self, size, deviation):
        n = draws_needed(size, deviations=(deviation, deviation))
        assert n is not None

        def power(n_draws):
            t, lift = 2 * n_draws - 2, size / (deviation * math.sqrt(2 / n_draws))
            return stats.nct.sf(stats.t.ppf(0.975, t), t, lift)

        assert power(n) >= 0.79
        assert power(n - 1) < 0.81

    def test_a_test_set_that_is_too_small_cannot_tell_with_any_number(self):
        found = draws_needed(0.01, deviations=(0.01, 0.01), image_variance=0.02**2)
        assert found is None

    @pytest.mark.parametrize("size", [0.0, math.nan])
    def test_nothing_is_not_found(self, size):
        assert draws_needed(size, deviations=(0.1, 0.1)) is None

    def test_the_smallest_difference_of_so_many_draws_needs_so_many(self):
        deviations = (0.02, 0.01)
        for n_draws in (3, 5, 12):
            size = smallest_difference(n_draws, deviations=deviations)
            assert draws_needed(size * 1.0001, deviations=deviations) == n_draws

    def test_more_draws_than_there_are_would_tell(self):
        found = differing_by(0.6, spread=0.8)
        assert judge(found) == "undecided"
        n = draws_to_tell(found, margin=0.01)
        assert n is not None
        assert n > 5

    def test_without_an_interval_nobody_knows(self):
        assert draws_to_tell(differing_by(1, n_draws=1), margin=0.01) is None
