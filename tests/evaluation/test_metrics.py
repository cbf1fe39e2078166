import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from coreset_lib.evaluation.metrics import classification_metrics


def test_four_samples_by_hand():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])
    found = classification_metrics(p, np.array([0, 0, 1, 1]))
    assert found.accuracy == 0.5
    assert found.recall == (0.5, 0.5)
    # Class 1 scores .7 .2, class 0 scores .1 .6: of the four pairs only .2 < .6 is wrong.
    assert found.macro_auc == pytest.approx(0.75)


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(12, 60))
def test_all_figures_equal_those_of_scikit_learn(seed, n_classes, n_samples):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_classes), n_samples).round(2)  # rounding makes ties
    labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n_samples)])
    p = np.concatenate([rng.dirichlet(np.ones(n_classes), n_classes), p])
    found = classification_metrics(p, labels)
    predicted = p.argmax(axis=1)
    assert found.accuracy == pytest.approx((predicted == labels).mean())
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert found.recall == pytest.approx(recall_score(labels, predicted, average=None))
    areas = [roc_auc_score(labels == k, p[:, k]) for k in range(n_classes)]
    assert found.macro_auc == pytest.approx(np.mean(areas))


def test_a_class_that_the_split_lacks_counts_for_nothing():
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    found = classification_metrics(p, np.array([0, 1]))
    assert found.balanced_accuracy == 1
    assert math.isnan(found.recall[2])
    assert found.macro_auc == 1


def test_one_class_has_no_auc_and_json_gets_none_for_it():
    found = classification_metrics(np.array([[0.8, 0.2]]), np.array([0]))
    plain = found.as_dict()
    assert plain["macro_auc"] is None
    assert plain["recall"] == [1.0, None]
    assert json.loads(json.dumps(plain)) == plain
