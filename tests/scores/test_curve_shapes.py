from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores.confusion import confusion_per_epoch, most_confused_pairs
from coreset_lib.scores.curve_shapes import SHAPES, curve_shapes


def dynamics(prediction, labels=None):
    prediction = np.asarray(prediction, dtype=np.uint8)
    labels = np.zeros(prediction.shape[1]) if labels is None else labels
    names = ("a", "b", "c")
    return TrainingDynamics(
        {"prediction": prediction}, np.asarray(labels, dtype=np.int64), len(prediction), names
    )


def test_each_shape_by_hand():
    histories = {
        "always right": [0, 0, 0, 0, 0, 0, 0, 0],
        "learned early": [1, 1, 0, 0, 0, 0, 0, 0],
        "learned late": [1, 1, 1, 0, 0, 0, 0, 0],
        "unstable": [0, 1, 0, 0, 1, 0, 0, 0],
        "forgotten": [0, 0, 0, 0, 0, 0, 0, 1],
        "never learned": [1, 1, 1, 1, 2, 1, 1, 1],
    }
    found = curve_shapes(dynamics(np.array(list(histories.values())).T))
    assert [list(SHAPES)[k] for k in found.shape] == list(histories)
    assert found.first_correct.tolist() == [1, 3, 4, 1, 1, 0]
    assert found.n_correct.tolist() == [8, 6, 5, 6, 7, 0]
    assert found.n_forgotten.tolist() == [0, 0, 0, 2, 1, 0]
    assert found.counts() == dict.fromkeys(SHAPES, 1)


@given(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=1, max_size=12))
def test_the_numbers_equal_plain_loops(histories):
    found = curve_shapes(dynamics(np.array(histories).T))
    for i, history in enumerate(histories):
        right = [p == 0 for p in history]
        assert found.n_correct[i] == sum(right)
        assert found.first_correct[i] == (right.index(True) + 1 if any(right) else 0)
        assert found.n_forgotten[i] == sum(a and not b for a, b in pairwise(right))
    assert sum(found.counts().values()) == len(histories)


def test_a_gap_in_the_record_is_refused():
    with pytest.raises(CoresetError, match="1 gaps"):
        curve_shapes(dynamics([[0, 255], [0, 0]]))


def test_confusion_counts_samples_per_epoch_without_gaps():
    run = dynamics([[0, 1, 2, 255], [1, 1, 0, 2]], labels=[0, 0, 2, 2])
    assert confusion_per_epoch(run).tolist() == [[0.5, 1.5, 0], [0, 0, 0], [0.5, 0, 1.0]]


def test_pairs_come_worst_first_with_the_samples_that_were_taken_so_most_often():
    run = dynamics([[0, 1, 2, 2], [1, 1, 0, 2]], labels=[0, 0, 2, 2])
    first, second = most_confused_pairs(run)
    assert (first.label, first.predicted, first.samples_per_epoch) == (0, 1, 1.5)
    assert (first.examples.tolist(), first.epochs.tolist()) == ([1, 0], [2, 1])
    assert (second.label, second.predicted) == (2, 0)
    assert second.examples.tolist() == [2]


def test_a_network_that_is_always_right_confuses_nothing():
    assert most_confused_pairs(dynamics([[0, 0], [0, 0]])) == []
