import tracemalloc

import numpy as np
import pytest

from coreset_lib.clustering import METRICS, choose_k, k_medoids
from coreset_lib.errors import CoresetError


@pytest.fixture(scope="module")
def crowd():
    """Return 1,500 points in five groups, 9 MB of distances."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(5), 300)
    return 4 * rng.normal(size=(5, 6))[groups] + rng.normal(size=(1500, 6))


@pytest.mark.parametrize("metric", METRICS)
def test_samples_come_within_two_percent_of_the_whole_search(crowd, metric):
    whole = k_medoids(crowd, 5, metric=metric)
    sampled = k_medoids(crowd, 5, metric=metric, max_memory_mb=2)
    assert (whole.is_sampled, sampled.is_sampled) == (False, True)
    assert sampled.inertia <= 1.02 * whole.inertia
    assert sampled.silhouette == pytest.approx(whole.silhouette, abs=0.05)


def test_every_sample_is_assigned_to_its_nearest_medoid(crowd):
    result = k_medoids(crowd, 5, max_memory_mb=1)
    distances = np.linalg.norm(crowd - crowd[result.medoids][:, None], axis=2)
    assert result.labels.tolist() == distances.argmin(axis=0).tolist()
    assert result.inertia == pytest.approx(distances.min(axis=0).sum(), rel=1e-6)


def test_refining_on_all_samples_improves_on_the_samples_alone(crowd, monkeypatch):
    refined = k_medoids(crowd, 5, max_memory_mb=1)
    monkeypatch.setattr("coreset_lib.clustering.sampling._MOST_CANDIDATES", 0)
    assert refined.inertia < k_medoids(crowd, 5, max_memory_mb=1).inertia


def test_one_cluster_is_searched_in_samples_too(crowd):
    whole, sampled = (k_medoids(crowd, 1, max_memory_mb=mb) for mb in (400, 2))
    assert sampled.inertia <= 1.02 * whole.inertia
    assert sampled.silhouette is None


def test_k_is_chosen_in_samples(crowd):
    result = choose_k(crowd, (2, 7), max_memory_mb=2)
    assert result.is_sampled
    assert [point.k for point in result.k_curve] == [2, 3, 4, 5, 6, 7]
    assert result.k == choose_k(crowd, (2, 7)).k


def test_samples_are_drawn_by_the_seed(crowd):
    first, second, other = (
        choose_k(crowd, (2, 4), max_memory_mb=1, seed=seed).k_curve for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_the_memory_stays_near_the_bound(crowd):
    k_medoids(crowd[:100], 3)
    tracemalloc.start()
    try:
        k_medoids(crowd, 5, max_memory_mb=2, workers=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2e6 + 3 * crowd.nbytes


def test_a_bound_too_small_for_k_names_the_least_bound():
    features = np.random.default_rng(0).normal(size=(1200, 2))
    with pytest.raises(CoresetError, match="max_memory_mb must be at least 3 to search 400 med"):
        k_medoids(features, 400, max_memory_mb=1)
    assert k_medoids(features, 400, max_memory_mb=3).k == 400
