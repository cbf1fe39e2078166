"""Forgetting events against numbers by hand, plain loops and policies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score
from coreset_lib.scores.forgetting import (
    count_forgetting_events,
    find_never_learned,
    find_not_learned_early,
)

PREDICTIONS = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=st.integers(0, 2)
)


def test_three_samples_by_hand(make_dynamics):
    dynamics = make_dynamics(
        labels=[0, 1, 2],
        prediction=[[0, 0, 2], [1, 1, 2], [0, 0, 2], [2, 1, 2]],
    )
    assert count_forgetting_events(dynamics).tolist() == [2, 1, 0]
    assert not find_never_learned(dynamics).any()


def test_learning_late_is_not_forgetting(make_dynamics):
    dynamics = make_dynamics(labels=[1], prediction=[[0], [0], [1], [1]])
    assert count_forgetting_events(dynamics).tolist() == [0]


def test_never_learned_samples_rank_hardest(make_dynamics):
    dynamics = make_dynamics(labels=[0, 0, 0], prediction=[[0, 1, 0], [1, 1, 0], [0, 2, 0]])
    score = compute_score(dynamics, "forgetting")
    assert score.values.tolist() == [1, 3, 0]
    assert score.order().tolist() == [1, 0, 2]


def test_policy_zero_keeps_the_count(make_dynamics):
    dynamics = make_dynamics(labels=[0, 0], prediction=[[1, 0], [1, 1]])
    score = compute_score(dynamics, "forgetting", {"never_learned": "zero"})
    assert score.values.tolist() == [0, 1]


def test_policy_exclude_ranks_them_last_and_says_so(make_dynamics):
    dynamics = make_dynamics(labels=[0, 0, 0], prediction=[[1, 0, 0], [1, 1, 0]])
    score = compute_score(dynamics, "forgetting", {"never_learned": "exclude"})
    assert score.is_excluded is not None
    assert score.is_excluded.tolist() == [True, False, False]
    assert score.ranks().tolist() == [3, 1, 2]


@settings(deadline=None, max_examples=60)
@given(PREDICTIONS, st.integers(0, 2))
def test_equals_the_plain_loop(make_dynamics, prediction, label):
    dynamics = make_dynamics(labels=[label] * prediction.shape[1], prediction=prediction)
    expected = []
    for sample in range(prediction.shape[1]):
        events = 0
        for epoch in range(len(prediction) - 1):
            was_right = prediction[epoch, sample] == label
            events += bool(was_right and prediction[epoch + 1, sample] != label)
        expected.append(events)
    counts = count_forgetting_events(dynamics)
    assert counts.tolist() == expected
    assert (counts <= len(prediction) // 2).all()
    never = [label not in prediction[:, sample] for sample in range(prediction.shape[1])]
    assert find_never_learned(dynamics).tolist() == never


def test_one_epoch_has_no_events(make_dynamics):
    dynamics = make_dynamics(labels=[0, 1], prediction=[[0, 0]])
    assert compute_score(dynamics, "forgetting").values.tolist() == [0, 1]


def test_a_prediction_that_was_not_recorded_is_a_gap(make_dynamics):
    dynamics = make_dynamics(labels=[0, 0], prediction=[[0, 255], [0, 0]])
    with pytest.raises(CoresetError, match=r"prediction must be recorded .* got 1 gaps"):
        compute_score(dynamics, "forgetting")


def test_an_unknown_policy_is_refused_with_the_choices(make_dynamics):
    dynamics = make_dynamics(labels=[0], prediction=[[0]])
    with pytest.raises(CoresetError, match="never_learned must be one of max, zero, exclude"):
        compute_score(dynamics, "forgetting", {"never_learned": "min"})


def test_wrong_in_most_of_the_first_ten_epochs_is_not_learned_early(make_dynamics):
    late = [1] * 6 + [0] * 14  # wrong in six of ten, right ever after
    half = [1] * 5 + [0] * 15
    unknown = [255] * 8 + [1] * 2 + [0] * 10  # wrong in all that was recorded of the ten
    prediction = np.array([late, half, unknown], np.uint8).T
    dynamics = make_dynamics(labels=[0, 0, 0], n_classes=2, prediction=prediction)
    assert find_not_learned_early(dynamics).tolist() == [True, False, True]
