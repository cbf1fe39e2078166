import numpy as np
import pytest

from coreset_lib.scores.score import ScoreValues
from dashboard.trajectories.figure_lines import (
    COLOURS,
    MOST_PINNED,
    figure_lines,
    figure_samples,
    ranked_lines,
)


@pytest.fixture
def dynamics(make_dynamics):
    return make_dynamics(error_norm=np.random.default_rng(0).random((5, 40)).astype(np.float32))


@pytest.fixture
def score():
    return ScoreValues("eva", np.arange(40.0), "harder")


IDS = np.array([f"s{k}" for k in range(40)], dtype=object)


def test_the_figure_shows_every_kind_once_and_in_its_own_colour(dynamics, score):
    samples = figure_samples(score, (39, 20, 21, 22), IDS)
    names = [sample.name for sample in samples]
    assert names[:5] == [
        "hardest s39",
        "hardest s38",
        "hardest s37",
        "selected s20",
        "selected s21",
    ]
    assert [name for name in names if name.startswith("easiest")] or len(samples) == 12
    assert len({sample.index for sample in samples}) == len(samples)
    lines = figure_lines(dynamics, samples)
    assert len({line.colour for line in lines}) == len(lines) <= len(COLOURS)
    assert all(line.is_pinned for line in lines)


def test_a_figure_of_few_samples_holds_each_of_them_once():
    few = ScoreValues("eva", np.array([1.0, 2.0]), "harder")
    assert [s.index for s in figure_samples(few, (), IDS)] == [1, 0]


def test_pinned_samples_are_not_among_the_plain_lines(dynamics, score):
    lines = ranked_lines(dynamics, IDS, score.order(), (38, 3, 38))
    assert [line.index for line in lines if line.is_pinned] == [38, 3]
    assert [line.index for line in lines if not line.is_pinned] == [
        39,
        37,
        36,
        35,
        34,
        33,
        32,
        31,
        30,
    ]
    line = lines[-1]
    assert np.array_equal(line.values, dynamics.plane("error_norm")[:, 3])


def test_a_large_selection_shows_its_first_lines(dynamics, score):
    lines = ranked_lines(dynamics, IDS, score.order(), range(20))
    assert [line.index for line in lines if line.is_pinned] == list(range(MOST_PINNED))
