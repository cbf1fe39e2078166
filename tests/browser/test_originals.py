"""The review desk shows the file itself, through a window, and names no file to a blind reader."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets import load_dataset
from coreset_lib.review.store import open_reviews

pytestmark = pytest.mark.browser

SIDE = 90
SHOWN = """image => {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.naturalWidth, height: image.naturalHeight,
  });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let k = 0; k < data.length; k += 4) sum += data[k];
  return [image.naturalWidth, image.naturalHeight, sum / (data.length / 4)];
}"""


@pytest.fixture(scope="module")
def folder_run(tmp_path_factory, make_run):
    """A run on image files of 16 bits, whose names tell, and two readers."""
    place = tmp_path_factory.mktemp("originals")
    random = np.random.default_rng(0)
    for number in range(60):
        path = place / "data" / ("cyst", "nodule", "scar")[number % 3] / f"secret-{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(1000, 4000, (SIDE, SIDE)).astype(np.uint16)).save(path)
    dataset = load_dataset(str(place / "data"), cache=place / "cache")
    run = make_run(place / "cache", dataset=dataset)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(place / "data")
    run.paths.manifest.write_text(json.dumps(manifest))
    with open_reviews(place / "cache") as store:
        store.grant("ada", "admin", by="ada")
        store.grant("rita", "reader", by="ada")
    return place


def wait_for(view, fits):
    """Wait until width, height and mean of what is shown fit."""
    deadline = time.monotonic() + 20
    while not fits(*(found := view.locator("img").evaluate(SHOWN))):
        assert time.monotonic() < deadline, found
        view.page.wait_for_timeout(50)


def test_the_file_is_shown_its_window_moved_and_the_networks_image_on_request(
    browser_page, folder_run, streamlit_server, app
):
    url = streamlit_server(
        app.with_name("server.py"), {"CORESET_LENS_CACHE": str(folder_run / "cache")}
    )
    asked = []
    browser_page.on("response", lambda answer: asked.append((answer.url, answer.headers)))
    browser_page.goto(f"{url}/review?reader=rita&blind=true")
    view = browser_page.locator(".desk .view")
    view.locator("img[src^='blob:']").wait_for()
    wait_for(view, lambda w, h, mean: (w, h) == (SIDE, SIDE) and 100 < mean < 155)

    level = view.get_by_label("Level")
    assert 2400 < float(level.input_value()) < 2600
    level.evaluate("input => { input.value = 1100; input.dispatchEvent(new Event('input')); }")
    wait_for(view, lambda w, h, mean: mean > 200)
    view.get_by_role("button", name="Reset").click()
    wait_for(view, lambda w, h, mean: mean < 155)

    browser_page.keyboard.press("e")
    wait_for(view, lambda w, h, mean: w == 28)
    browser_page.keyboard.press("e")
    wait_for(view, lambda w, h, mean: w == SIDE)
    originals = [(address, headers) for address, headers in asked if "/originals/" in address]
    assert originals
    assert not [1 for each in originals if "secret" in str(each) or "cyst" in str(each)]

    for path in (folder_run / "data").rglob("*.png"):
        path.unlink()
    browser_page.reload()
    note = view.get_by_role("status")
    note.filter(has_text="this is the image as the network sees it").wait_for()
    assert "secret" not in note.inner_text()
    wait_for(view, lambda w, h, mean: w == 28)
