import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score
from coreset_lib.scores.movement import population_movement, suggest_windows
from coreset_lib.windows import Window


def test_movement_is_the_squared_step_of_all_samples(make_dynamics):
    error = [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 3.0]]
    assert population_movement(make_dynamics(error_norm=error)).tolist() == [0, 1 / 6, 1 / 6, 4 / 6]


def test_what_never_moves_has_no_shares(make_dynamics):
    assert population_movement(make_dynamics(error_norm=[[0.5], [0.5]])).tolist() == [0, 0]


def test_a_gap_counts_as_not_moved(make_dynamics):
    error = [[1.0, 0.0], [np.nan, 1.0], [0.0, 1.0]]
    assert population_movement(make_dynamics(error_norm=error)).tolist() == [0, 1, 0]


def test_the_suggested_late_window_is_the_last_that_still_sees_something():
    movement = np.array([0, 0.1, 0.3, 0.3, 0.1, 0.05, 0.05, 0.05, 0.04, 0.01, 0, 0])
    assert suggest_windows(movement, 2) == (Window(3, 4), Window(8, 9))


def test_where_nothing_moves_late_the_window_that_sees_most_is_suggested():
    movement = np.array([0, 0.5, 0.48, 0, 0, 0.015, 0.005, 0])
    assert suggest_windows(movement, 2) == (Window(2, 3), Window(6, 7))


@pytest.mark.parametrize("n_epochs", range(2, 9))
def test_suggested_windows_lie_apart_and_in_the_run(n_epochs):
    rng = np.random.default_rng(n_epochs)
    for length in range(1, n_epochs // 2 + 1):
        early, late = suggest_windows(rng.random(n_epochs), length)
        assert early.n_epochs == late.n_epochs == length
        assert 1 <= early.first <= early.last < late.first <= late.last <= n_epochs


@pytest.mark.parametrize("length", [0, 4])
def test_windows_longer_than_half_of_the_run_are_refused(length):
    with pytest.raises(CoresetError, match="from 1 to half of the 7 epochs"):
        suggest_windows(np.ones(7), length)


def test_the_area_under_the_margin_may_be_taken_over_a_window(make_dynamics):
    margin = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    dynamics = make_dynamics(margin=margin)
    found = compute_score(dynamics, "aum", {"window": "3-5"}).values
    assert np.allclose(found, margin[2:5].mean(axis=0))
    assert np.allclose(compute_score(dynamics, "aum").values, margin.mean(axis=0))
