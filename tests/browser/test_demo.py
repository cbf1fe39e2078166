"""The main job in a real browser: the demo as a user starts it, from training to CSV."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse

import numpy as np
import pytest

from coreset_lib import workflows
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.evaluation.known_errors import known_errors
from coreset_lib.export.archive import read_export
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import RunStore
from coreset_lib.selection import STRATEGIES

pytestmark = pytest.mark.browser

MINUTES = 60_000
COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")


def command(*arguments, check=True):
    """Run the command line and return what it prints."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def runs(cache):
    return json.loads(command("runs", "--json", "--cache", cache))


@pytest.fixture(scope="module")
def demo(tmp_path_factory, free_port, wait_until_healthy):
    """The demo, started as a user starts it; gives its address and its cache."""
    folder = tmp_path_factory.mktemp("demo")
    cache, log, port = folder / "cache", folder / "log.txt", free_port()
    started = [
        *COMMAND,
        "demo",
        "--no-browser",
        "--no-token",
        "--port",
        str(port),
        "--cache",
        str(cache),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            started, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    wait_until_healthy(process, url, log)
    yield url, cache
    for run in runs(cache):
        if run["state"] in ("queued", "running"):
            command("stop", run["run_id"], "--cache", cache)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


@pytest.fixture(scope="module")
def finished(demo):
    """The demo once its run is finished."""
    url, cache = demo
    deadline = time.monotonic() + 900
    while True:
        (run,) = runs(cache)
        if run["state"] == "finished":
            return url, cache, run["run_id"]
        assert run["state"] in ("queued", "running"), run
        assert time.monotonic() < deadline, run
        time.sleep(2)


MEASURE = """(brush, [name, part]) => {
    const box = brush.querySelector(`.window.${name} ${part}`).getBoundingClientRect();
    const n = Number(brush.querySelector(`.window.${name}`).getAttribute("aria-valuemax"));
    const width = Number(brush.querySelector("clipPath rect").getAttribute("width"));
    return [box.x + box.width / 2, box.y + box.height * 0.7, width / n];
}"""


class Page:
    """One page of the dashboard, in the words of a person who uses it."""

    def __init__(self, page):
        self.page = page
        self.problems = []
        page.on("console", self._hear)

    def _hear(self, message):
        # Streamlit asks for its health below the page's own path first, and gets a 404.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            self.problems.append(message.text)

    def open(self, url):
        self.page.goto(url)
        self.page.locator(".lens-footer").wait_for(timeout=2 * MINUTES)
        return self

    def says(self, pattern, timeout=MINUTES):
        self.page.get_by_text(re.compile(pattern)).first.wait_for(timeout=timeout)

    def text(self, pattern):
        return self.page.get_by_text(re.compile(pattern)).first.inner_text()

    def download(self, name, folder):
        """Open a way out, click its button, and return where the ZIP was saved."""
        self.page.locator(f".st-key-export-{name} button").first.click()
        with self.page.expect_download(timeout=MINUTES) as waiting:
            self.page.get_by_role("button", name="Download (ZIP)").click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def settle(self):
        """Wait until what was typed has reached the server and nothing is being drawn any more."""
        self.page.wait_for_timeout(500)
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(
            timeout=MINUTES
        )
        return self

    def in_url(self, name):
        query = urllib.parse.urlsplit(self.page.url).query
        return dict(urllib.parse.parse_qsl(query)).get(name)

    def wait_for_url(self, name, value):
        self.page.wait_for_function(
            "([name, value]) => new URLSearchParams(location.search).get(name) === value",
            arg=[name, value],
            timeout=MINUTES,
        )

    def epochs(self, name):
        """First and last epoch of a window, as the plot says."""
        chip = self.page.locator(f".window.{name} .chip").inner_text()
        return tuple(int(epoch) for epoch in re.findall("[0-9]+", chip))

    def drag(self, name, epochs, part=".pane"):
        """Drag a window on the plot by so many epochs, with the mouse."""
        # In one step: a plot that grows is drawn anew at any moment.
        x, y, width = self.page.locator(".brush").evaluate(MEASURE, [name, part])
        assert width > 0
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + epochs * width, y, steps=6)
        self.page.mouse.up()

    def ranking(self):
        """The samples of the ranking, in its order."""
        rows = self.page.get_by_test_id("ranking-row")
        rows.locator(".name", has_text="train-").first.wait_for()
        return rows.locator(".name").all_inner_texts()

    def why(self):
        """The sentence that says what the windows contribute to the rank."""
        return self.text("its error varied by")

    def overflow(self):
        """How many pixels the page is wider than the window."""
        return self.page.evaluate(
            "Math.max(...[document.scrollingElement, document.querySelector("
            "'[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
        )


def test_the_demo_trains_before_ones_eyes_and_windows_can_be_dragged_meanwhile(demo, browser_page):
    url, _ = demo
    page = Page(browser_page).open(url)
    page.says("Running, [1-9][0-9]* of 60 epochs", timeout=3 * MINUTES)
    first = page.text("Running, [0-9]+ of 60 epochs")
    page.page.wait_for_function(
        "text => !document.body.innerText.includes(text)",
        arg=first.split(",")[1],
        timeout=2 * MINUTES,
    )
    page.page.get_by_role("link", name="Trajectories").click()
    page.page.locator(".window.early .chip").wait_for(timeout=MINUTES)
    page.says("running, ([6-9]|[1-5][0-9]) of 60 epochs", timeout=3 * MINUTES)
    # The grip moves with every epoch that is added: like a person, try again if it is missed.
    chip = page.page.locator(".window.early .chip", has_text=re.compile("early 1–[3-9]"))
    chip.wait_for(timeout=MINUTES)
    before = page.epochs("early")
    for _ in range(20):
        page.drag("early", -1, ".grip.last")
        page.page.wait_for_timeout(500)
        if page.epochs("early")[-1] < before[-1]:
            break
    chosen = page.epochs("early")
    assert chosen[-1] < before[-1]
    page.wait_for_url("early", f"{chosen[0]}-{chosen[-1]}")
    recorded = page.text("running, [0-9]+ of 60 epochs").split(",")[1]
    page.page.wait_for_function(
        "text => !document.body.innerText.includes(text)", arg=recorded, timeout=2 * MINUTES
    )
    assert page.epochs("early") == chosen
    assert not page.problems


def test_a_dragged_window_changes_ranking_reasons_and_url(finished, browser_page):
    url, _, run_id = finished
    page = Page(browser_page).open(f"{url}/trajectories?run={run_id}&early=1-10&late=21-30")
    page.says(r"its error varied by .* early window \(1-10\)")
    page.page.locator(".window.early .chip", has_text="early 1–10").wait_for(timeout=MINUTES)
    before, ranking = page.why(), page.ranking()
    page.drag("early", 8)
    page.says(r"early window \(9-18\)")
    assert page.why() != before
    page.wait_for_url("early", "9-18")
    assert page.in_url("late") == "21-30"
    assert any("train-" in cell for cell in ranking)
    page.page.locator('.instrument[data-agreed="true"]').wait_for(timeout=MINUTES)
    assert page.ranking() != ranking
    slider = page.page.get_by_role("group", name="Late window (epochs)").locator("input")
    slider.last.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.locator(".window.late .chip", has_text="late 21–31").wait_for()
    page.wait_for_url("late", "21-31")
    assert page.in_url("early") == "9-19"
    assert not page.problems


def test_a_link_shows_the_same_view_to_somebody_else(finished, browser_page):
    url, _, run_id = finished
    query = f"run={run_id}&early=3-8&late=15-20&sample=17&score=eva"
    page = Page(browser_page).open(f"{url}/trajectories?{query}")
    page.says(r"early window \(3-8\).*late one \(15-20\)")
    page.says("train-00017")
    page.page.reload()
    page.says(r"early window \(3-8\).*late one \(15-20\)")
    for name, value in (("run", run_id), ("early", "3-8"), ("late", "15-20"), ("sample", "17")):
        page.wait_for_url(name, value)


def test_the_downloaded_coreset_is_the_one_of_the_command_line(finished, browser_page, tmp_path):
    url, cache, run_id = finished
    page = Page(browser_page).open(f"{url}/trajectories?run={run_id}&early=2-9&late=12-19")
    page.says(r"early window \(2-9\)")
    page.page.get_by_role("link", name="Coreset").click()
    page.says("covers each class evenly")  # the recommended strategy, unless one is chosen
    page.page.get_by_role("combobox", name="Strategy").click()
    page.page.get_by_role("option", name=STRATEGIES["top"].title).click()
    page.says("Windows 2-9 and 12-19")
    page.page.get_by_role("slider", name="Share to keep").focus()
    for _ in range(5):
        page.page.keyboard.press("ArrowRight")
    page.says("600 of 4,000 training samples")
    page.page.get_by_test_id("stMetricValue").filter(has_text="600").wait_for(timeout=MINUTES)
    archive = page.download("coreset", tmp_path)
    assert re.fullmatch(r"coreset-top-15pct-[0-9a-f]{6}", archive.stem)
    csv = read_export(archive).csv
    out = tmp_path / "from-the-command.csv"
    windows = ("--early", "2-9", "--late", "12-19")
    command("select", run_id, "--rate", 0.15, *windows, "--out", out, "--cache", cache)
    assert csv == out.read_bytes()
    assert len(csv.decode().splitlines()) == 601
    assert f"{archive}: same" in command("rebuild", archive, "--cache", cache)
    assert not page.problems


def test_images_are_part_of_the_page_and_need_not_be_fetched(finished, browser_page):
    url, _, run_id = finished
    page = Page(browser_page).open(f"{url}/coreset?run={run_id}")
    images = page.page.locator(".grid .tile img")
    images.nth(23).wait_for(timeout=MINUTES)
    page.settle()
    shown = images.evaluate_all(
        "images => images.map(i => [i.src.slice(0, 15), i.alt.slice(0, 7), i.naturalWidth])"
    )
    assert len(shown) == 24
    assert {tuple(image) for image in shown} == {("data:image/png;", "Sample ", 28)}
    assert not page.problems


def test_the_downloaded_scores_are_those_of_the_command_line(finished, browser_page, tmp_path):
    url, cache, run_id = finished
    page = Page(browser_page).open(f"{url}/trajectories?run={run_id}&early=3-9&late=12-18")
    page.says(r"early window \(3-9\)")
    archive = page.download("scores", tmp_path)
    out = tmp_path / "from-the-command.csv"
    windows = ("--early", "3-9", "--late", "12-18")
    command("score", run_id, "--score", "eva", *windows, "--out", out, "--cache", cache)
    assert read_export(archive).csv == out.read_bytes()
    assert not page.problems


INKED = """canvases => canvases.map(canvas => {
    const { width, height } = canvas;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    return pixels.filter((_, i) => i % 4 === 3 && pixels[i] > 0).length;
})"""


def test_known_wrong_labels_are_revealed_and_named_by_the_class_that_they_look_like(
    finished, browser_page
):
    url, cache, run_id = finished
    run = RunStore(cache).find(run_id)
    found, errors = workflows.suspicion(run), known_errors(run)
    page = Page(browser_page).open(f"{url}/map?run={run_id}")
    canvas = page.page.locator("canvas[aria-label], .map canvas")
    page.says("Reveal the known wrong labels")
    page.settle()
    before = canvas.evaluate_all(INKED)
    page.page.get_by_text("Reveal the known wrong labels").click()
    page.wait_for_url("reveal", "true")
    page.says("160 ringed")
    page.settle()
    assert max(b - a for a, b in zip(before, canvas.evaluate_all(INKED), strict=True)) > 5000
    told = page.text("of them lie among another class")
    assert told.startswith("160 of 4,000 labels are wrong")
    n_wrong, n_right = (
        int(re.search(pattern, told).group(1))
        for pattern in (r"(\d+) of them", r"and (\d+) of the")
    )
    assert n_wrong >= 120
    assert n_right <= 0.15 * 3840
    assert f"{errors.among(found.order[:10])} of the first 10" in page.text("of the first 10")
    page.says("The recommended strategy at 10 % keeps")

    (first, *_) = (i for i in found.order if errors.is_wrong[i] and found.suggestion(i))
    suggested = found.suggestion(first).split(" (")[0]
    page.open(f"{url}/trajectories?run={run_id}&sample={first}")
    page.says(f"Suggested class: {re.escape(suggested)}")
    suggested = found.suggestion(found.order[0]).split(" (")[0]
    with open_reviews(cache) as store:
        store.grant("ada", "admin", by="ada")
    page.open(f"{url}/review?run={run_id}&reader=ada")
    page.says(f"suggested class: {re.escape(suggested)}")
    assert not page.problems


@pytest.mark.parametrize("path", ["", "trajectories", "coreset"])
def test_nothing_is_cut_off_on_a_small_dark_screen(finished, browser_page, path):
    url, _, run_id = finished
    browser_page.set_viewport_size({"width": 1024, "height": 768})
    browser_page.emulate_media(color_scheme="dark")
    page = Page(browser_page).open(f"{url}/{path}?run={run_id}")
    page.says(
        {"": "All runs", "trajectories": "Why this rank", "coreset": "Images of the coreset"}[path]
    )
    assert page.overflow() <= 0
    truncated = page.page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMetricValue], [data-testid=stMetricLabel],"
        " [data-testid=stBaseButton-primary], [data-testid=stBaseButton-secondary]')]"
        ".filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    )
    assert truncated == []
    background = page.page.evaluate("getComputedStyle(document.querySelector('.stApp')).background")
    assert "rgb(16, 21, 28)" in background


def test_a_run_is_started_watched_stopped_and_deleted_by_mouse(
    browser_page, streamlit_server, app, tmp_path
):
    from playwright.sync_api import expect

    data = make_phantom(PhantomOptions(n_train=2000, n_val=50, n_test=16))
    arrays = {
        f"{part}_{kind}": getattr(getattr(data, part), kind)
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    (tmp_path / "files").mkdir()
    np.savez(tmp_path / "files" / "slices.npz", **arrays)
    cache = tmp_path / "cache"
    environment = {"CORESET_LENS_CACHE": str(cache), "CORESET_LENS_DATA_ROOTS": str(tmp_path)}
    page = Page(browser_page).open(streamlit_server(app, environment))
    page.says("New here?")
    page.page.get_by_text("Start a new run").click()
    folder = page.page.get_by_role("textbox", name="Folder with dataset files")
    folder.fill(str(tmp_path / "nothing"))
    page.page.keyboard.press("Enter")
    page.says("nothing was not found")
    folder.fill(str(tmp_path / "files"))
    page.page.keyboard.press("Enter")
    dataset = page.page.get_by_role("combobox", name="Dataset")
    expect(dataset).to_have_value(re.compile("^phantom"), timeout=MINUTES)
    page.settle()
    dataset.click()
    page.page.get_by_role("option", name=re.compile("^slices:")).click()
    expect(dataset).to_have_value(re.compile("^slices"), timeout=MINUTES)
    page.settle()
    epochs = page.page.get_by_label("Epochs", exact=True)
    expect(epochs).to_have_value("70", timeout=MINUTES)  # the suggestion for these images
    epochs.fill("2000")
    epochs.press("Tab")
    page.page.get_by_role("button", name="Start training").click()
    page.says("Running, [1-9][0-9]* of 2000 epochs", timeout=3 * MINUTES)
    page.page.get_by_role("button", name="Stop").click()
    page.says("Stopped, [0-9]+ of 2000 epochs", timeout=2 * MINUTES)
    page.page.get_by_role("button", name="Delete…").click()
    page.says("Delete this run")
    assert len(runs(cache)) == 1
    page.page.get_by_role("button", name="Delete for good").click()
    page.says("New here?")
    assert runs(cache) == []
    assert not page.problems
