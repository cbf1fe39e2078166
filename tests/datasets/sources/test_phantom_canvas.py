"""Drawing primitives against shapes worked out by hand."""

import numpy as np
import pytest

from coreset_lib.datasets.sources.phantom.canvas import (
    Canvas,
    blur,
    posed_canvas,
    smooth_noise,
    step,
)


@pytest.fixture
def canvas() -> Canvas:
    """Return two empty 41 x 41 images, unposed, the origin at pixel (20, 20)."""
    axis = np.linspace(-1, 1, 41, dtype=np.float32)
    x, y = (np.repeat(plane[None], 2, axis=0) for plane in np.meshgrid(axis, axis))
    return Canvas(np.zeros((2, 41, 41), np.float32), x, y, np.random.default_rng(0))


def test_a_step_rises_smoothly_from_0_to_1() -> None:
    depth = np.array([-2, -1, 0, 1, 2], np.float32)
    np.testing.assert_allclose(step(depth, 1), [0, 0, 0.5, 1, 1])


def test_an_ellipse_has_its_area_and_its_place(canvas: Canvas) -> None:
    mask = canvas.ellipse((0.2, -0.1), (0.5, 0.25), softness=0.01)
    area = mask[0].sum() * 0.05**2
    assert area == pytest.approx(np.pi * 0.5 * 0.25, rel=0.05)
    assert (mask * canvas.x)[0].sum() / mask[0].sum() == pytest.approx(0.2, abs=0.01)
    assert (mask * canvas.y)[0].sum() / mask[0].sum() == pytest.approx(-0.1, abs=0.01)


def test_a_segment_covers_its_ends_and_tapers(canvas: Canvas) -> None:
    ends = [np.full((2, 1, 1), value, np.float32) for value in (-0.5, 0.5, 0)]
    mask = canvas.segment((ends[0], ends[2]), (ends[1], ends[2]), width=0.2)[0]
    assert mask[20, 10] == 1
    assert mask[20, 30] > 0.5
    assert mask[20, 38] == 0
    assert mask[:, 10].sum() > mask[:, 30].sum() > 0


def test_painting_blends_by_the_mask(canvas: Canvas) -> None:
    canvas.image[:] = 0.2
    mask = np.zeros_like(canvas.image)
    mask[:, 0, 0], mask[:, 0, 1] = 1, 0.5
    canvas.paint(mask, 0.6)
    np.testing.assert_allclose(canvas.image[0, 0, :3], [0.6, 0.4, 0.2], rtol=1e-6)


def test_chance_is_nought_or_one(canvas: Canvas) -> None:
    assert canvas.chance(0).max() == 0
    assert canvas.chance(1).min() == 1
    assert canvas.chance(0.5).shape == (2, 1, 1)


def test_noise_is_smooth_bounded_and_independent_per_sample() -> None:
    noise = smooth_noise(np.random.default_rng(0), 5, 60, 4)
    assert noise.dtype == np.float32
    assert np.abs(noise).max() <= 1
    assert np.abs(np.diff(noise, axis=1)).max() < 0.2
    assert not np.allclose(noise[0], noise[1])


def test_blur_keeps_a_constant_and_spreads_a_point() -> None:
    np.testing.assert_array_equal(blur(np.full((1, 5, 5), 3, np.float32)), np.full((1, 5, 5), 3))
    point = np.zeros((1, 5, 5), np.float32)
    point[0, 2, 2] = 16
    np.testing.assert_array_equal(blur(point)[0, 1:4, 1:4], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


def test_an_unmoved_pose_is_the_plain_grid_up_to_scale() -> None:
    rng = np.random.default_rng(0)
    canvas = posed_canvas(rng, 3, 16, rotation=0, shift=0, warp=0)
    ratio = canvas.x[:, 0, -1] / (1 - 1 / 16)
    assert ((ratio >= 0.8) & (ratio <= 1.3)).all()
    np.testing.assert_allclose(canvas.x, -canvas.x[:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(canvas.y, canvas.x.transpose(0, 2, 1), atol=1e-6)
    assert canvas.pixel == 0.125
