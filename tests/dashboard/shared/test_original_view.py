"""The close look at an original: zoom to the pixel, windows, and what a changed file says."""

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets.files.grey_window import GreyWindow
from coreset_lib.datasets.files.original import Original
from dashboard.shared.samples.images import shrink
from dashboard.shared.samples.original_view import cut, initial_window

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def test_a_zoom_shows_a_part_with_whole_pixels():
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    corner = cut(picture, 4, 1.0, 0.0)
    assert corner.shape == (720, 720)
    assert np.unique(corner).tolist() == [6, 7, 14, 15]
    assert (corner[:360, :360] == 6).all()
    assert cut(picture, 1, 0.5, 0.5).shape == (720, 720)
    assert cut(picture, 16, 0.5, 0.5).shape == (720, 720)


def test_a_large_picture_is_not_enlarged():
    picture = np.zeros((1000, 1500, 3), np.uint8)
    assert cut(picture, 1, 0.5, 0.5).shape == (1000, 1500, 3)


def test_a_picture_is_sent_no_larger_than_screens_show_it():
    picture = np.full((1000, 3000, 3), 7, np.uint8)
    picture[::2] = 9
    sent = shrink(picture, most=1500)
    assert sent.shape == (500, 1500, 3)
    assert (sent == 8).all()
    assert shrink(picture, most=3000) is picture


def test_windows_begin_with_the_stored_one_or_the_preset():
    values = np.array([[-1000, 1000]], np.int16)
    stored = Original(values, GreyWindow(40, 400), False, -1000, 1000)
    assert initial_window(stored, "as stored") == GreyWindow(40, 400)
    assert initial_window(stored, "lung") == GreyWindow(-600, 1600)
    plain = Original(values, None, False, -1000, 1000)
    assert initial_window(plain, "as stored") == GreyWindow(0, 2000, "LINEAR_EXACT")


@pytest.fixture
def image_run(write_run, tmp_path):
    """A run on a folder of 16-bit images."""
    random = np.random.default_rng(0)
    for number in range(160):
        path = tmp_path / "cells" / "ab"[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 4096, (40, 40)).astype(np.uint16)).save(path)
    return write_run(path=tmp_path / "cells")


def test_the_original_opens_with_level_and_window(open_dashboard, image_run):
    dashboard = open_dashboard("trajectories", sample="3")
    assert not dashboard.errors
    dashboard.labelled("button", "Look closer…").click()
    dashboard.run()
    assert dashboard.labelled("slider", "Level (centre)").value
    assert "40 × 40 pixels" in dashboard.words
    assert any("enlarged" in str(image.proto) for image in dashboard.app.get("image"))


def test_a_changed_original_is_told_in_one_sentence(open_dashboard, image_run):
    dashboard = open_dashboard("trajectories", sample="3")
    for path in (image_run.root.parents[2] / "cells").rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"x")
    dashboard.labelled("button", "Look closer…").click()
    dashboard.run()
    assert any("has changed since it was prepared" in error for error in dashboard.errors)


def test_an_image_without_a_file_can_be_looked_at_closely_too(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("trajectories", sample="3")
    dashboard.labelled("button", "Look closer…").click()
    dashboard.run()
    assert not dashboard.errors
    assert dashboard.labelled("slider", "Contrast: black and white at").value == (0, 255)
    assert "28 × 28 pixels" in dashboard.words


def test_arrays_of_16_bits_have_level_and_window(open_dashboard, write_run, tmp_path):
    random = np.random.default_rng(0)
    arrays = {
        name: random.integers(-1000, 2000, (count, 12, 12)).astype(np.int16)
        for name, count in (("train_images", 40), ("val_images", 10), ("test_images", 10))
    }
    labels = {name.replace("images", "labels"): np.arange(len(a)) % 2 for name, a in arrays.items()}
    np.savez(tmp_path / "scan.npz", **arrays, **labels)
    write_run(path=tmp_path / "scan.npz")
    dashboard = open_dashboard("trajectories", sample="3")
    assert not dashboard.errors
    dashboard.labelled("button", "Look closer…").click()
    dashboard.run()
    assert not dashboard.errors
    shown = arrays["train_images"][3]
    assert f"values {shown.min():g} to {shown.max():g}" in dashboard.words
    level = dashboard.labelled("slider", "Level (centre)")
    assert (level.min, level.max) == (shown.min(), shown.max())
