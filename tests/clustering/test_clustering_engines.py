import sys
import warnings

import numpy as np
import pytest

from coreset_lib.clustering import ENGINES, METRICS, choose_k, k_medoids
from coreset_lib.errors import CoresetError


def has_sklearn_extra():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import sklearn_extra.cluster  # noqa: F401
    except (ImportError, ValueError):
        return False
    return True


needs_sklearn_extra = pytest.mark.skipif(
    not has_sklearn_extra(), reason="scikit-learn-extra does not load here"
)


@pytest.fixture(
    params=[
        name if name == "fasterpam" else pytest.param(name, marks=needs_sklearn_extra)
        for name in ENGINES
    ]
)
def engine(request):
    return request.param


class TestEveryEngine:
    def test_keeps_the_contract_of_the_result(self, engine, features):
        result = k_medoids(features, 4, engine=engine)
        assert result.engine == engine
        assert result.medoids.dtype == result.labels.dtype == np.int64
        assert result.medoids.tolist() == sorted(set(result.medoids.tolist()))
        assert result.labels.shape == (len(features),)
        assert result.labels[result.medoids].tolist() == [0, 1, 2, 3]
        assert result.n_iterations >= 1
        assert -1 <= result.silhouette <= 1
        assert not result.is_sampled

    @pytest.mark.parametrize("metric", METRICS)
    def test_finds_separated_groups_with_every_metric(self, engine, blobs, metric):
        features, groups = blobs
        result = k_medoids(features, 3, engine=engine, metric=metric, init="build")
        if engine != "alternate":
            assert len({*zip(result.labels, groups, strict=True)}) == 3
        assert result.inertia >= k_medoids(features, 3, metric=metric).inertia * (1 - 1e-6)

    @pytest.mark.parametrize("init", ["build", "random"])
    def test_repeats_itself_with_the_same_seed(self, engine, features, init):
        first, second = (
            k_medoids(features, 3, engine=engine, seed=11, init=init) for _ in range(2)
        )
        assert first.medoids.tolist() == second.medoids.tolist()

    def test_takes_the_largest_seed(self, engine, blobs):
        assert k_medoids(blobs[0], 3, engine=engine, seed=2**31 - 1).k == 3

    @pytest.mark.parametrize("k", [1, 6])
    @pytest.mark.parametrize("init", ["build", "random"])
    def test_solves_the_extreme_ks_exactly(self, engine, k, init):
        features = np.array([[0.0], [1.0], [2.5], [4.5], [7.0], [20.0]])
        result = k_medoids(features, k, engine=engine, init=init)
        assert result.inertia == pytest.approx(2.5 + 1.5 + 0 + 2 + 4.5 + 17.5 if k == 1 else 0)

    def test_draws_a_curve_over_k(self, engine, blobs):
        result = choose_k(blobs[0], (2, 5), engine=engine)
        assert [point.k for point in result.k_curve] == [2, 3, 4, 5]
        assert result.engine == engine

    def test_tells_a_mistake_before_it_searches(self, engine):
        with pytest.raises(CoresetError, match="k must be at most the number of samples"):
            k_medoids(np.eye(3), 4, engine=engine)


def test_auto_is_the_own_fasterpam(blobs):
    assert k_medoids(blobs[0], 2).engine == "fasterpam"


@needs_sklearn_extra
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_fasterpam_never_loses_to_the_others(features, k, metric):
    own = k_medoids(features, k, metric=metric).inertia
    for engine in ("pam", "alternate", "clara"):
        assert own <= k_medoids(features, k, metric=metric, engine=engine).inertia * (1 + 1e-6)


@needs_sklearn_extra
def test_fasterpam_matches_pam_without_any_restart(features):
    for k in (2, 4, 8):
        own = k_medoids(features, k, n_restarts=0)
        pam = k_medoids(features, k, engine="pam")
        assert own.inertia <= pam.inertia * 1.001


@pytest.mark.parametrize("engine", ["pam", "alternate", "clara"])
def test_a_missing_scikit_learn_extra_is_told_in_one_sentence(engine, monkeypatch, blobs):
    monkeypatch.setitem(sys.modules, "sklearn_extra.cluster", None)
    with pytest.raises(
        CoresetError, match=f"engine '{engine}' needs scikit-learn-extra.* Python below 3.12"
    ):
        k_medoids(blobs[0], 3, engine=engine)


@pytest.mark.parametrize("engine", ["pam", "alternate"])
def test_an_engine_that_needs_the_whole_matrix_says_how_large_it_is(engine):
    features = np.random.default_rng(0).normal(size=(600, 2))
    with pytest.raises(CoresetError, match="whole distance matrix, 1 MB for 600 samples"):
        k_medoids(features, 3, engine=engine, max_memory_mb=1)
