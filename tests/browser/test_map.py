"""The map page in a real browser, on a run written by the library."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.export.archive import read_export
from coreset_lib.export.coresets import export_selection
from coreset_lib.export.rebuild import rebuild
from coreset_lib.runs.create import create_run
from coreset_lib.runs.records import Status
from coreset_lib.runs.saved_views import SavedView, list_views, save_view
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score

pytestmark = pytest.mark.browser

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
N_TRAIN = 400
EPOCHS = 12
ALONE = 7  # a sample in the middle of the ring


def save_phantom(path, seed):
    dataset = make_phantom(PhantomOptions(n_train=N_TRAIN, n_val=16, n_test=16, seed=seed))
    arrays = {
        f"{part}_{kind}": getattr(getattr(dataset, part), kind)
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    np.savez(path, class_names=np.array(dataset.class_names), **arrays)


def write_run(cache, path, *, seed):
    """A finished run: every class is two groups on a ring of classes, one sample lies alone."""
    dataset = load_dataset(str(path))
    config = TrainingConfig(dataset=str(path), model="small_cnn", epochs=EPOCHS, seed=seed)
    paths = create_run(cache, config, dataset)
    labels, rng = dataset.train.labels, np.random.default_rng(seed)
    own = 1 / (1 + np.exp(-rng.normal(0, 1.5, (EPOCHS, N_TRAIN))))
    planes = {
        "error_norm": math.sqrt(2) * (1 - own),
        "label_probability": own,
        "margin": 2 * own - 1,
        "entropy": -own * np.log(own),
    }
    for name, values in planes.items():
        np.save(paths.plane(name), values.astype(np.float32))
    wrong = (labels + 1) % dataset.n_classes
    np.save(paths.plane("prediction"), np.where(own > 0.5, labels, wrong).astype(np.uint8))
    manifest = json.loads(paths.manifest.read_text())
    manifest["planes"] = [*planes, "prediction"]
    paths.manifest.write_text(json.dumps(manifest))
    group = np.arange(N_TRAIN) % 2
    angle = 2 * np.pi * labels / dataset.n_classes
    centres = 10 * np.column_stack([np.cos(angle), np.sin(angle)])
    places = centres + 1.5 * group[:, None] + rng.normal(0, 0.2, (N_TRAIN, 2))
    places[ALONE] = 0
    np.save(paths.umap, places.astype(np.float32))
    np.save(paths.embedding, np.column_stack([places, places[:, :1]]).astype(np.float32))
    write_status(paths, Status(state="finished", epoch=EPOCHS, epochs=EPOCHS))
    return Run(paths)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    made = []
    for seed in (0, 1):
        path = folder / f"slices{seed}.npz"
        save_phantom(path, seed)
        made.append(write_run(folder / "cache", path, seed=seed))
    return made


class MapPage:
    """The map page, in the words of a person who uses it."""

    def __init__(self, page, url, run, **options):
        self.page, self.url, self.run = page, url, run
        self.open(f"map?{'&'.join(f'{k}={v}' for k, v in (options | {'run': run.run_id}).items())}")

    def open(self, address):
        self.page.goto(f"{self.url}/{address}")
        self.wait()

    def wait(self):
        self.page.locator(".map .title").wait_for()
        self.page.wait_for_function("document.title.length > 0")

    @property
    def surface(self):
        return self.page.locator(".surface")

    def pixel(self, place):
        """Where a place of the map is on the screen, while all of it is in view."""
        places = np.asarray(self.run.umap())
        low, high = places.min(axis=0), places.max(axis=0)
        box = self.surface.bounding_box()
        room = np.array([box["width"], box["height"]]) - 2 * 26
        scale = (room / (high - low)).min()
        x, y = (np.asarray(place) - (low + high) / 2) * scale
        return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 - y

    def drag(self, places, **held):
        mouse = self.page.mouse
        for number, place in enumerate(places):
            mouse.move(*self.pixel(place), steps=2)
            if not number:
                mouse.down()
        mouse.up()

    def lasso(self, class_number):
        """Draw around all samples of one class; return which they are."""
        is_there = self.run.labels() == class_number
        is_there[ALONE] = False
        chosen = np.flatnonzero(is_there)
        middle = np.asarray(self.run.umap())[chosen].mean(axis=0)
        angles = np.linspace(0, 2 * np.pi, 24)
        self.drag(middle + 2.6 * np.column_stack([np.cos(angles), np.sin(angles)]))
        return chosen

    def says_selected(self, count):
        noun = "sample" if count == 1 else "samples"
        text = f"{count:,} {noun} selected" if count else "Nothing selected"
        bar = self.page.locator(".st-key-selection-bar")
        bar.locator("p", has_text=re.compile(f"^{text}")).first.wait_for()

    def download(self, name, folder):
        self.page.locator(f".st-key-export-{name} button").first.click()
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name="Download (ZIP)").click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def choose(self, label, option):
        self.page.get_by_label(label, exact=True).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()


@pytest.fixture
def open_map(browser_page, streamlit_server, runs):
    url = streamlit_server(APP, {"CORESET_LENS_CACHE": str(runs[0].paths.root.parents[1])})
    return lambda run=runs[0], page=browser_page, **options: MapPage(page, url, run, **options)


def test_a_lasso_selects_the_images_and_their_export_is_the_librarys(open_map, tmp_path):
    map_page = open_map()
    chosen = map_page.lasso(2)
    map_page.says_selected(len(chosen))
    map_page.page.locator(".grid .tile").nth(min(len(chosen), 48) - 1).wait_for()
    run = map_page.run
    score = compute_score(run.dynamics(), "eva")
    expected = export_selection(run, chosen, score)
    archive = map_page.download("selection", tmp_path)
    found = read_export(archive)
    assert found.csv == expected.csv
    assert found.provenance["samples"]["indices"] == chosen.tolist()
    store = RunStore(run.paths.root.parents[1])
    assert rebuild(archive, store)[1]


def test_shift_adds_alt_takes_out_and_undo_brings_back(open_map):
    map_page = open_map()
    page = map_page.page
    first = map_page.lasso(0)
    map_page.says_selected(len(first))
    page.keyboard.down("Shift")
    second = map_page.lasso(3)
    page.keyboard.up("Shift")
    both = len(first) + len(second)
    map_page.says_selected(both)
    page.keyboard.down("Alt")
    map_page.lasso(0)
    page.keyboard.up("Alt")
    map_page.says_selected(len(second))
    page.get_by_role("button", name="Undo").click()
    map_page.says_selected(both)
    page.keyboard.press("u")
    map_page.says_selected(len(first))
    page.get_by_role("button", name="Invert").click()
    map_page.says_selected(N_TRAIN - len(first))


def test_a_box_selects_and_a_click_selects_one(open_map):
    map_page = open_map()
    places = np.asarray(map_page.run.umap())
    map_page.page.get_by_role("button", name="Box").click()
    low, high = places.min(axis=0) - 0.1, places.max(axis=0) + 0.1
    middle = (low + high) / 2
    map_page.drag([low, (middle[0], middle[1]), (middle[0], high[1])])
    map_page.says_selected(int((places[:, 0] <= middle[0]).sum()))
    map_page.page.mouse.click(*map_page.pixel((0, 0)))
    map_page.says_selected(1)
    map_page.page.wait_for_url(re.compile(f"selection={ALONE}(&|$)"))


def pixels_about(place, distance):
    """Return the whole pixels that lie nearly so far from a place, within a quarter of a pixel."""
    around = np.indices((60, 60)).reshape(2, -1).T - 30 + np.round(place)
    off = np.abs(np.linalg.norm(around - place, axis=1) - distance)
    return around[np.argsort(off)[:6]].tolist()


def test_a_sample_is_meant_within_twelve_pixels_of_the_pointer(open_map):
    map_page = open_map()
    aimed = map_page.page.locator(".surface.aimed")
    place = np.array(map_page.pixel((0, 0)))
    for distance, start, before, after in (
        (11.6, place - 30, "detached", "attached"),
        (12.4, place, "attached", "detached"),
    ):
        for pixel in pixels_about(place, distance):
            map_page.page.mouse.move(*start)
            aimed.wait_for(state=before)
            map_page.page.mouse.move(*pixel)
            aimed.wait_for(state=after)
    map_page.page.mouse.click(*pixels_about(place, 11.6)[0])
    map_page.says_selected(1)
    map_page.page.wait_for_url(re.compile(f"selection={ALONE}(&|$)"))


def test_pointing_at_a_sample_shows_its_image_name_and_class(open_map):
    map_page = open_map()
    run = map_page.run
    x, y = map_page.pixel((0, 0))
    map_page.page.mouse.move(x + 1, y)
    map_page.page.mouse.move(x, y)
    note = map_page.page.locator(".note")
    note.locator(".picture:not([hidden])").wait_for()
    row = run.samples().iloc[ALONE]
    words = note.inner_text()
    assert row["sample_id"] in words
    assert f"class: {row['class_name']}" in words


def test_k_is_found_by_silhouette_and_can_be_set_by_hand(open_map):
    map_page = open_map()
    page = map_page.page
    name = map_page.run.manifest.dataset.class_names[1]
    map_page.choose("Cluster inside", name)
    page.get_by_text(re.compile(rf"^2 clusters in {name}")).wait_for()
    page.get_by_text("Find K by silhouette").click()
    page.get_by_text(re.compile(rf"^4 clusters in {name}")).wait_for()
    page.get_by_role("slider", name="Clusters K").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile(rf"^5 clusters in {name}")).wait_for()
    page.wait_for_function("location.search.includes('k=5')")
    page.locator(".grid .tile").nth(4).wait_for()


def test_recolouring_keeps_the_selection(open_map):
    map_page = open_map()
    chosen = map_page.lasso(1)
    map_page.says_selected(len(chosen))
    map_page.choose("Colour by", "Score")
    map_page.page.locator(".map .ramp").wait_for()
    map_page.page.locator(".chosen", has_text=f"{len(chosen)} selected").wait_for()


def test_a_saved_view_opens_from_its_address_in_a_fresh_session(open_map, chromium):
    map_page = open_map(colour="Score", inside="every+class")
    page = map_page.page
    chosen = map_page.lasso(4)
    map_page.says_selected(len(chosen))
    page.get_by_role("button", name="Views").click()
    page.get_by_role("textbox", name="Save this view as").fill("hard ones")
    page.get_by_role("button", name="Save view").click()
    link = page.get_by_role("link", name="hard ones")
    link.wait_for()
    assert "hard ones" in list_views(map_page.run.paths)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    fresh = context.new_page()
    fresh.goto(f"{map_page.url}/?view=hard+ones&run={map_page.run.run_id}")
    fresh.locator(".map .ramp").wait_for()
    fresh.locator(".chosen", has_text=f"{len(chosen)} selected").wait_for()
    fresh.get_by_text(re.compile("clusters in 8 classes")).wait_for()
    assert "/map" in fresh.url
    context.close()


def test_a_missing_view_is_told_in_one_sentence(open_map):
    map_page = open_map(view="no+such")
    map_page.page.get_by_text("view 'no such' was not found in run").wait_for()


def test_two_sessions_on_two_runs_do_not_meet(open_map, runs, chromium):
    one = open_map()
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    other = open_map(runs[1], context.new_page())
    first, second = one.lasso(0), other.lasso(5)
    one.says_selected(len(first))
    other.says_selected(len(second))
    assert one.run.run_id in one.page.url
    assert other.run.run_id in other.page.url
    context.close()


def test_the_map_works_with_keys_alone(open_map):
    map_page = open_map()
    page = map_page.page
    map_page.surface.focus()
    page.keyboard.press("Enter")
    map_page.says_selected(1)
    map_page.surface.focus()
    page.keyboard.press("v")
    map_page.says_selected(N_TRAIN)
    map_page.surface.focus()
    for key in ("+", "+", "+", "ArrowRight", "v"):
        page.keyboard.press(key)
    bar = page.locator(".st-key-selection-bar p")
    bar.filter(has_text=re.compile(rf"^(?!{N_TRAIN} ).*selected")).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    map_page.surface.focus()
    page.keyboard.press("Escape")
    map_page.says_selected(0)
    page.keyboard.press("Tab")
    assert page.locator(".tool:focus").count() == 1


def test_the_map_says_in_words_what_it_shows(open_map):
    surface = open_map().page.get_by_role("application")
    label = surface.get_attribute("aria-label")
    assert "UMAP map of 400 samples coloured by class; 0 selected" in label


def test_the_map_follows_theme_and_width(open_map):
    from playwright.sync_api import expect

    map_page = open_map()
    page = map_page.page
    wide = map_page.surface.bounding_box()["width"]
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1024, "height": 768})
    page.wait_for_function("document.documentElement.scrollWidth <= 1024")
    surface = page.locator(".map")
    expect(surface).not_to_have_css("background-color", "rgb(255, 255, 255)")
    background = surface.evaluate("node => getComputedStyle(node).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", background)[:3])) < 150
    assert map_page.surface.bounding_box()["width"] < wide
    chosen = map_page.lasso(2)
    map_page.says_selected(len(chosen))


def test_a_view_of_an_unknown_page_is_told(open_map, runs):
    save_view(runs[0].paths, SavedView(name="old", page="gone"))
    map_page = open_map(view="old")
    map_page.page.get_by_text("is of page 'gone'").wait_for()
