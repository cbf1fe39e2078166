"""Confident learning by loops, exact cases, and what the estimate does when labels are flipped."""

import numpy as np
import pytest

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.refinement.noise_rate import confident_joint, estimate_noise_rate


def joint_by_loops(p, labels):
    n_classes = p.shape[1]
    thresholds = [
        np.mean([q[k] for q, y in zip(p, labels, strict=True) if y == k]) for k in range(n_classes)
    ]
    joint = np.zeros((n_classes, n_classes))
    for q, y in zip(p, labels, strict=True):
        passing = [k for k in range(n_classes) if q[k] >= thresholds[k]]
        if passing:
            joint[y, max(passing, key=lambda k: q[k])] += 1
    for k in range(n_classes):
        joint[k] *= np.sum(labels == k) / joint[k].sum()
    return joint


def test_the_joint_equals_plain_loops():
    rng = np.random.default_rng(1)
    p, labels = rng.dirichlet(np.ones(3), 60), np.arange(60) % 3
    np.testing.assert_allclose(confident_joint(p, labels), joint_by_loops(p, labels))


def dynamics_of(p, labels):
    n_classes = p.shape[-1]
    names = tuple(map(str, range(n_classes)))
    return TrainingDynamics({"probabilities": p}, labels, len(p), names)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
def test_networks_that_know_the_truth_give_the_exact_rate(rate):
    true = np.arange(300) % 3
    labels = true.copy()
    wrong = np.arange(0, round(rate * 300))
    labels[wrong] = (true[wrong] + 1) % 3
    p = 0.85 * np.eye(3)[true] + 0.05
    found = estimate_noise_rate(dynamics_of(np.tile(p, (8, 1, 1)), labels))
    assert found.rate == pytest.approx(rate)
    assert found.epochs == "1-5"


def test_only_the_first_epochs_count():
    true = np.arange(90) % 3
    labels = np.where(np.arange(90) < 18, (true + 1) % 3, true)
    early, late = 0.85 * np.eye(3)[true] + 0.05, 0.85 * np.eye(3)[labels] + 0.05
    p = np.concatenate([np.tile(early, (5, 1, 1)), np.tile(late, (50, 1, 1))])
    assert estimate_noise_rate(dynamics_of(p, labels)).rate == pytest.approx(0.2)


def test_a_class_without_samples_and_a_short_run_do_no_harm():
    labels = np.array([0, 0, 2, 2])
    p = np.eye(3)[labels][None] * 0.8 + 0.05
    assert estimate_noise_rate(dynamics_of(p, labels)).rate == 0


def test_without_probabilities_it_says_what_to_give(make_dynamics):
    dynamics = make_dynamics(margin=[[0.1, 0.2]])
    with pytest.raises(CoresetError, match="Give it with --noise-rate"):
        estimate_noise_rate(dynamics)
