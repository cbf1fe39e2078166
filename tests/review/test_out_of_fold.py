"""Logistic regression out of fold, beside a model written out by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize

from coreset_lib.review import out_of_fold
from coreset_lib.review.out_of_fold import (
    FOLDS,
    PENALTIES,
    out_of_fold_shares,
    trusted_shares,
)


def plain_model(features, labels, penalty, n_classes):
    """Fit softmax regression by a general optimiser; the intercepts are not punished."""
    n_features = features.shape[1]

    def parts(flat):
        weights = flat.reshape(n_classes, n_features + 1)
        return weights[:, :-1], weights[:, -1]

    def log_shares(flat, rows):
        slopes, intercepts = parts(flat)
        z = rows @ slopes.T + intercepts
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def loss(flat):
        said = log_shares(flat, features)[np.arange(len(labels)), labels]
        return -penalty * said.sum() + 0.5 * (parts(flat)[0] ** 2).sum()

    fitted = minimize(loss, np.zeros(n_classes * (n_features + 1)), tol=1e-10).x
    return lambda rows: np.exp(log_shares(fitted, rows))


def test_shares_are_those_of_softmax_regression_on_the_other_folds():
    random = np.random.default_rng(0)
    labels = random.integers(3, size=60)
    features = random.normal(size=(60, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[labels]
    found = out_of_fold_shares(features, labels, 3)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    order = sorted(range(60), key=lambda i: (labels[i], scaled[i, 0], scaled[i, 1]))
    expected = np.zeros((len(PENALTIES), 60, 3))
    for fold in range(FOLDS):
        out = order[fold::FOLDS]
        shown = [i for i in order if i not in out]
        for number, penalty in enumerate(PENALTIES):
            model = plain_model(scaled[shown], labels[shown], penalty, 3)
            expected[number, out] = model(scaled[out])
    surprise = [-np.log(shares[np.arange(60), labels]).mean() for shares in expected]
    np.testing.assert_allclose(found, expected[np.argmin(surprise)], atol=2e-3)


def test_features_that_tell_nothing_leave_the_frequency_of_the_classes():
    random = np.random.default_rng(1)
    labels = (np.arange(500) % 4 == 0).astype(int)
    found = out_of_fold_shares(random.normal(size=(500, 20)), labels, 2)
    np.testing.assert_allclose(found, np.tile([0.75, 0.25], (500, 1)), atol=0.05)


def test_the_order_of_the_samples_does_not_matter():
    random = np.random.default_rng(2)
    labels = np.arange(80) % 2
    features = random.normal(size=(80, 3)) + labels[:, None]
    order = random.permutation(80)
    moved = out_of_fold_shares(features[order], labels[order], 2)
    np.testing.assert_allclose(moved, out_of_fold_shares(features, labels, 2)[order], atol=1e-3)


def test_a_sample_alone_in_its_class_is_said_nothing_of():
    labels = np.array([0] * 15 + [1] * 15 + [2])
    found = out_of_fold_shares(np.arange(31.0)[:, None], labels, 4)
    assert found[30].tolist() == [0.0] * 4
    np.testing.assert_allclose(found[:30].sum(axis=1), 1)
    assert (found[:, 3] == 0).all()


@pytest.mark.parametrize("labels", [[0] * 40, [0] * 39 + [1], [0, 1] * 5])
def test_one_class_or_few_samples_have_no_such_model(labels):
    features = np.random.default_rng(0).normal(size=(len(labels), 2))
    assert out_of_fold_shares(features, np.array(labels), 2) is None


def test_features_without_spread_do_not_break_it():
    found = out_of_fold_shares(np.ones((40, 3)), np.arange(40) % 2, 2)
    np.testing.assert_allclose(found, 0.5, atol=1e-3)


def test_large_sets_show_each_model_a_part_that_is_spread_evenly(monkeypatch):
    monkeypatch.setattr(out_of_fold, "MOST_SHOWN", 50)
    random = np.random.default_rng(3)
    labels = np.arange(400) % 2
    features = random.normal(size=(400, 2)) + 3 * labels[:, None]
    found = out_of_fold_shares(features, labels, 2)
    assert (found.argmax(axis=1) == labels).mean() > 0.95


def test_networks_are_trusted_as_far_as_they_foretell_the_labels():
    labels = np.array([0] * 6 + [1] * 4)
    sure_and_right = np.eye(2)[labels]
    np.testing.assert_allclose(trusted_shares(sure_and_right, labels), sure_and_right)
    no_better_than_chance = np.tile([[1.0, 0.0], [0.0, 1.0]], (5, 1))
    found = trusted_shares(no_better_than_chance, labels)
    np.testing.assert_allclose(found, np.tile([0.6, 0.4], (10, 1)))


def test_the_trust_is_the_best_of_the_steps():
    random = np.random.default_rng(4)
    labels = random.integers(3, size=200)
    said = np.where(random.random(200) < 0.3, random.integers(3, size=200), labels)
    shares = 0.98 * np.eye(3)[said] + 0.02 / 3
    frequency = np.bincount(labels) / 200
    losses = {}
    for trust in np.linspace(0, 1, 21):
        mixed = trust * shares + (1 - trust) * frequency
        losses[trust] = -np.log(mixed[np.arange(200), labels]).sum()
    best = min(losses, key=losses.get)
    assert 0 < best < 1
    expected = best * shares + (1 - best) * frequency
    np.testing.assert_allclose(trusted_shares(shares, labels), expected)
