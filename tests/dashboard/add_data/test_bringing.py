"""Bringing data in without a terminal: a ZIP file, a folder dialog, a look at the folders."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from coreset_lib.cache import ROOTS_VARIABLE, allowed_roots
from coreset_lib.datasets.bringing.zip_file import unpacked_here
from dashboard.add_data import bringing, preparation

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def png(number):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def archive():
    """A ZIP file with an image folder in a folder around it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(120):
            name = ("alpha", "beta")[number % 2]
            file.writestr(f"export/{name}/{number:03d}.png", png(number))
    return buffer.getvalue()


@pytest.fixture
def make_images():
    def make(folder):
        for number in range(120):
            path = folder / ("alpha", "beta")[number % 2] / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(number))
        return folder

    return make


def check(dashboard):
    dashboard.labelled("button", "Check this data").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    return dashboard.run()


def train(dashboard):
    dashboard.labelled("button", "Train on this data").click()
    return dashboard.run()


def drop(dashboard, content, name="my cells.zip"):
    (place,) = dashboard.app.file_uploader
    place.set_value((name, content, "application/zip"))
    return dashboard.run()


def test_from_nothing_a_zip_file_leads_to_the_start_of_a_training(open_dashboard, cache, archive):
    dashboard = open_dashboard("add_data")
    assert "drop a ZIP file above" in dashboard.words
    drop(dashboard, archive)
    assert not dashboard.errors
    assert dashboard.labelled("text_input", "Folder, table or file in it").value == "export"
    check(dashboard)
    assert not dashboard.errors
    assert "Fit for training" in dashboard.words
    train(dashboard)
    assert not dashboard.errors
    assert dashboard.labelled("selectbox", "Dataset").value == "export"


def test_a_damaged_zip_file_is_one_sentence_and_another_can_be_dropped(
    open_dashboard, cache, archive
):
    dashboard = open_dashboard("add_data")
    drop(dashboard, archive[:5000])
    (error,) = dashboard.errors
    assert "my cells.zip is damaged, or is none" in error
    assert not drop(dashboard, archive).errors
    assert unpacked_here(cache)


def test_an_unpacked_zip_file_can_be_removed(open_dashboard, cache, archive):
    dashboard = open_dashboard("add_data")
    drop(dashboard, archive)
    dashboard.labelled("button", "Remove the unpacked images").click()
    dashboard.run()
    assert not dashboard.errors
    assert unpacked_here(cache) == []
    assert "drop a ZIP file above" in dashboard.words


def test_a_folder_chosen_in_the_dialog_is_read_and_trained_on(
    open_dashboard, tmp_path, make_images, monkeypatch
):
    chosen = make_images(tmp_path / "my scans" / "cells")
    monkeypatch.setattr(bringing, "has_folder_dialog", lambda: True)
    monkeypatch.setattr(bringing, "_is_at_this_computer", lambda: True)
    monkeypatch.setattr(bringing, "ask_for_folder", lambda _: chosen)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("button", "Choose a folder on this computer…").click()
    dashboard.run()
    assert allowed_roots() == (chosen,)
    check(dashboard)
    assert not dashboard.errors
    train(dashboard)
    assert not dashboard.errors
    assert dashboard.labelled("text_input", "Folder with dataset files").value == str(chosen)
    assert dashboard.labelled("selectbox", "Dataset").value == "cells"


def test_a_dialog_that_fails_is_one_sentence(open_dashboard, monkeypatch):
    def fail(_):
        raise OSError("this computer opens no dialog")

    monkeypatch.setattr(bringing, "has_folder_dialog", lambda: True)
    monkeypatch.setattr(bringing, "_is_at_this_computer", lambda: True)
    monkeypatch.setattr(bringing, "ask_for_folder", fail)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("button", "Choose a folder on this computer…").click()
    dashboard.run()
    (error,) = dashboard.errors
    assert "this computer opens no dialog" in error
    assert allowed_roots() == ()


def test_the_dialog_is_offered_on_this_computer_only(open_dashboard, monkeypatch):
    monkeypatch.setattr(bringing, "has_folder_dialog", lambda: True)
    dashboard = open_dashboard("add_data")  # from a browser that names no local host
    assert not [button for button in dashboard.app.button if "this computer" in button.label]


def test_folders_are_gone_through_and_chosen_within_the_allowed_one(
    open_dashboard, tmp_path, make_images, monkeypatch
):
    root = tmp_path / "allowed"
    make_images(root / "2026" / "cells")
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))
    dashboard = open_dashboard("add_data")
    assert dashboard.labelled("button", "Up").disabled
    for name in ("2026", "cells"):
        dashboard.labelled("button_group", "Folders").select(name)
        dashboard.run()
    dashboard.labelled("button", "Use this folder").click()
    dashboard.run()
    assert dashboard.labelled("text_input", "Folder, table or file in it").value == "2026/cells"
    dashboard.labelled("button", "Up").click()
    dashboard.run()
    assert not dashboard.errors
    assert dashboard.labelled("button_group", "Folders").options == ["cells"]


def test_what_lies_in_the_allowed_folder_itself_can_be_trained_on(
    open_dashboard, tmp_path, make_images, monkeypatch
):
    root = make_images(tmp_path / "allowed")
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))
    dashboard = train(check(open_dashboard("add_data")))
    assert not dashboard.errors
    assert dashboard.labelled("selectbox", "Dataset").value == "allowed"


@pytest.mark.parametrize(("side", "size"), [(28, 28), (120, 64), (300, 128), (700, 224)])
def test_the_image_size_begins_with_what_suits_the_originals(
    open_dashboard, tmp_path, monkeypatch, side, size
):
    for number in range(6):
        path = tmp_path / "allowed" / "set" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (side + 40, side), number).save(path)
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path / "allowed"))
    dashboard = open_dashboard("add_data")
    dashboard.labelled("text_input", "Folder, table or file in it").set_value("set")
    dashboard.run()
    box = dashboard.labelled("selectbox", "Image size")
    assert box.value == size
    assert f"about {side} pixels" in box.help
