import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from coreset_lib.clustering import METRICS, choose_k, k_medoids
from coreset_lib.errors import CoresetError


def test_separated_groups_are_counted_and_found(blobs):
    features, groups = blobs
    result = choose_k(features)
    assert result.k == 3
    assert len({*zip(result.labels, groups, strict=True)}) == 3


def test_the_curve_holds_every_k_and_the_result_its_peak(features):
    result = choose_k(features, (2, 7))
    assert [point.k for point in result.k_curve] == [2, 3, 4, 5, 6, 7]
    best = max(result.k_curve, key=lambda point: point.silhouette)
    assert (result.k, result.inertia, result.silhouette) == best


def test_the_inertia_falls_with_every_k(features):
    inertias = [point.inertia for point in choose_k(features, (2, 12)).k_curve]
    assert (np.diff(inertias) < 0).all()


def test_a_fixed_k_has_no_curve(blobs):
    assert k_medoids(blobs[0], 3).k_curve is None


@pytest.mark.parametrize("metric", METRICS)
def test_silhouettes_are_those_of_scikit_learn(features, metric):
    result = choose_k(features, (2, 5), metric=metric)
    expected = silhouette_score(features.astype(float), result.labels, metric=metric)
    assert result.silhouette == pytest.approx(expected, abs=1e-5)


def test_every_k_is_at_least_as_good_as_without_sharing(features):
    for point in choose_k(features, (2, 5), n_restarts=3).k_curve:
        alone = k_medoids(features, point.k, n_restarts=3)
        assert point.inertia <= alone.inertia * (1 + 1e-6)


def test_the_choice_is_repeatable(features):
    first, second = choose_k(features, seed=2), choose_k(features, seed=2)
    assert first.k_curve == second.k_curve
    assert first.medoids.tolist() == second.medoids.tolist()


def test_equal_silhouettes_choose_fewer_clusters():
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    pairs = np.repeat(corners * 10, 2, axis=0)
    curve = choose_k(pairs, (2, 4)).k_curve
    assert choose_k(pairs, (4, 8)).k == 4
    assert curve[-1].silhouette == pytest.approx(1)


@pytest.mark.parametrize(("n_samples", "largest"), [(3, 2), (5, 4), (11, 10), (30, 10)])
def test_a_small_class_lowers_the_largest_k(n_samples, largest):
    features = np.random.default_rng(0).normal(size=(n_samples, 2))
    assert choose_k(features).k_curve[-1].k == largest


def test_copies_lower_the_largest_k():
    features = np.repeat(np.arange(4.0)[:, None] ** 2, 8, axis=0)
    assert [point.k for point in choose_k(features).k_curve] == [2, 3, 4]


@pytest.mark.parametrize(
    ("n_samples", "k_range", "sentence"),
    [
        (2, (2, 10), "choosing k from 2 on needs at least 3 samples, got 2"),
        (8, (1, 4), "k_range must be two whole numbers.* got \\(1, 4\\)"),
        (8, (5, 4), "k_range must be two whole numbers.* got \\(5, 4\\)"),
        (8, (2.5, 4), "k_range must be two whole numbers.* got \\(2.5, 4\\)"),
    ],
)
def test_an_impossible_range_is_told_in_one_sentence(n_samples, k_range, sentence):
    features = np.arange(n_samples, dtype=float)[:, None]
    with pytest.raises(CoresetError, match=sentence):
        choose_k(features, k_range)


def test_constant_features_are_told_in_one_sentence():
    with pytest.raises(CoresetError, match="features must differ between samples for k from 2 on"):
        choose_k(np.ones((20, 4)))


def test_too_few_different_samples_for_the_range_are_told():
    with pytest.raises(CoresetError, match="got 2 different ones among 20"):
        choose_k(np.repeat([[0.0], [1.0]], 10, axis=0), (3, 6))
