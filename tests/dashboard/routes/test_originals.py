"""Originals for the screen: the file's pixels, through a window, without its name."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets.files.original import find_original
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import summarise
from dashboard import reads
from dashboard.review.desk_data import DeskImages
from dashboard.routes import table
from dashboard.routes.originals import FACTS, MOST_SIDE, Shelf, has_original
from dashboard.routes.served_run import find_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def write_files(tmp_path):
    """Return ``write(pixels of number) -> folder``: an image file for each of 160 samples."""

    def write(pixels):
        for number in range(160):
            path = tmp_path / "cells" / "ab"[number % 2] / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels(number)).save(path)
        return tmp_path / "cells"

    return write


@pytest.fixture
def serve(write_run):
    """Return ``serve(path) -> (address, images)`` of a run on a folder."""

    def start(path):
        served = find_run(Run(write_run(path=path)).run_id)
        return table.originals_of(served), reads.load_images(served.version)

    return start


def colour(number):
    return np.random.default_rng(number).integers(0, 256, (40, 30, 3)).astype(np.uint8)


def wide(number):
    return np.random.default_rng(number).integers(100, 4096, (40, 30)).astype(np.uint16)


def file_of(images, sample):
    place = find_original(images, sample)
    assert place is not None
    return place[0].path


def pixels_of(answer):
    return np.asarray(Image.open(io.BytesIO(answer.body)))


def test_the_original_comes_in_its_own_pixels_and_stays_off_the_disk(get, serve, write_files):
    address, images = serve(write_files(colour))
    answer = get(f"{address}/3.png")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    np.testing.assert_array_equal(pixels_of(answer), Image.open(file_of(images, 3)))
    facts = json.loads(answer.headers[FACTS.lower()])
    assert (facts["height"], facts["width"], facts["is_wide"]) == (40, 30, False)


def test_a_window_is_applied_to_the_values_of_the_file(get, serve, write_files):
    address, images = serve(write_files(wide))
    values = np.asarray(Image.open(file_of(images, 5))).astype(float)
    facts = json.loads(get(f"{address}/5.png").headers[FACTS.lower()])
    assert (facts["low"], facts["high"]) == (values.min(), values.max())
    shown = pixels_of(get(f"{address}/5.png?centre=1000&width=200")).astype(float)
    expected = np.clip((values - 900) / 200, 0, 1) * 255
    assert np.abs(shown - expected).max() <= 0.5


def test_a_large_original_is_made_to_fit(get, serve, write_files):
    def large(number):
        return np.full((1500, 40) if number else (40, 40), number, np.uint8)

    address, images = serve(write_files(large))
    answer = get(f"{address}/7.png")
    assert pixels_of(answer).shape[0] == MOST_SIDE
    assert json.loads(answer.headers[FACTS.lower()])["height"] == 1500
    assert (pixels_of(answer) == np.asarray(Image.open(file_of(images, 7)))[0, 0]).all()


@pytest.mark.parametrize(
    "query", ["centre=1", "width=3", "centre=a&width=2", "centre=1&width=0", "centre=nan&width=1"]
)
def test_a_window_that_is_none_is_refused_in_a_sentence(get, serve, write_files, query):
    address, _ = serve(write_files(wide))
    answer = get(f"{address}/5.png?{query}")
    assert answer.status == 422
    assert "must be numbers" in answer.body.decode()


def test_a_changed_or_absent_original_is_one_sentence_without_its_name(get, serve, write_files):
    address, images = serve(write_files(colour))
    assert get(f"{address}/3.png").status == 200
    folder = write_files(lambda number: np.full((40, 31), number, np.uint8))
    changed = get(f"{address}/3.png")
    assert changed.status == 404
    assert "has changed since it was prepared" in changed.body.decode()
    for path in folder.rglob("*.png"):
        path.unlink()
    gone = get(f"{address}/3.png")
    assert gone.status == 404
    assert "this is the image as the network sees it" in gone.body.decode()
    for answer in (changed, gone):
        name = file_of(images, 3).rpartition("/")[2]
        assert name not in answer.body.decode() + str(answer.headers)
        assert answer.headers["cache-control"] == "no-store"


def test_nothing_that_is_answered_names_the_file(get, serve, write_files):
    address, images = serve(write_files(colour))
    answer = get(f"{address}/3.png")
    path = file_of(images, 3)
    for word in (path, path.rpartition("/")[2], images.train.sample_ids[3]):
        assert word not in address + str(answer.headers)


def test_what_has_no_original_says_so(get, write_run):
    served = find_run(Run(write_run()).run_id)
    images = reads.load_images(served.version)
    assert isinstance(images, LabeledImages)
    assert not has_original(images, 3)
    assert get(f"{table.originals_of(served)}/3.png").status == 404
    assert get(f"{table.originals_of(served)}/999999.png").status == 404


def test_other_sites_are_refused(get, serve, write_files):
    address, _ = serve(write_files(colour))
    assert get(f"{address}/3.png", sec_fetch_site="cross-site").status == 403
    assert get(f"{address}/3.png", host="evil.example").status == 403


def test_what_is_kept_stays_within_its_bound(serve, write_files):
    _, images = serve(write_files(colour))
    shelf = Shelf(3 * 40 * 30 * 3)
    places = [find_original(images, sample) for sample in range(6)]
    for place in places:
        shelf.take(*place)
        assert shelf.n_bytes <= shelf.most_bytes
    assert shelf.n_bytes == shelf.most_bytes
    assert shelf.take(*places[5])[0] is shelf.take(*places[5])[0]


def test_the_review_desk_is_given_addresses_that_name_no_file(monkeypatch, write_run, write_files):
    run = Run(write_run(path=write_files(colour)))
    summary = summarise(run)
    images = reads.load_images(summary.version)
    assert DeskImages(summary, images).original(3) == ""  # nobody would answer
    monkeypatch.setattr(table, "is_served", lambda: True)
    address = DeskImages(summary, images).original(3)
    assert address.endswith("/originals/3.png")
    assert images.train.sample_ids[3] not in address
    assert "cells" not in address.replace(run.run_id, "")


def test_small_pictures_are_of_the_original_while_it_is_there(get, serve, write_files):
    address, images = serve(write_files(lambda n: np.full((400, 300), n, np.uint8)))
    value = int(np.asarray(Image.open(file_of(images, 3)))[0, 0])
    answer = get(f"{address}/small/3.png")
    assert answer.headers["cache-control"] == "no-store"
    assert pixels_of(answer).shape == (192, 144)
    assert (pixels_of(answer) == value).all()
    for path in {file_of(images, sample) for sample in range(len(images.train))}:
        os.unlink(path)
    assert pixels_of(get(f"{address}/small/3.png")).shape == images.image_size
    assert get(f"{address}/small/999999.png").status == 404
