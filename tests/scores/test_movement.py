"""Where the population moves, and windows that lie there."""

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score
from coreset_lib.scores.movement import (
    mean_movement,
    moving_windows,
    shares_of_movement,
    suggest_windows,
    window_shares,
)
from coreset_lib.windows import Window, default_windows


def test_movement_by_hand(make_dynamics):
    dynamics = make_dynamics(error_norm=[[1.0, 0.5], [0.5, 0.5], [0.5, np.nan]])
    np.testing.assert_allclose(mean_movement(dynamics), [0, 0.25, 0])


def test_the_shares_of_the_windows_by_hand(make_dynamics):
    # Variances: early 0.25 and 0, late 0.0625 and 0.
    dynamics = make_dynamics(error_norm=[[1, 0.5], [0, 0.5], [0.5, 0.5], [0, 0.5]])
    early, late = window_shares(dynamics, early=Window(1, 2), late=Window(3, 4))
    assert (early, late) == (pytest.approx(0.8), pytest.approx(0.2))
    assert window_shares(
        make_dynamics(error_norm=np.ones((4, 2))), early=Window(1, 2), late=Window(3, 4)
    ) == (0, 0)


def test_windows_that_overlap_have_no_shares(make_dynamics):
    with pytest.raises(CoresetError, match="early window must end before"):
        window_shares(
            make_dynamics(error_norm=np.ones((4, 1))), early=Window(1, 2), late=Window(2, 3)
        )


def wobble(n_epochs, moves_until):
    """Return errors that go up and down until an epoch and then stand still."""
    epochs = np.arange(n_epochs)[:, None]
    return np.where(epochs < moves_until, epochs % 2, 0).astype(np.float32).repeat(3, axis=1)


def test_the_late_window_stays_where_it_was_while_the_population_moves(make_dynamics):
    dynamics = make_dynamics(error_norm=wobble(60, 60))
    assert moving_windows(dynamics) == default_windows(60)


def test_the_late_window_moves_back_to_where_the_population_still_moves(make_dynamics):
    early, late = moving_windows(make_dynamics(error_norm=wobble(100, 30)))
    assert early == Window(1, 10)
    # Three of its ten changes, up to epoch 31, are more than 30 % of the nine in the early window.
    assert late == Window(29, 38)


def test_a_population_that_stops_at_once_has_the_window_after_the_early_one(make_dynamics):
    assert moving_windows(make_dynamics(error_norm=wobble(40, 10)))[1] == Window(11, 20)
    assert moving_windows(make_dynamics(error_norm=np.ones((4, 2))))[1] == Window(3, 4)


def test_of_many_samples_some_all_over_the_set_are_looked_at(make_dynamics):
    error_norm = np.zeros((2, 50_000), np.float32)
    error_norm[1, 25_000:] = 1
    assert mean_movement(make_dynamics(error_norm=error_norm))[1] == pytest.approx(0.5, 0.1)


def test_one_epoch_is_too_few(make_dynamics):
    with pytest.raises(CoresetError, match="two windows need at least 2"):
        moving_windows(make_dynamics(error_norm=[[1.0]]))


def test_what_never_moves_has_no_shares():
    assert shares_of_movement(np.array([0.0, 1.0, 3.0])).tolist() == [0, 0.25, 0.75]
    assert shares_of_movement(np.zeros(3)).tolist() == [0, 0, 0]


def test_suggested_windows_of_the_usual_length_are_the_default_ones(make_dynamics):
    dynamics = make_dynamics(error_norm=wobble(100, 30))
    movement = mean_movement(dynamics)
    assert suggest_windows(movement, 10) == moving_windows(dynamics)
    assert suggest_windows(shares_of_movement(movement)) == moving_windows(dynamics)


def test_the_suggested_late_window_is_the_last_that_still_sees_something():
    movement = np.array([0, 0.3, 0.3, 0.1, 0.05, 0.05, 0.05, 0.04, 0.01, 0, 0, 0])
    assert suggest_windows(movement, 2) == (Window(1, 2), Window(5, 6))
    assert suggest_windows(movement, 3) == (Window(1, 3), Window(4, 6))


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
