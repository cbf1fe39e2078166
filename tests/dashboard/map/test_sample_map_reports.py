"""What the browser may report to the map, and what the map sends to the browser."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hst

from coreset_lib.errors import CoresetError
from dashboard.map.component.sample_map import (
    NO_LEVEL,
    Categories,
    Density,
    MapView,
    Numbers,
    map_bounds,
    payload,
    read_pick,
    read_shape,
    sample_map,
)
from dashboard.shared.marks import mark_of
from dashboard.shared.samples.image_grid import read_action

LASSO = {"kind": "lasso", "mode": "add", "corners": [[0, 0], [1, 0.5], [0, 1]]}


def view(n=4, **changes):
    fields = {
        "positions": np.column_stack([np.arange(n), np.arange(n) * 2.0]).astype(np.float32),
        "colour": Categories(title="Class", names=("a", "b"), codes=np.arange(n) % 2),
        "labels": np.arange(n) % 2,
        "class_names": ("a", "b"),
        "shown": np.arange(n),
        "selected": np.array([], dtype=np.int64),
    }
    return MapView(**(fields | changes))


def words(text, kind="<u2"):
    return np.frombuffer(base64.b64decode(text), kind).tolist()


def test_a_lasso_is_read():
    shape = read_shape(LASSO)
    assert (shape.kind, shape.mode) == ("lasso", "add")
    assert shape.corners == ((0.0, 0.0), (1.0, 0.5), (0.0, 1.0))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "circle"},
        {"kind": "box"},
        {"mode": "xor"},
        {"corners": None},
        {"corners": [[0, 0], [1, 1]]},
        {"corners": [[0, 0], [1, 1], [1]]},
        {"corners": [[0, 0], [1, 1], [1, "2"]]},
        {"corners": [[0, 0], [1, 1], [1, True]]},
        {"corners": [[0, 0], [1, 1], [1, float("nan")]]},
        {"corners": [[0, 0], [1, 1], [1, 1e30]]},
        {"corners": [[0, 0]] * 5001},
    ],
)
def test_a_malformed_shape_is_refused(change):
    assert read_shape(LASSO | change) is None


@pytest.mark.parametrize("report", [None, 3, "lasso", [], {}])
def test_what_is_no_shape_is_refused(report):
    assert read_shape(report) is None


@pytest.mark.parametrize("index", [-1, 4, 1.0, "1", None, True])
def test_a_sample_that_is_not_there_is_not_picked(index):
    assert read_pick({"index": index, "mode": "add"}, 4) is None
    assert read_pick({"index": 1, "mode": "add"}, 4).index == 1


@pytest.mark.parametrize("report", [None, [], ["open"], ["open", 9], ["close", 1], ["open", True]])
def test_an_action_on_no_image_is_refused(report):
    assert read_action(report, {1, 2}) == ("", -1)
    assert read_action(["drop", 2], {1, 2}) == ("drop", 2)


def test_positions_travel_as_steps_between_the_bounds():
    sent = payload(view())
    assert sent["bounds"] == [0.0, 0.0, 3.0, 6.0]
    assert words(sent["x"]) == [0, 21845, 43690, 65535]
    assert words(sent["y"]) == words(sent["x"])
    assert sent["index"] is None


def test_a_part_of_the_samples_travels_with_their_numbers():
    sent = payload(view(shown=np.array([1, 3])))
    assert words(sent["index"], "<u4") == [1, 3]
    assert words(sent["labels"]) == [1, 1]
    assert sent["bounds"] == [0.0, 0.0, 3.0, 6.0]


def test_samples_without_place_are_not_drawn():
    places = np.array([[0, 0], [np.nan, 1], [1, 1], [2, np.inf]], np.float32)
    sent = payload(view(positions=places))
    assert words(sent["index"], "<u4") == [0, 2]
    assert sent["bounds"] == [0.0, 0.0, 1.0, 1.0]


def test_the_selection_travels_as_bits():
    sent = payload(view(9, selected=np.array([0, 8])))
    assert words(sent["selected"], "u1") == [1, 1]
    assert sent["n_selected"] == 2


def test_categories_travel_as_codes_with_counts_and_marks():
    colour = Categories(title="Cluster", names=("x", "y"), codes=np.array([0, -1, 1, 1]))
    sent = payload(view(colour=colour))["colour"]
    assert words(sent["codes"]) == [0, NO_LEVEL, 1, 1]
    assert sent["counts"] == [1, 2]
    assert sent["marks"] == [list(mark_of(0)), list(mark_of(1))]


def test_numbers_travel_as_levels_between_the_ends_of_the_bar():
    colour = Numbers(title="Score", values=np.array([0.0, 1.0, np.nan, 0.5]))
    low, high = colour.limits
    assert 0 <= low < 0.02
    assert 0.98 < high <= 1
    assert words(payload(view(colour=colour))["colour"]["codes"]) == [0, 65534, NO_LEVEL, 32767]


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0, 1.0], [np.nan] * 4])
def test_constant_and_missing_values_have_a_bar(values):
    low, high = Numbers(title="Score", values=np.array(values)).limits
    assert low < high


def test_few_outliers_among_equal_values_still_span_the_bar():
    values = np.zeros(1000)
    values[0] = 5
    assert Numbers(title="Score", values=values).limits == (0.0, 5.0)


def test_medoids_and_density_travel_with_their_places():
    density = Density(bounds=(0, 0, 1, 1), all_samples=b"x")
    sent = payload(view(medoids={2: "medoid of a · 1"}, density=density))
    assert sent["medoids"] == [
        {"index": 2, "x": 43690, "y": 43690, "text": "medoid of a · 1", "code": 0}
    ]
    assert sent["density"]["all"].startswith("data:image/png;base64,")
    assert sent["density"]["selected"] is None


def test_one_place_for_all_samples_has_bounds():
    assert map_bounds(np.ones((3, 2))) == (1.0, 1.0, 2.0, 2.0)
    assert map_bounds(np.empty((0, 2))) == (0.0, 0.0, 1.0, 1.0)


def test_colours_of_other_samples_are_refused():
    colour = Numbers(title="Score", values=np.zeros(3))
    with pytest.raises(CoresetError, match="colours of the map must be of its 4 samples, got 3"):
        sample_map(view(colour=colour), key="map", alt="")


def test_56_categories_can_be_told_apart():
    assert len({mark_of(k) for k in range(56)}) == 56


@given(values=hst.lists(hst.floats(-1e6, 1e6) | hst.just(float("nan")), min_size=1, max_size=50))
def test_levels_keep_the_order_of_values(values):
    numbers = Numbers(title="Score", values=np.array(values))
    levels = numbers.levels.astype(int)
    known = np.isfinite(numbers.values)
    order = np.argsort(numbers.values[known], kind="stable")
    assert (np.diff(levels[known][order]) >= 0).all()
    assert (levels[~known] == NO_LEVEL).all()


def test_rings_name_their_place_among_the_drawn_samples():
    sent = payload(view(shown=np.array([1, 3]), rings={3: "truly b", 0: "not drawn"}))
    assert sent["rings"] == [(1, "truly b")]
    assert payload(view())["rings"] == []
