"""Which sample a click on the data map names."""

import numpy as np
import pytest

from coreset_lib.scores.data_map import DataMap
from dashboard.trajectories.data_map_chart import clicked_sample, data_map_figure


def test_every_dot_names_its_sample():
    quantities = DataMap(*(np.linspace(0, 1, 5) for _ in range(3)))
    figure = data_map_figure(quantities, list("abcde"), np.array([3, 1], dtype=np.intp))
    dots, rings = figure.data
    assert np.ravel(dots.customdata).tolist() == [0, 1, 2, 3, 4]
    assert np.ravel(rings.customdata).tolist() == [3, 1]


def test_a_click_names_a_sample():
    assert clicked_sample({"selection": {"points": [{"customdata": [3]}]}}, 5) == 3


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"selection": {"points": []}},
        {"selection": {"points": [{}]}},
        {"selection": {"points": [{"customdata": [5]}]}},
        {"selection": {"points": [{"customdata": [-1]}]}},
        {"selection": {"points": [{"customdata": ["3"]}]}},
        {"selection": {"points": [{"customdata": [1.5]}]}},
    ],
)
def test_anything_else_names_none(state):
    assert clicked_sample(state, 5) is None
