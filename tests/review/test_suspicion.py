"""The order in which labels are looked at, and the words that explain it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.review.evidence import class_evidence, early_shares, inside_classes, vote_shares
from coreset_lib.review.neighbours import find_neighbours, label_disagreement
from coreset_lib.review.out_of_fold import out_of_fold_shares
from coreset_lib.review.suspicion import (
    CHANCE_OFFSET,
    CHANCE_SLOPE,
    WEIGHTS,
    queue_of_run,
    suspicion_queue,
)


@pytest.fixture
def learned(make_dynamics):
    """Four samples of class 0 and two of class 1; the last of class 1 was never right."""
    labels = [0, 0, 0, 0, 1, 1]
    margin = [[0.9, 0.8, 0.7, 0.6, 0.5, -0.6]] * 6
    prediction = [[0, 0, 0, 0, 1, 0]] * 6
    return make_dynamics(labels=labels, n_classes=2, margin=margin, prediction=prediction)


ANGLES = np.array([0.0, 0.1, 0.2, 0.3, 1.5, 0.15])
FEATURES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)


def test_a_sample_never_learned_among_another_class_comes_first_and_says_why(learned):
    queue = suspicion_queue(learned, FEATURES)
    assert queue.order[0] == 5
    reasons = queue.reasons(5)
    assert any("never learned: taken for another class in all 6 epochs" in r for r in reasons)
    assert any("4 of the 5 most alike images carry another label (4 class 0)" in r for r in reasons)
    assert any("mean margin -0.60, lower than that of all other samples" in r for r in reasons)


def test_a_label_that_was_learned_by_heart_in_the_end_is_suspicious_all_the_same(make_dynamics):
    margin = np.tile(np.float32([0.6, 0.5, -0.4]), (60, 1))
    margin[10:] = [0.7, 0.2, 0.9]
    queue = suspicion_queue(
        make_dynamics(
            labels=[0, 1, 0], n_classes=2, margin=margin, prediction=np.tile([0, 1, 0], (60, 1))
        )
    )
    assert queue.order.tolist() == [2, 1, 0]
    assert queue.signs["margin"][2] == pytest.approx(-0.4)
    assert queue.reasons(2)[0].startswith("early in training the network preferred another class")


def test_a_sample_beyond_suspicion_gives_no_reasons(learned):
    queue = suspicion_queue(learned, FEATURES)
    assert [r for r in queue.reasons(0) if "margin" in r or "never" in r] == []
    assert queue.suggestion(0) == ""


def test_shares_inside_classes_by_hand():
    shares = np.array([[0.9, 0.1], [0.5, 0.5]])
    # Means 0.7 and 0.3, with a hundredth added: row 0 has 0.91 / 0.71 and 0.11 / 0.31.
    first = 0.91 / 0.71 / (0.91 / 0.71 + 0.11 / 0.31)
    second = 0.51 / 0.71 / (0.51 / 0.71 + 0.51 / 0.31)
    np.testing.assert_allclose(inside_classes(shares)[:, 0], [first, second])


def test_the_value_is_the_weighted_mean_of_the_evidence_by_hand(learned):
    queue = suspicion_queue(learned, FEATURES)
    # No probabilities: half of one plus the margin is what the label has.
    early = np.array([[0.95, 0.05], [0.9, 0.1], [0.85, 0.15], [0.8, 0.2], [0.25, 0.75], [0.8, 0.2]])
    # Everybody's neighbours are all five others: of sample 5 four carry class 0.
    votes = np.array([[0.6, 0.4]] * 4 + [[0.8, 0.2]] * 2)
    expected = [1 - early[5, 1], 1 - votes[5, 1]]
    total = (sum(expected) + WEIGHTS["never_learned"]) / (2 + WEIGHTS["never_learned"])
    assert queue.values[5] == pytest.approx(total)


def test_the_suggested_class_comes_with_its_evidence(learned):
    queue = suspicion_queue(learned, FEATURES)
    assert queue.suggested.tolist() == [0, 0, 0, 0, 1, 0]
    assert queue.is_suspect.tolist() == [False] * 5 + [True]
    said = "class 0 (named in 6 of epochs 1-6; label of 4 of the 5 most alike images)"
    assert queue.suggestion(5) == said


def test_suspects_are_counted_class_by_class_with_a_warning_above_a_quarter(learned):
    queue = suspicion_queue(learned, FEATURES)
    assert [str(found) for found in queue.class_suspects()] == ["0 of 4 class 0", "1 of 2 class 1"]
    (warning,) = queue.warnings()
    assert warning.startswith("1 of 2 class 1: more than a quarter of the class.")


def test_classes_take_turns_where_that_is_wanted(learned):
    queue = suspicion_queue(learned, FEATURES)
    turns = queue.order_by_class()
    assert sorted(turns.tolist()) == list(range(6))
    assert learned.labels[turns].tolist() == [1, 0, 1, 0, 0, 0] or learned.labels[
        turns[:4]
    ].tolist() == [1, 0, 0, 1]
    assert turns[0] == queue.order[0]


def test_suspects_are_those_whose_other_class_has_the_larger_share(learned):
    queue = suspicion_queue(learned, FEATURES)
    combined = queue.evidence.combined()
    assert queue.share_of_other[5] == pytest.approx(combined[5, 0] / combined[5].sum())
    assert (queue.is_suspect == (queue.share_of_other > 0.55)).all()


def test_the_chance_of_a_wrong_label_falls_along_the_queue_as_fitted(learned):
    queue = suspicion_queue(learned, FEATURES)
    value = queue.values[5]
    odds = CHANCE_SLOPE * math.log(value / (1 - value)) + CHANCE_OFFSET
    assert queue.chance_wrong[5] == pytest.approx(1 / (1 + math.exp(-odds)))
    assert (np.diff(queue.chance_wrong[queue.order]) <= 0).all()
    assert queue.expected_wrong([5, 0]) == pytest.approx(
        queue.chance_wrong[5] + queue.chance_wrong[0]
    )


def test_pixels_and_held_out_networks_are_sources_with_words(make_dynamics):
    labels = [0] * 15 + [1] * 15
    labels[14] = 1
    dynamics = make_dynamics(labels=labels, n_classes=2, margin=[[0.1] * 30], prediction=[labels])
    pixels = np.concatenate([np.linspace(-3, -2, 15), np.linspace(2, 3, 15)])[:, None]
    held_out = np.eye(2, dtype=np.float32)[[0] * 15 + [1] * 15]
    queue = suspicion_queue(dynamics, pixels=pixels.astype(np.float32), held_out=held_out)
    assert set(queue.evidence.sources) == {"early", "pixels", "held_out"}
    share = out_of_fold_shares(pixels, np.array(labels), 2)[14, 0]
    assert share > 0.7
    assert queue.signs["pixels"][14] == pytest.approx(share)
    said = "a linear model of the pixels that had not seen the image takes it for class 0"
    assert any(f"{said} ({share:.2f})" in reason for reason in queue.reasons(14))
    assert any("a network that had not seen the image takes" in r for r in queue.reasons(14))
    assert f"{share:.2f} by a linear model of the pixels" in queue.suggestion(14)
    assert "0.97 by a network that had not seen it" in queue.suggestion(14)


def test_early_shares_are_mean_probabilities_of_the_first_ten_epochs(make_dynamics):
    probabilities = np.full((12, 1, 2), 0.5, np.float32)
    probabilities[:5] = [0.2, 0.8]
    probabilities[10:] = [1, 0]
    dynamics = make_dynamics(labels=[0], n_classes=2, probabilities=probabilities)
    np.testing.assert_allclose(early_shares(dynamics), [[0.35, 0.65]], atol=1e-6)


def test_one_class_and_one_sample_have_nothing_to_suggest(make_dynamics):
    dynamics = make_dynamics(labels=[0], n_classes=1, margin=[[0.5]], prediction=[[0]])
    queue = suspicion_queue(dynamics, np.ones((1, 2), np.float32))
    assert (queue.suggested.tolist(), queue.order.tolist()) == ([0], [0])
    assert queue.chance_wrong.tolist() == [0.0]


def test_a_class_without_samples_is_never_suggested(make_dynamics):
    labels = [0, 0, 2, 2]
    dynamics = make_dynamics(labels=labels, n_classes=3, margin=[[0.5] * 4], prediction=[labels])
    found = class_evidence(dynamics, early_features=FEATURES[:4])
    assert set(found.suggested().tolist()) <= {0, 2}
    assert vote_shares(np.full((1, 3), -1), np.array([0]), 2).tolist() == [[0.0, 0.0]]


def test_without_an_embedding_the_neighbours_are_left_out(learned):
    queue = suspicion_queue(learned)
    assert (queue.neighbours, "neighbours" in queue.signs) == (None, False)
    assert queue.order[0] == 5


def test_a_recorded_vog_is_one_of_the_signs(make_dynamics):
    margin, prediction = [[0.1, 0.1]] * 6, [[0, 0]] * 6
    vog = [[np.nan, np.nan]] * 4 + [[0.1, 0.9]] * 2
    queue = suspicion_queue(
        make_dynamics(labels=[0, 0], n_classes=2, margin=margin, prediction=prediction, vog=vog)
    )
    assert queue.order.tolist() == [1, 0]
    reasons = queue.reasons(1)
    assert any(
        "keeps changing (VOG above that of all other samples)" in reason for reason in reasons
    )


def test_the_verdict_of_co_teaching_is_one_of_the_signs(learned):
    flags = np.array([0, 0, 1, 0, 0, 0], dtype=bool)
    queue = suspicion_queue(learned, noisy_flags=flags)
    assert "two networks that taught each other call the label wrong (co-teaching)" in (
        queue.reasons(2)
    )
    assert not any("co-teaching" in reason for reason in queue.reasons(1))
    without = suspicion_queue(learned).values[2]
    weights = WEIGHTS["early"] + WEIGHTS["never_learned"]
    expected = (without * weights + WEIGHTS["co_teaching"]) / (weights + WEIGHTS["co_teaching"])
    assert queue.values[2] == pytest.approx(expected)
    assert "co_teaching" not in suspicion_queue(learned).signs


def test_a_margin_that_was_not_recorded_is_refused(make_dynamics):
    dynamics = make_dynamics(n_classes=2, margin=[[0.1, np.nan]], prediction=[[0, 0]])
    with pytest.raises(CoresetError, match="margin must be recorded for every sample"):
        suspicion_queue(dynamics)


def test_neighbours_are_those_of_plain_loops():
    features = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    found = find_neighbours(features, n_neighbours=4)
    for row in range(30):
        distances = [float(((features[row] - other) ** 2).sum()) for other in features]
        others = sorted((n for n in range(30) if n != row), key=lambda n: distances[n])
        assert found[row].tolist() == others[:4]


def test_few_samples_have_fewer_neighbours():
    assert find_neighbours(np.zeros((1, 2)), n_neighbours=3).tolist() == [[-1, -1, -1]]
    assert find_neighbours(np.array([[0.0], [1.0]]), n_neighbours=2).tolist() == [[1, -1], [0, -1]]
    none = np.full((2, 2), -1)
    assert label_disagreement(none, np.array([0, 1])).tolist() == [0.0, 0.0]


def test_with_many_samples_neighbours_come_from_a_fixed_part_of_them():
    features = np.random.default_rng(1).normal(size=(200, 2))
    found = find_neighbours(features, n_neighbours=3, most_references=50)
    assert len(np.unique(found)) <= 50
    assert (found == find_neighbours(features, n_neighbours=3, most_references=50)).all()
    assert (found != np.arange(200)[:, None]).all()


@given(st.permutations(range(6)))
def test_the_order_of_the_samples_does_not_change_how_suspicious_they_are(order):
    from coreset_lib.dynamics import TrainingDynamics

    order = np.array(order)
    labels = np.array([0, 0, 0, 1, 1, 1])
    margin = np.linspace(-0.5, 0.5, 6, dtype=np.float32)[None]
    prediction = np.array([[0, 1, 0, 1, 0, 1]], dtype=np.uint8)
    angles = np.array([0.0, 0.2, 0.41, 0.63, 0.86, 1.1])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def values(rows):
        planes = {"margin": margin[:, rows], "prediction": prediction[:, rows]}
        dynamics = TrainingDynamics(planes, labels[rows], 1, ("a", "b"))
        return suspicion_queue(dynamics, features[rows]).values

    np.testing.assert_allclose(values(order), values(np.arange(6))[order])
    assert (values(order) >= 0).all()
    assert (values(order) <= 1).all()


def test_a_run_gives_its_queue(trained_run):
    queue = queue_of_run(trained_run)
    assert sorted(queue.order) == list(range(60))
    assert queue.neighbours is not None


def test_a_run_that_was_refined_brings_its_verdict(make_run, tmp_path):
    run = make_run(tmp_path)
    np.save(run.paths.noisy_flags, np.arange(60) == 17)
    queue = queue_of_run(run)
    assert np.flatnonzero(queue.signs["co_teaching"]).tolist() == [17]


def test_a_run_without_epochs_is_told(make_run, tmp_path):
    run = make_run(tmp_path, recorded=0, state="running")
    with pytest.raises(CoresetError, match="has recorded no epoch yet"):
        queue_of_run(run)
