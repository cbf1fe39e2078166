"""The image that stands for more samples than can be drawn."""

import io

import numpy as np
from PIL import Image

from dashboard.map.component.sample_map import Categories, Numbers
from dashboard.map.density import FAINTEST, LONGER_SIDE, density_image, image_shape
from dashboard.shared.marks import NO_VALUE, RAMP, mark_of, rgb

BOUNDS = (0.0, 0.0, 10.0, 5.0)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def classes(*codes):
    return Categories(title="Class", names=("a", "b", "c"), codes=np.array(codes))


def test_the_image_has_the_shape_of_the_map():
    assert image_shape(BOUNDS) == (LONGER_SIDE // 2, LONGER_SIDE)
    image = pixels(density_image(np.array([[1.0, 1.0]]), BOUNDS, classes(0)))
    assert image.shape == (360, 720, 4)


def test_a_sample_colours_its_own_pixel_with_y_upwards():
    image = pixels(density_image(np.array([[0.0, 5.0], [10.0, 0.0]]), BOUNDS, classes(0, 1)))
    assert tuple(image[0, 0, :3]) == rgb(mark_of(0).colour)
    assert tuple(image[-1, -1, :3]) == rgb(mark_of(1).colour)
    assert np.count_nonzero(image[..., 3]) == 2


def test_the_most_frequent_category_wins_the_pixel():
    places = np.array([[1.0, 1.0]] * 3)
    image = pixels(density_image(places, BOUNDS, classes(2, 1, 2)))
    (spot,) = np.argwhere(image[..., 3])
    assert tuple(image[tuple(spot)][:3]) == rgb(mark_of(2).colour)


def test_more_samples_are_more_opaque_and_one_is_still_seen():
    places = np.array([[1.0, 1.0]] * 50 + [[2.0, 2.0]])
    image = pixels(density_image(places, BOUNDS, classes(*[0] * 51)))
    opacity = sorted(image[..., 3][image[..., 3] > 0].tolist())
    assert opacity[0] >= FAINTEST
    assert opacity[-1] == 255


def test_numbers_are_averaged_on_the_colour_bar():
    places = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    values = np.array([0.0, 1.0, 0.0, 1.0, np.nan])
    image = pixels(density_image(places, BOUNDS, Numbers(title="Score", values=values)))
    by_column = {int(x): tuple(image[y, x, :3]) for y, x in np.argwhere(image[..., 3])}
    middle = np.mean([rgb(RAMP[4]), rgb(RAMP[5])], axis=0)
    assert np.allclose(by_column[72], middle, atol=1)
    assert by_column[144] == rgb(RAMP[0])
    assert by_column[216] == rgb(RAMP[-1])
    assert by_column[288] == rgb(NO_VALUE)


def test_a_selection_is_drawn_alone_with_the_colours_of_all():
    places = np.array([[1.0, 1.0], [2.0, 2.0]])
    colour = Numbers(title="Score", values=np.array([0.0, 1.0]))
    image = pixels(density_image(places, BOUNDS, colour, np.array([1])))
    ((y, x),) = np.argwhere(image[..., 3])
    assert x == 144
    assert tuple(image[y, x, :3]) == rgb(RAMP[-1])


def test_samples_outside_or_nowhere_are_left_out():
    places = np.array([[-1.0, 1.0], [np.nan, 1.0], [1.0, 99.0]])
    assert not pixels(density_image(places, BOUNDS, classes(0, 0, 0)))[..., 3].any()
