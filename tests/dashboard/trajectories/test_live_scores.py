import pytest

from coreset_lib.scores import SCORES
from coreset_lib.windows import Window
from dashboard.trajectories.board_data import window_options
from dashboard.trajectories.instrument.live_scores import LIVE_SCORES, windows_read

EARLY, LATE = Window(2, 5), Window(8, 11)


@pytest.mark.parametrize("name", LIVE_SCORES)
def test_a_live_score_reads_a_recorded_plane_and_the_windows_it_says(name):
    live = LIVE_SCORES[name]
    assert live.plane in SCORES[name].needs
    assert live.windows == windows_read(name)
    told = live.as_dict(name, {})
    assert (told["aggregation"], told["direction"]) == ("sum", SCORES[name].direction)


def test_an_only_window_is_the_early_one():
    assert dict(window_options("eva_single", (), EARLY, LATE, in_window=False)) == {"window": EARLY}
    both = dict(window_options("eva", (("aggregation", "l1"),), EARLY, LATE, in_window=False))
    assert both == {"early": EARLY, "late": LATE, "aggregation": "l1"}


def test_the_published_mean_margin_is_moved_only_when_asked():
    assert window_options("aum", (), EARLY, LATE, in_window=False) == ()
    assert window_options("aum", (), EARLY, LATE, in_window=True) == (("window", EARLY),)


def test_scores_without_windows_get_none():
    assert window_options("forgetting", (), EARLY, LATE, in_window=True) == ()
