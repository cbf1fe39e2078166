"""Ranks, ties and the messages that all scores share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.score import Option, ScoreValues


def test_ties_go_by_index():
    assert ScoreValues("s", np.array([1.0, 2, 1, 2]), "harder").order().tolist() == [1, 3, 0, 2]
    assert ScoreValues("s", np.array([1.0, 2, 1, 2]), "easier").order().tolist() == [0, 2, 1, 3]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.sampled_from(["harder", "easier"]))
def test_ranks_are_one_to_n_and_follow_the_order(values, direction):
    score = ScoreValues("s", np.array(values), direction)
    assert sorted(score.ranks()) == list(range(1, len(values) + 1))
    assert score.ranks()[score.order()].tolist() == list(range(1, len(values) + 1))
    sign = 1 if direction == "harder" else -1
    hardest_first = [sign * values[i] for i in score.order()]
    assert hardest_first == sorted(hardest_first, reverse=True)


def test_an_unknown_score_is_answered_with_all_names(make_dynamics):
    with pytest.raises(CoresetError, match=r"score must be one of eva, .*Did you mean eva\?"):
        compute_score(make_dynamics(error_norm=[[0.0]]), "eva2")


def test_an_unknown_option_is_answered_with_the_options(make_dynamics):
    with pytest.raises(CoresetError, match=r"no option 'earl'. Its options are: early, late"):
        compute_score(make_dynamics(error_norm=[[0.0]]), "eva", {"earl": "1-2"})


@pytest.mark.parametrize("value", ["nan", "x", "-0.1", "1.1", "inf"])
def test_a_number_out_of_range_is_refused(value):
    option = Option(kind="real", help="", least=0, most=1)
    with pytest.raises(
        CoresetError, match=rf"option beta must be a number from 0 to 1, got {value}"
    ):
        option.read("beta", value)


def test_every_score_says_what_it_is():
    for score in SCORES.values():
        assert score.title
        assert score.summary.endswith(".")
        assert score.source
        assert score.direction in ("harder", "easier")
        assert all(option.help for option in score.options.values())
