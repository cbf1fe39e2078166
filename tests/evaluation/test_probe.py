import numpy as np
import pytest
from sklearn.linear_model import Ridge

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.probe import RIDGE, LinearProbe


def make_probe(n=300, d=6, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels, val_labels = rng.integers(0, n_classes, n), rng.integers(0, n_classes, 90)
    centres = rng.normal(size=(n_classes, d)) * 2
    features = (centres[labels] + rng.normal(size=(n, d))).astype(np.float32)
    val = (centres[val_labels] + rng.normal(size=(90, d))).astype(np.float32)
    return LinearProbe.prepare(features, labels, val, val_labels, n_classes)


def test_the_fit_is_scikit_learns_ridge():
    probe = make_probe()
    indices = np.arange(0, 300, 7)
    targets = np.eye(3)[probe.labels[indices]]
    ridge = Ridge(alpha=RIDGE * len(indices)).fit(probe.features[indices], targets)
    expected = ridge.predict(probe.val_features).argmax(axis=1)
    assert probe.judge(indices).accuracy == pytest.approx((expected == probe.val_labels).mean())


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
