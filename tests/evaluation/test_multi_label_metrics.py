"""Figures of predictions with any number of labels, by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from coreset_lib.evaluation.metrics import multi_label_metrics
from coreset_lib.runs.ensemble import majority_set


def test_three_samples_by_hand():
    given = np.array([[1, 0], [1, 1], [0, 0]], np.uint8)
    found = multi_label_metrics(np.array([[0.9, 0.2], [0.8, 0.4], [0.1, 0.6]]), given)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.recall == (1.0, 0.0, 0.0)
    assert found.macro_auc == pytest.approx((1.0 + 0.5) / 2)
    assert found.balanced_accuracy == pytest.approx((1.0 + (0.0 + 0.5) / 2) / 2)


def test_figures_equal_those_of_scikit_learn():
    random = np.random.default_rng(1)
    given = (random.random((200, 5)) < 0.3).astype(np.uint8)
    probabilities = np.clip(0.3 * given + random.random((200, 5)) * 0.7, 0, 1)
    found = multi_label_metrics(probabilities, given)
    assert found.macro_auc == pytest.approx(roc_auc_score(given, probabilities, average="macro"))
    predicted = probabilities > 0.5
    columns = [balanced_accuracy_score(given[:, k], predicted[:, k]) for k in range(5)]
    assert found.balanced_accuracy == pytest.approx(np.mean(columns))
    assert found.accuracy == pytest.approx((predicted == given).all(axis=1).mean())


def test_labels_that_cannot_be_judged_are_left_out():
    given = np.array([[1, 0], [1, 1]], np.uint8)
    found = multi_label_metrics(np.array([[0.9, 0.2], [0.8, 0.7]]), given)
    assert found.macro_auc == found.balanced_accuracy == 1.0
    assert math.isnan(found.recall[2])
    assert found.as_dict()["recall"][2] is None


def test_an_ensemble_predicts_the_labels_of_more_than_half_of_its_runs():
    votes = np.array([[0b011, 0b001], [0b001, 0b010], [0b111, 0b000], [0b100, 0b001]], np.uint8)
    assert majority_set(votes, 3).tolist() == [0b001, 0b000]
