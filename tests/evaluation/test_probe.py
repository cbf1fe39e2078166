from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.probe import LinearProbe


def make_probe(n=300, d=6, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels, val_labels = rng.integers(0, n_classes, n), rng.integers(0, n_classes, 90)
    centres = rng.normal(size=(n_classes, d)) * 2
    features = (centres[labels] + rng.normal(size=(n, d))).astype(np.float32)
    val = (centres[val_labels] + rng.normal(size=(90, d))).astype(np.float32)
    return LinearProbe.prepare(features, labels, val, val_labels, n_classes)


@pytest.mark.parametrize("n_keep", [7, 43, 300])
def test_the_fit_is_scikit_learns_ridge_with_a_hundredth_of_the_samples_as_penalty(n_keep):
    probe = make_probe()
    indices = np.random.default_rng(1).permutation(300)[:n_keep]
    targets = np.eye(3)[probe.labels[indices]]
    ridge = Ridge(alpha=0.01 * n_keep).fit(probe.features[indices].astype(np.float64), targets)
    expected = ridge.predict(probe.val_features)
    np.testing.assert_allclose(probe.predict(indices), expected, rtol=0, atol=1e-6)
    accuracy = (expected.argmax(axis=1) == probe.val_labels).mean()
    assert probe.judge(indices).accuracy == pytest.approx(accuracy)


def test_features_are_standardised_by_the_training_split_alone():
    rng = np.random.default_rng(0)
    train, val = rng.normal(3, 5, (50, 4)), rng.normal(-2, 7, (20, 4))
    train[:, 3] = val[:, 3] = 0.3  # says nothing
    labels = np.zeros(50, int)
    probe = LinearProbe.prepare(train, labels, val, labels[:20], 2)
    scaler = StandardScaler().fit(train)
    np.testing.assert_allclose(probe.features, scaler.transform(train), atol=1e-9)
    np.testing.assert_allclose(probe.val_features, scaler.transform(val), atol=1e-9)


def test_any_number_of_labels_is_fitted_as_it_is():
    one = make_probe()
    multi_hot = np.random.default_rng(2).integers(0, 2, (300, 4)).astype(np.uint8)
    probe = replace(one, multi_hot=multi_hot, val_multi_hot=multi_hot[:90])
    indices = np.arange(0, 300, 5)
    ridge = Ridge(alpha=0.01 * 60).fit(probe.features[indices].astype(float), multi_hot[indices])
    expected = ridge.predict(probe.val_features)
    np.testing.assert_allclose(probe.predict(indices), expected, rtol=0, atol=1e-6)


def test_a_coreset_of_one_class_does_worse_than_random():
    probe = make_probe()
    result = probe.compare_with_random(np.flatnonzero(probe.labels == 0)[:30])
    assert result.coreset.accuracy < result.random_mean - 3 * result.random_deviation
    assert result.coreset.balanced_accuracy == pytest.approx(1 / 3)


def test_random_coresets_have_the_size_and_the_classes_of_the_full_set_and_differ():
    probe = make_probe()
    draws = [probe._draw(30, 0, number) for number in range(3)]
    for draw in draws:
        assert len(set(draw.tolist())) == 30
        shares = np.bincount(probe.labels[draw], minlength=3) / 30
        assert np.abs(shares - np.bincount(probe.labels) / 300).max() < 0.04
    assert set(draws[0]) != set(draws[1])


def test_the_same_seed_gives_the_same_answer():
    probe = make_probe()
    one, two = (probe.compare_with_random(np.arange(20), seed=4) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("n_keep", [1, 2, 300])
def test_every_size_from_one_sample_to_all_is_judged(n_keep):
    result = make_probe().compare_with_random(np.arange(n_keep))
    assert 0 <= result.coreset.accuracy <= 1


def test_constant_features_are_no_error():
    labels = np.array([0, 1, 0, 1])
    features = np.ones((4, 2), np.float32)
    probe = LinearProbe.prepare(features, labels, features, labels, 2)
    assert probe.judge(np.arange(4)).accuracy == 0.5


def test_embeddings_of_different_networks_are_refused():
    with pytest.raises(CoresetError, match="same features, got 2 and 3"):
        LinearProbe.prepare(
            np.ones((4, 2), np.float32),
            np.zeros(4, int),
            np.ones((4, 3), np.float32),
            np.zeros(4, int),
            2,
        )
