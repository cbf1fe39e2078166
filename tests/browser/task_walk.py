"""A person who follows a guide of docs/tasks: what they see and do, in the guides' words."""

import contextlib
import io
import os
import re
import urllib.parse
from pathlib import Path

import pandas as pd

from coreset_lib.export.archive import read_export
from coreset_lib.review.states import sample_states
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import RunStore
from coreset_lib.windows import Window

MINUTE = 60_000
# Where the pictures of the guides are written, by hand: docs/images
PICTURES = os.environ.get("CORESET_LENS_TASK_PICTURES")
PICTURED_WIDTH = 1440


class Walk:
    """One person in one browser; what goes wrong in its console is kept."""

    def __init__(self, page, url, folder):
        page.set_default_timeout(MINUTE)
        self.page, self.url, self.folder = page, url, folder
        self.cache = folder / "cache"
        self.faults = []
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def _answered(self, response):
        # Streamlit's media files may vanish between a rerun and their fetch.
        if response.status >= 400 and "/media/" not in response.url:
            self.faults.append(f"{response.status}: {response.url}")

    def _failed(self, request):
        # A page that is left lets go of what it had asked for.
        if "ERR_ABORTED" not in str(request.failure):
            self.faults.append(f"failed: {request.url}")

    def open(self, path=""):
        self.page.goto(f"{self.url}/{path}")

    def train(self, data):
        """Start a short training on a folder and wait until it is finished."""
        page = self.page
        self.open()
        page.get_by_text("Start a new run").click()
        folder = page.get_by_role("textbox", name="Folder with dataset files")
        folder.fill(str(data))
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
        self.page.wait_for_timeout(300)
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def go(self, link):
        self.page.get_by_role("link", name=link).first.click()

    def choose(self, label, option):
        """Choose from a list; a list that was drawn anew meanwhile is opened again."""
        from playwright.sync_api import TimeoutError as TooLateError

        wanted = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(10):
            self.page.get_by_role("combobox", name=label).click()
            with contextlib.suppress(TooLateError):
                wanted.click(timeout=2000)
                return
            self.page.keyboard.press("Escape")
        raise AssertionError(f"{option} is not offered as {label}")

    def asks(self, **wanted):
        """Wait until the address says this."""
        for name, value in wanted.items():
            self.page.wait_for_function(
                "([name, value]) => new URLSearchParams(location.search).get(name) === value",
                arg=[name, value],
            )

    def address(self, name):
        """What the address says under a name."""
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.page.url).query)[name][0]

    def begin_review(self, name, how):
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_text(re.compile(f"^{how}:")).click()
        self.page.get_by_role("button", name="Begin").click()
        self.page.locator(".desk .view img").wait_for()

    def press(self, key, place):
        """Press a key on an image, and wait until it is recorded and the desk is further."""
        self.page.locator(".desk .view img").wait_for()
        self.page.keyboard.press(key)
        self.page.locator(f'.desk[data-place="{place}"][data-pending="0"]').wait_for()

    def sample(self):
        """The sample that lies on the desk."""
        self.page.locator(".desk .view img").wait_for()
        return self.page.locator(".desk .head .name").inner_text()

    def windows(self):
        """Both windows as their labels on the plot say them, once these are there."""
        found = []
        for name in ("early", "late"):
            chip = self.page.get_by_test_id(f"window-{name}").locator(".chip")
            chip.filter(has_text=re.compile("[0-9]")).wait_for()
            numbers = [int(n) for n in re.findall("[0-9]+", chip.inner_text().split("%")[0])]
            found.append(Window(numbers[0], numbers[1]))
        return tuple(found)

    def download(self, name):
        """Take a table away, and return it."""
        self.page.locator(f".st-key-export-{name} button").first.click()
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name="Download (ZIP)").click()
        path = self.folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        self.page.keyboard.press("Escape")
        return pd.read_csv(io.BytesIO(read_export(path).csv), dtype=str, keep_default_na=False)

    def picture(self, name):
        """Save the picture of a guide, where they are asked for, from the large screen."""
        if PICTURES and self.page.viewport_size["width"] == PICTURED_WIDTH:
            self.page.wait_for_timeout(1500)
            self.page.screenshot(path=Path(PICTURES) / f"task-{name}.png")

    def runs(self):
        return RunStore(self.cache).runs()

    def states(self):
        """Where the samples stand in the database."""
        fingerprint = self.runs()[-1].manifest.dataset.fingerprint
        with open_reviews(self.cache) as store:
            return sample_states(store.events(fingerprint), store.rules(fingerprint))
