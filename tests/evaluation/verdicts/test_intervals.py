"""Intervals over draws and test images: by hand, against references, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.verdicts.intervals import Draws, difference, estimate
from coreset_lib.evaluation.verdicts.judging import judge

N_EXPERIMENTS = 1200
IMAGE_SPREAD, CHANCE = 1.5, 0.7


def draws_of(correct):
    """Accuracy of networks (rows) on images (columns)."""
    accuracy = correct.mean(axis=1)
    return Draws(accuracy, correct - accuracy[:, None])


def accuracies(rng, means, n_draws, n_images, seed_spread):
    """Networks of two sides on the same images: probit of side, draw, image and chance.

    What is hard for one side is mostly hard for the other one.
    """
    hard = rng.normal(size=(2, n_images))
    hard[1] = 0.8 * hard[0] + 0.6 * hard[1]
    for mean, n, image in zip(means, n_draws, hard, strict=True):
        of_draw = seed_spread * rng.normal(size=(n, 1))
        chance = CHANCE * rng.normal(size=(n, n_images))
        yield draws_of((mean + of_draw + IMAGE_SPREAD * image + chance > 0).astype(float))


def true_difference(means, seed_spread):
    """What the two sides differ by over all draws and images."""
    scale = math.sqrt(seed_spread**2 + IMAGE_SPREAD**2 + CHANCE**2)
    ours, reference = (stats.norm.cdf(mean / scale) for mean in means)
    return float(ours - reference)


class TestDifference:
    def test_two_and_three_draws_by_hand(self):
        found = difference(Draws(np.array([0.7, 0.9])), Draws(np.array([0.5, 0.6, 0.7])))
        variances = 0.02 / 2, 0.01 / 3
        degrees = sum(variances) ** 2 / (variances[0] ** 2 / 1 + variances[1] ** 2 / 2)
        half = stats.t.ppf(0.975, degrees) * math.sqrt(sum(variances))
        assert found.mean == pytest.approx(0.2)
        assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half))
        assert not found.covers_images

    @given(
        st.lists(st.floats(0, 1), min_size=2, max_size=9),
        st.lists(st.floats(0, 1), min_size=2, max_size=9),
    )
    def test_over_draws_alone_it_is_welchs_interval(self, ours, reference):
        assume(min(np.std(ours), np.std(reference)) > 1e-3)
        found = difference(Draws(np.array(ours)), Draws(np.array(reference)))
        welch = stats.ttest_ind(ours, reference, equal_var=False)
        expected = welch.confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-7)
        assert found.p_value == pytest.approx(welch.pvalue, abs=1e-7)

    def test_three_networks_on_four_images_by_hand(self):
        correct = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 0]], dtype=float)
        found = difference(draws_of(correct), draws_of(np.array([[1.0, 0, 0, 0]] * 2)))
        by_draw, by_image = correct.mean(axis=1), correct.mean(axis=0)
        residual = correct - by_draw[:, None] - by_image + correct.mean()
        both = (residual**2).sum() / (2 * 3) / 12
        seeds = max(by_draw.var(ddof=1) / 3, both)
        images = (by_image - np.array([1, 0, 0, 0])).var(ddof=1) / 4
        assert found.spread.seeds == pytest.approx((seeds, 0))
        assert found.spread.images == pytest.approx(images - both)

    def test_networks_that_agree_on_every_image_leave_the_variance_of_the_images(self):
        ours = draws_of(np.tile([1.0, 1, 1, 1, 0, 0, 1, 1], (3, 1)))
        found = difference(ours, draws_of(np.tile([1.0, 1, 0, 0, 0, 1, 0, 1], (4, 1))))
        of_images = np.array([0, 0, 1, 1, 0, -1, 1, 0])
        assert found.spread.seeds == pytest.approx((0, 0), abs=1e-12)
        assert found.spread.images == pytest.approx(of_images.var(ddof=1) / 8)

    def test_the_sides_exchanged_mirror_everything(self):
        one, other = accuracies(np.random.default_rng(3), (1, 0.5), (3, 5), 60, 0.2)
        found, mirrored = difference(one, other), difference(other, one)
        assert (found.mean, found.low) == pytest.approx((-mirrored.mean, -mirrored.high))
        assert found.p_value == pytest.approx(mirrored.p_value)

    @pytest.mark.parametrize("n_draws", [(1, 3), (3, 1)])
    def test_one_draw_of_a_side_gives_no_interval(self, n_draws):
        found = difference(*(Draws(np.linspace(0.4, 0.6, n)) for n in n_draws))
        assert not found.is_known
        assert math.isnan(found.p_value)
        assert judge(found) == "undecided"

    def test_what_never_differs_has_no_interval(self):
        found = difference(Draws(np.full(3, 0.75)), Draws(np.full(3, 0.25)))
        assert (found.mean, found.is_known) == (0.5, False)

    @pytest.mark.parametrize("values", [[], [math.nan, 0.5], [[0.5]]])
    def test_values_that_are_no_list_of_numbers_are_refused(self, values):
        with pytest.raises(CoresetError, match="Finish the missing trainings"):
            Draws(np.array(values))

    def test_other_images_are_refused(self):
        sides = (draws_of(np.eye(2, n)) for n in (4, 5))
        with pytest.raises(CoresetError, match="tested on the same images"):
            difference(*sides)

    def test_contributions_of_other_draws_are_refused(self):
        with pytest.raises(CoresetError, match="one row for each of the 3 draws"):
            Draws(np.array([0.1, 0.2, 0.3]), np.zeros((2, 5)))


class TestSimulation:
    @pytest.mark.parametrize(
        ("n_draws", "n_images", "means", "seed_spread"),
        [
            ((3, 3), 156, (1.5, 1.2), 0.2),
            ((5, 5), 156, (1.5, 1.2), 0.2),
            ((10, 10), 156, (1.5, 1.2), 0.2),
            ((3, 3), 400, (2.0, 1.9), 0.3),
            ((10, 10), 400, (2.0, 1.9), 0.3),
            ((5, 20), 400, (1.0, 0.8), 0.3),
            ((10, 10), 40, (1.0, 0.7), 0.2),
        ],
    )
    def test_the_interval_covers_the_true_difference_in_95_of_100_experiments(
        self, n_draws, n_images, means, seed_spread
    ):
        rng, true, hits = np.random.default_rng(7), true_difference(means, seed_spread), 0
        for _ in range(N_EXPERIMENTS):
            found = difference(*accuracies(rng, means, n_draws, n_images, seed_spread))
            hits += found.low <= true <= found.high
        assert 0.93 <= hits / N_EXPERIMENTS <= 0.97

    @pytest.mark.parametrize("n_draws", [(3, 3), (5, 5), (10, 10), (5, 20)])
    @pytest.mark.parametrize("correlation", [0.0, 0.07])
    def test_over_draws_alone_it_covers_too_whether_equal_seeds_pair_a_little_or_not(
        self, n_draws, correlation
    ):
        rng, true, hits = np.random.default_rng(8), 0.013, 0
        for _ in range(2 * N_EXPERIMENTS):
            ours, reference = (rng.normal(0, 0.02, n) for n in n_draws)
            alike = min(n_draws)
            ours[:alike] *= math.sqrt(1 - correlation**2)
            ours[:alike] += correlation * reference[:alike]
            found = difference(Draws(0.8 + true + ours), Draws(0.8 + reference))
            hits += found.low <= true <= found.high
        assert 0.93 <= hits / (2 * N_EXPERIMENTS) <= 0.97

    @pytest.mark.parametrize(("n_draws", "seed_spread"), [(3, 0.5), (5, 0.3), (10, 0.2)])
    def test_a_mean_is_covered_too(self, n_draws, seed_spread):
        rng, hits = np.random.default_rng(9), 0
        true = true_difference((1.0, -math.inf), seed_spread)
        for _ in range(N_EXPERIMENTS):
            ours, _ = accuracies(rng, (1.0, 0.0), (n_draws, 2), 300, seed_spread)
            found = estimate(ours)
            hits += found.low <= true <= found.high
        assert 0.93 <= hits / N_EXPERIMENTS <= 0.97

    @pytest.mark.parametrize("n_draws", [3, 5, 10])
    @pytest.mark.parametrize("means", [(1.3, 1.0), (1.0, 1.3)])
    def test_what_differs_by_the_margin_is_called_equivalent_in_at_most_5_of_100_experiments(
        self, n_draws, means
    ):
        rng, seed_spread, errors = np.random.default_rng(10), 0.05, 0
        margin = abs(true_difference(means, seed_spread))
        for _ in range(2 * N_EXPERIMENTS):
            found = difference(*accuracies(rng, means, (n_draws,) * 2, 400, seed_spread))
            errors += judge(found, margin=margin) == "equivalent"
        assert errors / (2 * N_EXPERIMENTS) <= 0.05

    @pytest.mark.parametrize("n_draws", [3, 5, 10])
    def test_a_difference_of_a_point_over_draws_alone_is_hardly_called_equivalent(self, n_draws):
        rng, errors = np.random.default_rng(12), 0
        for _ in range(2 * N_EXPERIMENTS):
            sides = (Draws(rng.normal(mean, 0.003, n_draws)) for mean in (0.81, 0.8))
            errors += judge(difference(*sides)) == "equivalent"
        assert errors / (2 * N_EXPERIMENTS) <= 0.05

    @pytest.mark.parametrize("n_draws", [3, 10])
    def test_nothing_is_called_better_or_worse_in_more_than_5_of_100_experiments_without_it(
        self, n_draws
    ):
        rng, wrong = np.random.default_rng(11), 0
        for _ in range(N_EXPERIMENTS):
            sides = accuracies(rng, (1.2, 1.2), (n_draws, n_draws), 400, 0.2)
            wrong += judge(difference(*sides)) in ("better", "worse")
        assert wrong / N_EXPERIMENTS <= 0.07


class TestEstimate:
    def test_the_worst_draw_and_the_spread_are_told(self):
        found = estimate(Draws(np.array([0.7, 0.8, 0.9])))
        half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
        assert (found.worst, found.mean, found.standard_deviation) == pytest.approx((0.7, 0.8, 0.1))
        assert (found.low, found.high) == pytest.approx((0.8 - half, 0.8 + half))

    def test_one_draw_has_no_spread(self):
        found = estimate(Draws(np.array([0.7])))
        assert math.isnan(found.standard_deviation)
        assert math.isnan(found.low)
