"""Tasks of docs/tasks, walked through from an empty cache."""

import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coreset_lib.export.archive import read_export
from coreset_lib.runs.store import RunStore

pytestmark = pytest.mark.browser

MINUTE = 60_000
SIZES = [(1440, 900), (1024, 768)]
CLASSES = ("bright", "dark", "striped")
PER_CLASS = 16
# Where the pictures of the guides are written, by hand: docs/images
PICTURES = os.environ.get("CORESET_LENS_TASK_PICTURES")


@pytest.fixture(params=SIZES, ids=["large", "small"])
def walk(request, chromium, streamlit_server, app, tmp_path):
    """A person with a folder of images, an empty cache, and a screen of this size."""
    save_folder(tmp_path / "data" / "slices")
    environment = {
        "CORESET_LENS_CACHE": str(tmp_path / "cache"),
        "CORESET_LENS_DATA_ROOTS": str(tmp_path / "data"),
    }
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(MINUTE)
    walk = Walk(page, streamlit_server(app, environment), tmp_path)
    yield walk
    context.close()
    assert not walk.faults


def save_folder(folder):
    """Write images of three classes that a small network tells apart."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(PER_CLASS):
            pixels = rng.integers(0, 60, size=(28, 28)).astype(np.uint8)
            if name == "bright":
                pixels += 150
            elif name == "striped":
                pixels[::4] += 180
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")


class Walk:
    """What a person does, in the words of the guides."""

    def __init__(self, page, url, folder):
        self.page, self.url, self.folder = page, url, folder
        self.faults = []
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)

    def _failed(self, request):
        # A page that is left lets go of what it had asked for.
        if "ERR_ABORTED" not in str(request.failure):
            self.faults.append(f"failed: {request.url}")

    def train(self):
        """Start a short training on the folder and wait until it is finished."""
        page = self.page
        page.goto(self.url)
        page.get_by_text("Start a new run").click()
        folder = page.get_by_role("textbox", name="Folder with dataset files")
        folder.fill(str(self.folder / "data"))
        page.keyboard.press("Enter")
        self.settle()
        page.get_by_role("combobox", name="Dataset").click()
        page.get_by_role("option", name=re.compile("^slices:")).click()
        self.settle()
        epochs = page.get_by_label("Epochs", exact=True)
        epochs.fill("6")
        epochs.press("Tab")
        page.get_by_role("button", name="Start training").click()
        page.get_by_text("Finished: 6 epochs recorded").wait_for(timeout=6 * MINUTE)

    def settle(self):
        """Wait until what was typed has reached the server and nothing is being drawn."""
        self.page.wait_for_timeout(500)
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def go(self, link):
        self.page.get_by_role("link", name=link).first.click()

    def download(self, name):
        self.page.locator(f".st-key-export-{name} button").first.click()
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name="Download (ZIP)").click()
        path = self.folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return pd.read_csv(io.BytesIO(read_export(path).csv), dtype=str, keep_default_na=False)

    def picture(self, name):
        """Save the picture of a guide, where they are asked for, from the large screen."""
        if PICTURES and self.page.viewport_size["width"] == SIZES[0][0]:
            self.page.wait_for_timeout(1500)
            self.page.screenshot(path=Path(PICTURES) / f"task-{name}.png")

    @property
    def cache(self):
        return self.folder / "cache"

    def runs(self):
        return RunStore(self.cache).runs()


def test_shrink_my_training_set_and_know_what_it_costs(walk):
    walk.train()
    walk.go("Choose a coreset")
    walk.page.get_by_text("covers each class evenly").first.wait_for()
    walk.page.get_by_role("slider", name="Share to keep").focus()
    for _ in range(15):
        walk.page.keyboard.press("ArrowRight")
    walk.page.wait_for_function("new URLSearchParams(location.search).get('keep') === '25'")
    walk.page.get_by_role("button", name="Train a small network on it").wait_for()
    walk.picture("shrink")
    n_train = walk.runs()[0].manifest.dataset.n_train
    assert len(walk.download("coreset")) == -(-n_train // 4)
    walk.page.keyboard.press("Escape")
    walk.go("Benchmark")
    walk.page.get_by_role("heading", name="Benchmark").wait_for()
