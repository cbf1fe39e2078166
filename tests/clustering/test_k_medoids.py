import subprocess
import sys
from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from coreset_lib.clustering import METRICS, k_medoids
from coreset_lib.clustering.fasterpam import improve
from coreset_lib.errors import CoresetError

FIVE = np.array([[0.0], [1.0], [2.0], [10.0], [12.0]])


def distances_between(features, metric):
    return cdist(features, features, {"manhattan": "cityblock"}.get(metric, metric))


def loss_of(distances, medoids):
    return distances[list(medoids)].min(axis=0).sum()


def least_loss(distances, k):
    return min(loss_of(distances, medoids) for medoids in combinations(range(len(distances)), k))


def test_five_points_on_a_line_fall_into_their_two_groups():
    result = k_medoids(FIVE, 2)
    assert result.medoids[0] == 1
    assert result.labels.tolist() == [0, 0, 0, 1, 1]
    assert result.inertia == pytest.approx(1 + 0 + 1 + 0 + 2)


def test_the_silhouette_of_the_five_points_is_that_computed_by_hand():
    # Mean distance to the own group, and to the other, of the points 0, 1, 2, 10, 12.
    within, between = [1.5, 1, 1.5, 2, 2], [11, 10, 9, 9, 11]
    by_hand = np.mean([(b - a) / b for a, b in zip(within, between, strict=True)])
    assert k_medoids(FIVE, 2).silhouette == pytest.approx(by_hand)


def test_one_cluster_has_the_most_central_sample_and_no_silhouette():
    result = k_medoids(FIVE, 1)
    assert result.medoids.tolist() == [2]
    assert result.inertia == pytest.approx(2 + 1 + 0 + 8 + 10)
    assert result.silhouette is None


def test_as_many_clusters_as_samples_makes_each_its_own_medoid():
    result = k_medoids(FIVE, 5)
    assert result.medoids.tolist() == result.labels.tolist() == [0, 1, 2, 3, 4]
    assert result.inertia == 0
    assert result.silhouette == 0


def test_one_sample_is_one_cluster():
    result = k_medoids(np.array([[3.0, 4.0]]), 1)
    assert (result.medoids.tolist(), result.labels.tolist(), result.inertia) == ([0], [0], 0)


def test_cosine_compares_directions_not_lengths():
    features = np.array([[1.0, 0.0], [100.0, 0.0], [5.0, 0.0], [0.0, 1.0], [0.1, 50.0]])
    result = k_medoids(features, 2, metric="cosine")
    assert result.labels.tolist() == [0, 0, 0, 1, 1]
    assert result.inertia == pytest.approx(1 - 50 / sqrt(0.01 + 2500), rel=1e-5)


def test_tiny_and_huge_rows_keep_their_direction():
    directions = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    features = directions * np.array([[1e-200], [1.0], [1e20], [1e-150]])
    assert k_medoids(features, 2, metric="cosine").labels.tolist() == [0, 0, 1, 1]


def test_close_points_far_from_the_origin_keep_their_distances():
    assert k_medoids(FIVE * 1e-4 + 1e6, 2).inertia == pytest.approx(4e-4, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8, bool])
def test_any_real_numbers_are_accepted(dtype):
    features = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype)
    assert k_medoids(features, 2).inertia == pytest.approx(2)


def test_inertia_labels_and_medoids_belong_together(features):
    result = k_medoids(features, 4)
    distances = distances_between(features, "euclidean")
    assert result.inertia == pytest.approx(loss_of(distances, result.medoids), rel=1e-5)
    assert result.labels[result.medoids].tolist() == [0, 1, 2, 3]
    own = distances[result.medoids[result.labels], np.arange(len(features))]
    assert own == pytest.approx(distances[result.medoids].min(axis=0), abs=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_no_single_swap_improves_the_result(features, metric):
    result = k_medoids(features, 5, metric=metric)
    distances = distances_between(features, metric)
    for place in range(5):
        for candidate in range(len(features)):
            swapped = result.medoids.copy()
            swapped[place] = candidate
            assert loss_of(distances, swapped) >= result.inertia * (1 - 1e-5)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [2, 3, 4])
def test_small_sets_reach_the_best_of_all_medoid_sets(seed, k):
    features = np.random.default_rng(seed).normal(size=(14, 2))
    best = least_loss(distances_between(features, "euclidean"), k)
    assert k_medoids(features, k).inertia == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_a_single_random_start_comes_within_a_few_percent_of_the_best(seed):
    features = np.random.default_rng(seed).normal(size=(14, 2))
    best = least_loss(distances_between(features, "euclidean"), 3)
    result = k_medoids(features, 3, init="random", n_restarts=0, seed=seed)
    assert result.inertia <= 1.1 * best


def test_eager_and_steepest_swaps_report_the_loss_they_reached(features):
    distances = distances_between(features, "euclidean").astype(np.float32)
    for is_eager in (True, False):
        found = improve(distances, np.arange(6), is_eager=is_eager)
        assert found.loss == pytest.approx(loss_of(distances, found.medoids), rel=1e-6)
        assert found.n_iterations >= 1


def test_copies_of_samples_do_not_take_more_than_one_medoid():
    features = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]], 10, axis=0)
    result = k_medoids(features, 3)
    assert result.inertia == 0
    assert result.silhouette == pytest.approx(1)


@pytest.mark.parametrize("init", ["build", "random"])
def test_the_same_seed_gives_the_same_result(features, init):
    first, second = (k_medoids(features, 4, seed=5, init=init) for _ in range(2))
    assert first.medoids.tolist() == second.medoids.tolist()
    assert first.labels.tolist() == second.labels.tolist()
    assert first.silhouette == second.silhouette


def test_the_number_of_threads_does_not_change_the_result(features):
    one, three = (k_medoids(features, 5, workers=workers) for workers in (1, 3))
    assert one.medoids.tolist() == three.medoids.tolist()
    assert one.inertia == three.inertia


def test_another_seed_draws_other_random_starts():
    features = np.random.default_rng(0).random((400, 2))
    results = [k_medoids(features, 9, init="random", n_restarts=0, seed=s) for s in range(6)]
    assert len({tuple(result.medoids) for result in results}) > 1


def test_more_restarts_never_give_a_higher_loss(features):
    few, many = (k_medoids(features, 6, n_restarts=n).inertia for n in (0, 12))
    assert many <= few


@settings(max_examples=40, deadline=None)
@given(data=st.data(), k=st.integers(2, 4))
def test_the_order_of_samples_does_not_matter_where_every_start_is_tried(data, k):
    # Distinct whole numbers have ties among medoids, never an ambiguous best loss.
    values = data.draw(st.lists(st.integers(-50, 50), min_size=5, max_size=9, unique=True))
    features = np.array(values, float)[:, None]
    shuffled = features[data.draw(st.permutations(range(len(values))))]
    losses = [k_medoids(each, k, n_restarts=60).inertia for each in (features, shuffled)]
    assert losses[0] == pytest.approx(losses[1])


@settings(max_examples=60, deadline=None)
@given(
    features=arrays(float, st.tuples(st.integers(4, 25), st.integers(1, 3)),
                    elements=st.floats(-100, 100, width=16)),
    k=st.integers(1, 4),
    metric=st.sampled_from(["euclidean", "manhattan"]),
)  # fmt: skip
def test_any_clustering_is_complete_and_bounded(features, k, metric):
    if len(np.unique(features + 0, axis=0)) < k:
        with pytest.raises(CoresetError, match=r"different samples|must differ between samples"):
            k_medoids(features, k, metric=metric)
        return
    result = k_medoids(features, k, metric=metric)
    assert len(set(result.medoids)) == k
    assert sorted(set(result.labels)) == list(range(k))
    assert result.inertia <= distances_between(features, metric).sum(axis=1).min() * (1 + 1e-6)
    assert result.silhouette is None if k == 1 else -1 <= result.silhouette <= 1


def bad(features=FIVE, k=2, **options):
    return features, k, options


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (bad(k=0), "k must be at least 1, got 0"),
        (bad(k=2.5), "k must be a whole number, got 2.5"),
        (bad(k=6), "k must be at most the number of samples, 5, got 6"),
        (
            bad(np.ones((9, 3))),
            "features must differ between samples for k = 2, got 9 samples without any euclid",
        ),
        (bad(np.eye(3)[[0, 1, 0, 1]], k=3), "got 2 different ones among 4. Ask for at most 2"),
        (bad([[1.0], [np.nan], [2.0]]), "finite, got NaN or infinity in 1 of 3 samples, .* row 1"),
        (bad([[np.inf], [1.0], [2.0]]), "finite, got NaN or infinity in 1 of 3 samples, .* row 0"),
        (bad([[1e31], [1.0], [2.0]]), "features must lie within ±1e\\+30, got 1e\\+31"),
        (bad(np.ones(4)), "features must be a table .*, got shape \\(4,\\)"),
        (bad(np.ones((0, 4))), "features must be a table .*, got shape \\(0, 4\\)"),
        (bad(np.ones((4, 0))), "features must be a table .*, got shape \\(4, 0\\)"),
        (bad([["a"], ["b"]]), "features must be real numbers, got <U1"),
        (bad([[1j], [2j]]), "features must be real numbers, got complex128"),
        (bad(metric="cosin"), "metric must be one of euclidean, cosine, .* Did you mean cosine"),
        (bad(metric="cosine"), "no all-zero sample for metric 'cosine', got 1, first in row 0"),
        (bad(engine="pamm"), "engine must be one of auto, fasterpam, pam.* Did you mean pam"),
        (bad(init="bild"), "init must be one of build, random, got 'bild'"),
        (bad(seed=-1), "seed must be from 0"),
        (bad(n_restarts=-1), "n_restarts must be at least 0, got -1"),
        (bad(max_memory_mb=0), "max_memory_mb must be at least 1, got 0"),
        (bad(workers=0), "workers must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(given, sentence):
    features, k, options = given
    with pytest.raises(CoresetError, match=sentence):
        k_medoids(features, k, **options)


def test_constant_features_still_make_one_cluster():
    result = k_medoids(np.ones((9, 3)), 1)
    assert (result.inertia, result.silhouette) == (0, None)


def test_the_package_loads_without_its_heavy_dependencies():
    code = (
        "import sys, coreset_lib.clustering;"
        "print([m for m in ('numba', 'sklearn', 'sklearn_extra', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
