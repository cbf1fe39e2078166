"""The lasso against a plain loop over exact numbers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst

from coreset_lib.errors import CoresetError
from dashboard.map.lasso import inside_box, inside_polygon, warm_up

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]


def winding_number(point, corners):
    """How often the outline winds around a point: one plain loop, exact numbers."""
    x, y = map(Fraction, map(float, point))
    exact = [tuple(map(Fraction, map(float, corner))) for corner in corners]
    winding = 0
    for (x0, y0), (x1, y1) in zip(exact, exact[1:] + exact[:1], strict=True):
        turn = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        if y0 <= y < y1 and turn > 0:
            winding += 1
        if y1 <= y < y0 and turn < 0:
            winding -= 1
    return winding


def oracle(points, corners):
    return [winding_number(point, corners) != 0 for point in points]


def test_points_in_a_square_are_inside_and_others_are_not():
    points = np.array([(2, 2), (5, 2), (-1, 2), (2, 5), (2, -1), (3.999, 3.999)])
    assert inside_polygon(points, SQUARE).tolist() == [True, False, False, False, False, True]


def test_the_direction_of_drawing_makes_no_difference():
    points = np.random.default_rng(0).uniform(-1, 5, (500, 2))
    assert np.array_equal(inside_polygon(points, SQUARE), inside_polygon(points, SQUARE[::-1]))


def test_two_shapes_with_a_common_side_share_no_point_and_lose_none():
    grid = np.stack(np.meshgrid(np.arange(0, 8), np.arange(0, 8)), -1).reshape(-1, 2)
    left = inside_polygon(grid, [(0, 0), (4, 0), (3, 8), (0, 8)])
    right = inside_polygon(grid, [(4, 0), (8, 0), (8, 8), (3, 8)])
    assert not (left & right).any()
    assert (left | right).all()


def test_where_the_ends_of_a_lasso_overlap_is_inside():
    twice_around = [*SQUARE, *SQUARE]
    assert inside_polygon(np.array([(2.0, 2.0)]), twice_around).all()


def test_the_hole_of_a_shape_drawn_back_is_outside():
    ring = [(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (3, 3), (3, 6), (6, 6), (6, 3), (3, 3)]
    assert inside_polygon(np.array([(4.5, 4.5), (1.0, 2.0)]), ring).tolist() == [False, True]


def test_points_without_coordinates_are_outside():
    points = np.array([(np.nan, 2.0), (2.0, np.nan), (np.inf, 2.0)])
    assert not inside_polygon(points, SQUARE).any()
    assert not inside_box(points, (0, 0, 4, 4)).any()


def test_a_flat_lasso_holds_nothing():
    points = np.array([(1.0, 1.0), (2.0, 1.0)])
    assert not inside_polygon(points, [(0, 1), (2, 1), (4, 1)]).any()


def test_no_points_are_no_points():
    assert inside_polygon(np.empty((0, 2)), SQUARE).shape == (0,)


def test_rounding_does_not_decide():
    # The product of the differences rounds to a tie in float64; one point lies right of it.
    corners = [(0.0, 0.0), (0.1 * 3, 0.3), (-1.0, 0.3)]
    points = np.array([(np.nextafter(0.1, 1), 0.1), (0.1, 0.1), (np.nextafter(0.1, 0), 0.1)])
    assert inside_polygon(points, corners).tolist() == oracle(points, corners)


def test_a_box_has_two_corners_in_either_order_and_owns_its_border():
    points = np.array([(0, 0), (2, 2), (4, 4), (4.001, 4)])
    assert inside_box(points, (4, 0, 0, 4)).tolist() == [True, True, True, False]


@pytest.mark.parametrize("corners", [[], [(0, 0), (1, 1)], [1, 2, 3], [(0, 0, 0)] * 3])
def test_too_few_corners_are_named(corners):
    with pytest.raises(CoresetError, match="lasso must have at least 3 corners of two numbers"):
        inside_polygon(np.zeros((1, 2)), corners)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_corners_beyond_all_numbers_are_refused(wrong):
    with pytest.raises(CoresetError, match="corners of the lasso must be numbers below 1e\\+100"):
        inside_polygon(np.zeros((1, 2)), [(0, 0), (1, 0), (wrong, 1)])


def test_warming_up_may_be_done_twice():
    warm_up()
    warm_up()
    assert inside_polygon(np.array([(1, 1)]), SQUARE).all()


lattice = hst.tuples(hst.integers(-4, 4), hst.integers(-4, 4))
anywhere = hst.tuples(*[hst.floats(-10, 10, allow_subnormal=True)] * 2)


@settings(deadline=None)
@given(
    points=hst.lists(lattice | anywhere, min_size=1, max_size=30),
    corners=hst.lists(lattice | anywhere, min_size=3, max_size=12),
    kind=hst.sampled_from([np.float32, np.float64]),
)
def test_every_point_agrees_with_the_plain_loop(points, corners, kind):
    array = np.array(points, dtype=kind)
    assert inside_polygon(array, corners).tolist() == oracle(array, corners)


@settings(deadline=None)
@given(seed=hst.integers(0, 1000), n_corners=hst.integers(3, 200))
def test_a_lasso_of_many_corners_agrees_with_the_plain_loop(seed, n_corners):
    random = np.random.default_rng(seed)
    points = random.normal(size=(40, 2)).astype(np.float32)
    angles = np.sort(random.uniform(0, 2 * np.pi, n_corners))
    radii = random.uniform(0.2, 2, n_corners)
    corners = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
    assert inside_polygon(points, corners).tolist() == oracle(points, corners)


@settings(deadline=None)
@given(seed=hst.integers(0, 1000))
def test_permuting_the_points_permutes_the_answer(seed):
    random = np.random.default_rng(seed)
    points, corners = random.normal(size=(100, 2)), random.normal(size=(20, 2))
    order = random.permutation(100)
    assert np.array_equal(
        inside_polygon(points, corners)[order], inside_polygon(points[order], corners)
    )
