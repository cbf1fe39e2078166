"""The instrument of the Trajectories page in a real browser, held against the library.

Windows are dragged over many positions; at every one the ranking on screen must be the one
that the library computes, and so must the counts of what enters and leaves the coreset.
"""

import json
import os
import re
import urllib.parse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.selection.budget import budget
from coreset_lib.windows import Window

pytestmark = pytest.mark.browser

SERVER = Path(__file__).parents[2] / "dashboard" / "server.py"
APP = SERVER.with_name("app.py")
N_TRAIN = 400
EPOCHS = 60
CONSTANT = slice(100, 220)  # more of them than any coreset holds
PLANES = ("error_norm", "label_probability", "margin", "entropy", "prediction")


def save_images(path):
    dataset = make_phantom(PhantomOptions(n_train=N_TRAIN, n_val=16, n_test=16, seed=4))
    arrays = {
        f"{part}_{kind}": getattr(getattr(dataset, part), kind)
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    np.savez(path, class_names=np.array(dataset.class_names), **arrays)
    return path


def save_label_sets(path):
    rng = np.random.default_rng(5)
    arrays = {}
    for part, count in (("train", N_TRAIN), ("val", 16), ("test", 16)):
        arrays[f"{part}_images"] = rng.integers(0, 255, (count, 12, 12), dtype=np.uint8)
        arrays[f"{part}_labels"] = (rng.random((count, 3)) < 0.4).astype(np.uint8)
        arrays[f"{part}_labels"][:8] = [[k & 1, k >> 1 & 1, k >> 2] for k in range(8)]
    np.savez(path, task="multi-label", class_names=np.array(["top", "middle", "bottom"]), **arrays)
    return path


def error_norms(largest, seed=0):
    """Errors that fall at their own pace, with copies, near-copies and samples that stay."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(2.0, 0.05, N_TRAIN)
    logit = pace * np.arange(EPOCHS)[:, None] - 2 + rng.normal(0, 0.7, (EPOCHS, N_TRAIN))
    error = largest / (1 + np.exp(logit))
    error[:, 300:330] = error[:, 0:30]  # ties
    error[:, 330:350] = error[:, 0:20] + 3e-8 * rng.random((EPOCHS, 20))  # ties after rounding
    error[:, CONSTANT] = np.linspace(0, 1, 120)
    return error.astype(np.float32)


def write_run(cache, path, *, error, state="finished", recorded=EPOCHS):
    """A run with these errors; the other planes only have to be there."""
    dataset = load_dataset(str(path))
    config = TrainingConfig(dataset=str(path), model="small_cnn", epochs=EPOCHS)
    paths = create_run(cache, config, dataset)
    own = 1 - error / max(float(np.nanmax(error)), 1.0)
    np.save(paths.plane("error_norm"), error)
    for name, values in (("label_probability", own), ("margin", 2 * own - 1), ("entropy", own)):
        np.save(paths.plane(name), values.astype(np.float32))
    np.save(paths.plane("prediction"), np.zeros(error.shape, np.uint8))
    manifest = json.loads(paths.manifest.read_text())
    manifest["planes"] = list(PLANES)
    paths.manifest.write_text(json.dumps(manifest))
    status = Status(state=state, epoch=recorded, epochs=EPOCHS)
    write_status(paths, claim(status, os.getpid()) if state == "running" else status)
    return Run(paths)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def images(folder):
    return save_images(folder / "images.npz")


@pytest.fixture(scope="module")
def run_of(folder, images):
    """Return the run of a kind; the youngest is the one that grows."""
    gaps = error_norms(np.sqrt(2), seed=1)
    gaps[20, 7] = gaps[41, 380] = np.nan
    return {
        "plain": write_run(folder / "cache", images, error=error_norms(np.sqrt(2))),
        "gaps": write_run(folder / "cache", images, error=gaps),
        "label sets": write_run(
            folder / "cache", save_label_sets(folder / "sets.npz"), error=error_norms(np.sqrt(3))
        ),
    }


class Instrument:
    """The instrument on one page, in the words of a person who uses it."""

    def __init__(self, page, url, run, **query):
        self.page, self.run = page, run
        if "score" in query:
            query["score"] = SCORES[query["score"]].title  # Streamlit binds what is shown
        options = urllib.parse.urlencode(query)
        page.goto(f"{url}/trajectories?run={run.run_id}&{options}")
        self.root = page.locator(".instrument")
        page.get_by_test_id("ranking-row").first.wait_for(timeout=60_000)

    def agrees(self):
        """Wait until the server's ranking is shown and is the one computed here."""
        self.page.locator('.instrument[data-agreed="true"]').wait_for(timeout=60_000)

    def box_of(self, locator):
        """Where something is; while the page draws it anew it is nowhere."""
        for _ in range(600):
            box = locator.bounding_box()
            if box is not None:
                return box
            self.page.wait_for_timeout(100)
        raise AssertionError("it is not drawn")

    def hold(self, name, part=".pane"):
        pane = self.page.get_by_test_id(f"window-{name}")
        box = self.box_of(pane.locator(part))
        n_epochs = int(pane.get_attribute("aria-valuemax"))
        self.step = self.box_of(self.page.locator(".brush clipPath rect"))["width"] / n_epochs
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7
        self.page.mouse.move(self.x, self.y)
        self.page.mouse.down()

    def carry(self, epochs):
        self.page.mouse.move(self.x + epochs * self.step, self.y + 3)

    def windows(self):
        """Both windows as their labels say them."""
        labels = [
            self.page.get_by_test_id(f"window-{name}").locator(".chip").inner_text()
            for name in ("early", "late")
        ]
        numbers = [[int(n) for n in re.findall("[0-9]+", label)] for label in labels]
        return tuple(Window(found[0], found[-1]) for found in numbers)

    def settle(self):
        """Wait until the ranking is about the windows on screen and nothing is in doubt."""
        early, late = self.windows()
        wanted = {"early": [early.first, early.last], "late": [late.first, late.last]}
        text = json.dumps(wanted, separators=(",", ":"))
        self.page.locator(f".instrument[data-windows='{text}'][data-settled='true']").wait_for()

    def rows(self):
        """Samples on screen in the order of the rows, and the ranks that these say."""
        found = self.page.get_by_test_id("ranking-row").evaluate_all(
            "rows => rows.map(({ dataset }) => [Number(dataset.index), Number(dataset.rank)])"
        )
        return [index for index, _ in found], [rank for _, rank in found]

    def count(self, name):
        text = self.page.get_by_test_id(f"coreset-{name}").inner_text()
        return int(re.match("[0-9]+", text)[0])

    def state(self):
        return self.root.locator(".state")


def order_of(run, score, **options):
    return compute_score(run.dynamics(), score, options).order()


def options_of(score, early, late):
    if score in ("eva", "expectation_dual"):
        return {"early": early, "late": late}
    return {"window": early}


@pytest.fixture
def instrument(browser_page, streamlit_server, folder, run_of):
    def open_on(kind, **query):
        url = streamlit_server(SERVER, {"CORESET_LENS_CACHE": str(folder / "cache")})
        run = run_of[kind] if isinstance(kind, str) else kind
        return Instrument(browser_page, url, run, **query)

    return open_on


def check_position(page, score, before):
    """Hold what is on screen against the library; windows with a gap rank nothing."""
    early, late = page.windows()
    try:
        order = order_of(page.run, score, **options_of(score, early, late))
    except CoresetError:
        page.state().filter(has_text="gaps").wait_for()
        assert page.rows() == ([], [])
        return False
    page.settle()
    indices, ranks = page.rows()
    assert indices == order[:100].tolist()
    assert ranks == list(range(1, 101))
    kept = set(order[: budget(0.1, N_TRAIN)].tolist())
    assert page.count("entering") == len(kept - before)
    assert page.count("leaving") == len(before - kept)
    return True


@pytest.mark.parametrize(
    ("kind", "score", "part"),
    [
        ("plain", "eva", ".pane"),
        ("plain", "eva", ".grip.last"),
        ("gaps", "eva", ".pane"),
        ("label sets", "eva", ".pane"),
        ("plain", "eva_single", ".pane"),
        ("plain", "expectation_dual", ".pane"),
    ],
)
def test_every_position_of_a_drag_shows_the_librarys_ranking(instrument, kind, score, part):
    page = instrument(kind, score=score, early="1-8", late="45-52")
    page.settle()
    page.agrees()
    order = order_of(page.run, score, **options_of(score, Window(1, 8), Window(45, 52)))
    before = set(order[: budget(0.1, N_TRAIN)].tolist())
    page.hold("early", part)
    ranked = []
    for epochs in [*range(1, 32), *range(30, 10, -5)]:
        page.carry(epochs)
        ranked.append(check_position(page, score, before))
    page.page.mouse.up()
    assert sum(ranked) >= (10 if kind == "gaps" else 35)
    assert all(ranked) == (kind != "gaps")
    if ranked[-1]:
        page.agrees()
        check_position(page, score, before)


def test_shares_of_totals_are_the_librarys_while_a_window_moves(instrument):
    page = instrument("plain", score="eva", early="1-8", late="45-52")
    page.agrees()
    page.page.get_by_role("button", name="Options").click()
    page.page.get_by_role("combobox", name="Aggregation").click()
    page.page.get_by_role("option", name="l1").click()
    page.page.keyboard.press("Escape")
    page.agrees()
    page.hold("late")
    for epochs in range(-1, -25, -3):
        page.carry(epochs)
        page.settle()
        early, late = page.windows()
        order = order_of(page.run, "eva", early=early, late=late, aggregation="l1")
        assert page.rows()[0] == order[:100].tolist()
    page.page.mouse.up()
    page.agrees()


def test_keys_move_the_ranking_too(instrument):
    page = instrument("plain", score="eva", early="1-8", late="45-52")
    page.agrees()
    page.page.get_by_test_id("window-late").focus()
    for _ in range(5):
        page.page.keyboard.press("ArrowLeft")
        page.settle()
        early, late = page.windows()
        assert page.rows()[0] == order_of(page.run, "eva", early=early, late=late)[:100].tolist()
    page.agrees()


def test_a_run_that_grows_is_followed(instrument, folder, images):
    error = error_norms(np.sqrt(2), seed=3)
    run = write_run(folder / "cache", images, error=error, state="running", recorded=30)
    page = instrument(run, early="1-5", late="20-24")
    page.agrees()
    before = set(
        order_of(run, "eva", early=Window(1, 5), late=Window(20, 24))[: budget(0.1, 400)].tolist()
    )
    page.hold("late")
    page.carry(2)
    check_position(page, "eva", before)
    write_status(run.paths, replace(run.status(), epoch=50))
    page.page.get_by_text("running, 50 of 60 epochs").first.wait_for(timeout=30_000)
    page.page.wait_for_timeout(4_000)
    page.carry(4)
    check_position(page, "eva", before)
    page.page.mouse.up()
    page.page.locator('[data-testid=window-late][aria-valuemax="50"]').wait_for()
    page.agrees()
    page.hold("late")
    page.carry(15)
    assert page.windows()[1].last > 30
    page.settle()
    early, late = page.windows()
    assert page.rows()[0] == order_of(run, "eva", early=early, late=late)[:100].tolist()
    page.page.mouse.up()
    write_status(run.paths, replace(run.status(), state="finished", epoch=50))


def test_everything_is_on_one_screen(instrument):
    page = instrument("plain", early="1-8", late="45-52")
    page.agrees()
    for width, height in ((1440, 900), (1024, 768)):
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.wait_for_timeout(500)
        for part in (".plot", ".card", ".ranking", ".coreset"):
            box = page.root.locator(part).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width, part
            assert box["y"] + 40 <= height, part
            if width == 1440:
                assert box["y"] + box["height"] <= height, part


def test_focus_is_no_selection_and_outlasts_a_reload(instrument):
    page = instrument("plain", early="1-8", late="45-52")
    page.agrees()
    third = page.rows()[0][2]
    page.page.get_by_test_id("ranking-row").nth(2).locator(".pick").click()
    page.page.wait_for_url(re.compile(f"sample={third}\\b"))
    page.page.reload()
    page.page.locator(f'[data-testid=ranking-row][data-index="{third}"].focus').wait_for()
    assert "selection=" not in page.page.url
    page.page.keyboard.press("Escape")
    page.page.locator(".rank-row.focus .pick").focus()
    page.page.keyboard.press("ArrowDown")
    page.page.wait_for_url(re.compile(f"sample={page.rows()[0][3]}\\b"))


def test_a_tick_selects(instrument):
    page = instrument("plain", early="1-8", late="45-52")
    page.agrees()
    first = page.rows()[0][0]
    page.page.get_by_test_id("ranking-row").first.locator(".tick").check()
    page.page.wait_for_url(re.compile(f"selection={first}\\b"))


def test_a_drag_makes_no_entry_in_the_history(instrument):
    page = instrument("plain", early="1-8", late="45-52")
    page.agrees()
    before = page.page.evaluate("history.length")
    for _ in range(3):
        page.hold("early")
        page.carry(3)
        page.page.mouse.up()
        page.agrees()
    page.page.wait_for_url(re.compile("early=10-17"))
    assert page.page.evaluate("history.length") == before


def test_without_our_server_the_ranking_follows_after_the_release(
    browser_page, streamlit_server, folder, run_of
):
    url = streamlit_server(APP, {"CORESET_LENS_CACHE": str(folder / "cache")})
    page = Instrument(browser_page, url, run_of["plain"], early="1-8", late="45-52")
    page.state().filter(has_text="coreset-lens dashboard").wait_for()
    page.hold("early")
    page.carry(5)
    page.page.mouse.up()
    page.page.wait_for_url(re.compile("early=6-13"))
    order = order_of(page.run, "eva", early=Window(6, 13), late=Window(45, 52))
    page.page.locator(
        f'[data-testid=ranking-row][data-index="{order[0]}"][data-rank="1"]'
    ).wait_for()
    assert page.rows()[0] == order[:100].tolist()
