"""EVA against numbers by hand, plain loops and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score
from coreset_lib.windows import Window

HISTORIES = arrays(
    np.float32,
    st.tuples(st.integers(4, 9), st.integers(1, 7)),
    elements=st.floats(0, 1.4140625, width=32),
)


def eva_by_loops(error_norm, early, late):
    """The formula of EVA, Eq. 4-6, one number at a time."""
    scores = []
    for sample in range(error_norm.shape[1]):
        total = 0.0
        for window in (early, late):
            values = [
                float(error_norm[t - 1, sample]) for t in range(window.first, window.last + 1)
            ]
            mean = sum(values) / len(values)
            total += sum((value - mean) ** 2 for value in values) / len(values)
        scores.append(total)
    return np.array(scores)


def test_two_samples_by_hand(make_dynamics):
    dynamics = make_dynamics(error_norm=[[0, 1], [1, 1], [0.5, 1], [0.5, 0]])
    score = compute_score(dynamics, "eva", {"early": Window(1, 2), "late": Window(3, 4)})
    assert score.values.tolist() == [0.25, 0.25]
    assert score.direction == "harder"


def test_windows_may_differ_in_length_and_touch(make_dynamics):
    dynamics = make_dynamics(error_norm=[[0.0], [1.0], [1.0], [1.0]])
    score = compute_score(dynamics, "eva", {"early": "1-2", "late": "3-4"})
    assert score.values.tolist() == [0.25]


def test_l1_divides_by_the_sum_over_samples_and_averages(make_dynamics):
    dynamics = make_dynamics(error_norm=[[0, 0, 0], [1, 0.5, 0], [0, 0, 0], [1, 1, 0]])
    options = {"early": "1-2", "late": "3-4", "aggregation": "l1"}
    values = compute_score(dynamics, "eva", options).values
    early, late = np.array([0.25, 0.0625, 0]), np.array([0.25, 0.25, 0])
    np.testing.assert_allclose(values, early / early.sum() / 2 + late / late.sum() / 2)
    assert values.sum() == pytest.approx(1)


def test_l1_of_a_window_without_movement_stays_zero(make_dynamics):
    dynamics = make_dynamics(error_norm=[[1, 0], [1, 0], [0, 0], [1, 0]])
    options = {"early": "1-2", "late": "3-4", "aggregation": "l1"}
    assert compute_score(dynamics, "eva", options).values.tolist() == [0.5, 0]


@settings(deadline=None, max_examples=60)
@given(HISTORIES)
def test_equals_the_plain_loop_and_stays_in_bounds(make_dynamics, error_norm):
    n_epochs = len(error_norm)
    early, late = Window(1, 2), Window(3, n_epochs)
    values = compute_score(
        make_dynamics(error_norm=error_norm), "eva", {"early": early, "late": late}
    ).values
    np.testing.assert_allclose(values, eva_by_loops(error_norm, early, late), atol=1e-12)
    assert values.dtype == np.float64
    assert (values >= 0).all()
    assert (values <= 1 + 1e-6).all()  # two windows, each at most (sqrt 2 / 2) ** 2


@settings(deadline=None, max_examples=40)
@given(HISTORIES, st.randoms(use_true_random=False), st.sampled_from(["sum", "l1"]))
def test_permuting_samples_permutes_scores(make_dynamics, error_norm, random, aggregation):
    order = list(range(error_norm.shape[1]))
    random.shuffle(order)
    options = {"early": "1-2", "late": "3-4", "aggregation": aggregation}
    values = compute_score(make_dynamics(error_norm=error_norm), "eva", options).values
    permuted = compute_score(make_dynamics(error_norm=error_norm[:, order]), "eva", options).values
    np.testing.assert_allclose(permuted, values[order], rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 1.4140625, width=32), st.integers(4, 30))
def test_a_constant_history_scores_exactly_zero(make_dynamics, value, n_epochs):
    dynamics = make_dynamics(error_norm=np.full((n_epochs, 2), value, np.float32))
    assert compute_score(dynamics, "eva").values.tolist() == [0, 0]


def test_samples_are_read_in_slices_without_changing_the_result(make_dynamics, monkeypatch):
    error_norm = np.random.default_rng(0).random((4, 11)).astype(np.float32)
    whole = compute_score(make_dynamics(error_norm=error_norm), "eva").values
    monkeypatch.setattr("coreset_lib.dynamics.BLOCK_CELLS", 8)
    assert compute_score(make_dynamics(error_norm=error_norm), "eva").values.tolist() == (
        whole.tolist()
    )


def test_the_default_late_window_ends_in_the_middle_of_a_long_run(make_dynamics):
    dynamics = make_dynamics(error_norm=np.zeros((200, 1)))
    options = compute_score(dynamics, "eva").plain_options()
    assert options == {"early": "1-10", "late": "91-100", "aggregation": "sum"}


@pytest.mark.parametrize(
    ("early", "late", "message"),
    [
        ("1-3", "3-6", "early window must end before the late window begins, got early 1-3"),
        ("4-6", "1-2", "early window must end before the late window begins"),
        ("1-2", "5-7", "late window must lie within the 6 recorded epochs, got 5-7"),
        ("7-8", "9-9", "early window must lie within the 6 recorded epochs, got 7-8"),
        ("0-2", "3-4", "window must hold at least one epoch and start at 1 or later, got 0-2"),
        ("3-2", "4-5", "window must hold at least one epoch and start at 1 or later, got 3-2"),
        ("", "4-5", "window must look like first-last, got ''"),
        ("1-2-3", "4-5", "window must look like first-last, got '1-2-3'"),
        ("1-" + "9" * 5000, "4-5", "window must look like first-last"),
    ],
)
def test_wrong_windows_are_told_in_words(make_dynamics, early, late, message):
    dynamics = make_dynamics(error_norm=np.zeros((6, 2)))
    with pytest.raises(CoresetError) as caught:
        compute_score(dynamics, "eva", {"early": early, "late": late})
    assert message in str(caught.value)


def test_a_window_may_end_with_the_last_epoch(make_dynamics):
    dynamics = make_dynamics(error_norm=[[0], [0], [0], [1]])
    score = compute_score(dynamics, "eva", {"early": "1-2", "late": "3-4"})
    assert score.values.tolist() == [0.25]


def test_gaps_in_a_window_are_refused_and_gaps_outside_do_not_matter(make_dynamics):
    error_norm = np.zeros((6, 3), np.float32)
    error_norm[4, 1] = np.nan
    dynamics = make_dynamics(error_norm=error_norm)
    assert not compute_score(dynamics, "eva", {"early": "1-2", "late": "3-4"}).values.any()
    with pytest.raises(CoresetError, match=r"error_norm .* in epochs 4-5, got 1 gaps"):
        compute_score(dynamics, "eva", {"early": "1-2", "late": "4-5"})


def test_a_run_of_one_epoch_has_no_two_windows(make_dynamics):
    with pytest.raises(CoresetError, match="two windows need at least 2 recorded epochs, got 1"):
        compute_score(make_dynamics(error_norm=[[0.5, 0.5]]), "eva")


def test_a_run_without_a_complete_epoch_has_no_score(make_dynamics):
    with pytest.raises(CoresetError, match=r"at least one complete epoch, got 0"):
        compute_score(make_dynamics(error_norm=np.zeros((0, 3))), "eva")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("eva", {"early": "1-1", "late": "2-4"}),
        ("eva", {"early": "1-2", "late": "4-4"}),
        ("eva_single", {"window": "2-2"}),
    ],
)
def test_a_window_of_one_epoch_has_no_variance(make_dynamics, name, options):
    dynamics = make_dynamics(error_norm=np.random.default_rng(0).random((4, 3)))
    with pytest.raises(CoresetError, match="window must hold at least two epochs, got"):
        compute_score(dynamics, name, options)


@pytest.mark.parametrize("n_epochs", [2, 3])
def test_a_run_that_is_too_short_is_refused_and_not_ranked_by_file_order(make_dynamics, n_epochs):
    dynamics = make_dynamics(error_norm=np.random.default_rng(0).random((n_epochs, 3)))
    with pytest.raises(CoresetError, match="train for at least 4 epochs"):
        compute_score(dynamics, "eva")


def test_a_score_that_ties_most_samples_says_so(make_dynamics):
    moving = np.zeros((4, 5))
    moving[0, :2] = [0.5, 1.0]
    score = compute_score(make_dynamics(error_norm=moving), "eva")
    assert score.tie_note == (
        "Score eva ties 3 of 5 samples, which share 1 values: among equals the order is that of "
        "the file."
    )
    moving[0, 2:] = [0.1, 0.2, 0.3]
    assert compute_score(make_dynamics(error_norm=moving), "eva").tie_note == ""


def test_one_sample_is_enough(make_dynamics):
    score = compute_score(make_dynamics(error_norm=[[0.0], [1.0], [0.0], [0.0]]), "eva")
    assert score.values.tolist() == [0.25]
    assert score.ranks().tolist() == [1]


def test_an_unknown_aggregation_is_refused_with_the_choices(make_dynamics):
    with pytest.raises(CoresetError, match=r"option aggregation must be one of sum, l1"):
        compute_score(make_dynamics(error_norm=np.zeros((4, 1))), "eva", {"aggregation": "l2"})
