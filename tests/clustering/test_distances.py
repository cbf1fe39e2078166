import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from coreset_lib.clustering import METRICS
from coreset_lib.clustering.points import check_points

NAMES = {"euclidean": "euclidean", "manhattan": "cityblock", "cosine": "cosine"}


def assert_exact(features, metric):
    expected = cdist(features, features, NAMES[metric])
    np.fill_diagonal(expected, 0)
    matrix = check_points(features, metric=metric, workers=1).matrix()
    rounding = 1e-14 if metric == "cosine" else 1e-15 * np.abs(features).max()
    np.testing.assert_allclose(matrix, expected, rtol=1e-6, atol=rounding)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (300, 5), (520, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_are_those_of_scipy(metric, shape, dtype):
    features = np.random.default_rng(0).normal(size=shape).astype(dtype) + dtype(0.1)
    assert_exact(features.astype(np.float64) if metric == "cosine" else features, metric)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("distance_from_origin", [0, 1e3, 1e6])
def test_close_points_keep_their_digits(metric, distance_from_origin):
    features = np.random.default_rng(1).normal(size=(40, 3)) * 1e-3 + distance_from_origin
    assert_exact(features, metric)


def test_one_far_outlier_does_not_blur_the_others():
    features = np.random.default_rng(2).normal(size=(60, 4))
    features[17] = 1e9
    assert_exact(features, "euclidean")


@pytest.mark.parametrize("metric", METRICS)
def test_equal_samples_are_exactly_zero_apart(metric):
    features = np.repeat(np.random.default_rng(3).normal(size=(5, 30)) + 50, 60, axis=0)
    matrix = check_points(features, metric=metric, workers=1).matrix()
    assert ((matrix == 0) == np.kron(np.eye(5), np.ones((60, 60)))).all()


def test_nearly_parallel_samples_keep_a_cosine_distance():
    angles = np.array([0, 1e-5, 1e-4, 1e-3])
    features = np.column_stack([np.cos(angles), np.sin(angles)])
    matrix = check_points(features, metric="cosine", workers=1).matrix()
    np.testing.assert_allclose(matrix[0], 2 * np.sin(angles / 2) ** 2, rtol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_features", [1, 5, 300])
def test_the_matrix_is_symmetric_and_its_rows_agree(metric, n_features):
    features = np.random.default_rng(0).normal(size=(300, n_features))
    points = check_points(features, metric=metric, workers=2)
    matrix = points.matrix()
    rows = np.array([3, 299])
    np.testing.assert_allclose(points.distances_from(rows), matrix[rows], rtol=1e-6)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-6)
    assert not matrix.diagonal().any()


ordinary = st.floats(-1e6, 1e6, width=32).filter(lambda value: not 0 < abs(value) < 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    features=arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=ordinary),
    metric=st.sampled_from(["euclidean", "manhattan"]),
)
def test_any_features_have_exact_distances(features, metric):
    assert_exact(features, metric)
