"""Tasks of docs/tasks, walked through from an empty cache, on a large and a small screen."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from task_walk import Walk

from coreset_lib.scores import compute_score
from coreset_lib.windows import Window
from coreset_lib.workflows.runs import stop

pytestmark = pytest.mark.browser

SERVER = Path(__file__).parents[2] / "dashboard" / "server.py"
SIZES = [(1440, 900), (1024, 768)]
CLASSES = ("bright", "dark", "striped")
PER_CLASS = 16


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


@pytest.fixture(scope="module", params=SIZES, ids=["large", "small"])
def begun(request, chromium, streamlit_server, tmp_path_factory):
    """Steps 1 and 2 of all guides: a folder, an empty cache, a training started on the page.

    Returns a function that leads another person to where they end, with nothing decided yet.
    """
    origin = tmp_path_factory.mktemp("walk")
    save_folder(origin / "data" / "slices")
    size = {"width": request.param[0], "height": request.param[1]}
    contexts, walks = [], []

    def walk_in(folder):
        environment = {
            "CORESET_LENS_CACHE": str(folder / "cache"),
            "CORESET_LENS_DATA_ROOTS": str(origin / "data"),
        }
        contexts.append(chromium.new_context(viewport=size))
        walks.append(Walk(contexts[-1].new_page(), streamlit_server(SERVER, environment), folder))
        return walks[-1]

    first = walk_in(origin)
    first.train(origin / "data")
    assert not first.faults
    names = itertools.count()

    def walk_with(*, own_cache):
        folder = origin
        if own_cache:
            folder = origin / f"copy-{next(names)}"
            shutil.copytree(origin / "cache", folder / "cache")
        walk = walk_in(folder)
        walk.open()
        walk.page.get_by_text("Finished: 6 epochs recorded").wait_for()
        return walk

    yield walk_with
    for context in contexts:
        context.close()
    assert not [fault for walk in walks for fault in walk.faults]


def key_of_class(walk, further=0):
    """The number key of the class that lies so much further than the one on the desk."""
    label = walk.page.locator(".desk .facts b").first.inner_text()
    return str((CLASSES.index(label) + further) % len(CLASSES) + 1)


def test_tune_windows_for_a_paper(begun):
    walk = begun(own_cache=False)
    page = walk.page
    walk.go("Trajectories")
    page.get_by_test_id("ranking-row").first.wait_for()
    assert walk.windows() == (Window(1, 3), Window(4, 6))
    page.get_by_test_id("window-early").focus()
    page.keyboard.press("Control+ArrowLeft")  # the late one keeps the same length
    page.keyboard.press("ArrowRight")
    walk.asks(early="2-3", late="5-6")
    walk.picture("windows")
    for name in ("early", "late"):
        page.get_by_test_id(f"window-{name}").locator('.chip[data-share$="%"]').wait_for()

    page.reload()
    page.get_by_test_id("ranking-row").first.wait_for()
    assert walk.windows() == (Window(2, 3), Window(5, 6))
    score = compute_score(
        walk.runs()[0].dynamics(), "eva", {"early": Window(2, 3), "late": Window(5, 6)}
    )
    page.locator('.instrument[data-agreed="true"]').wait_for()
    first = page.get_by_test_id("ranking-row").first.get_attribute("data-index")
    assert int(first) == score.order()[0]
    table = walk.download("scores")
    assert table["rank"].astype(int).tolist() == score.ranks()[table["index"].astype(int)].tolist()

    page.get_by_text("Fig. 1 as in the paper").click()
    page.locator(".plot .label", has_text="easiest").first.wait_for()
    with page.expect_download() as figure:
        page.get_by_role("button", name="SVG").click()
    assert "early 2–3" in Path(figure.value.path()).read_text(encoding="utf-8")
    page.get_by_role("button", name="Suggest windows").click()
    walk.asks(early="1-2")

    page.get_by_role("button", name="Benchmark these windows").click()
    page.get_by_role("heading", name="Benchmark").wait_for()
    page.get_by_text("early window 1-2").first.wait_for()


def test_shrink_my_training_set_and_know_what_it_costs(begun):
    walk = begun(own_cache=False)
    walk.go("Choose a coreset")
    walk.page.get_by_text("covers each class evenly").first.wait_for()
    walk.page.get_by_role("slider", name="Share to keep").focus()
    for _ in range(15):
        walk.page.keyboard.press("ArrowRight")
    walk.asks(keep="25")
    walk.page.get_by_role("button", name="Train a small network on it").wait_for()
    walk.picture("shrink")
    n_train = walk.runs()[0].manifest.dataset.n_train
    assert len(walk.download("coreset")) == -(-n_train // 4)
    walk.page.get_by_role("button", name="Benchmark this coreset").click()
    walk.page.get_by_role("heading", name="Benchmark").wait_for()
    walk.page.get_by_text("class balance").first.wait_for()  # what was carried over
    walk.page.get_by_role("button", name="Compare", exact=True).wait_for()


def test_two_readers(begun):
    walk = begun(own_cache=True)
    page = walk.page
    walk.go("Look at suspicious labels")
    walk.begin_review("anna", "With a second reader")
    page.get_by_role("tab", name="Readers and rules").click()
    page.get_by_role("textbox", name="Reader", exact=True).fill("bert")
    walk.choose("Role", "second reader")
    page.get_by_role("button", name="Give the role").click()
    page.locator(".desk .view").click()
    said = {}
    for place, move in enumerate((1, 2, 0), start=1):  # two changed, one kept
        said[walk.sample()] = new = key_of_class(walk, move)
        walk.press(new if move else "k", place)
    left = walk.sample()
    walk.press("f", 4)
    statuses = {name: state.status for name, state in walk.states().items()}
    changed = list(said)[:2]
    assert statuses == {
        **dict.fromkeys(changed, "proposed"),
        list(said)[2]: "confirmed",
        left: "flagged",
    }
    page.get_by_role("tab", name="Export").click()
    page.get_by_role("button", name="Train with the corrected labels").wait_for()

    walk.choose("Reader", "bert")
    page.get_by_text("Second reading", exact=True).first.click()
    page.get_by_text("Hide others' answers").click()
    walk.asks(independent="true")
    page.locator(".desk .place", has_text="1 of 3").wait_for()
    page.locator(".desk").nth(1).wait_for(state="detached")  # the one of the other reader
    page.locator(".desk .head", has_text="anna").wait_for(state="detached")
    other = {}
    for place in (1, 2, 3):
        name = walk.sample()
        agrees = name != changed[1]
        other[name] = said[name] if name in said and agrees else key_of_class(walk, 0)
        walk.press(other[name], place)
    page.get_by_text("Hide others' answers").click()
    walk.settle()
    page.get_by_text("Disagreements", exact=True).first.click()
    page.locator(".desk .place", has_text="1 of 1").wait_for()
    assert walk.sample() == changed[1]
    walk.press("y", 1)
    states = walk.states()
    for name, key in said.items():
        assert states[name].status == "confirmed"
        assert states[name].label == CLASSES[int(key) - 1]

    page.get_by_role("tab", name="Disagreements and agreement").click()
    page.get_by_text("samples").first.wait_for()
    page.get_by_role("tab", name="Export").click()
    table = walk.download("labels").set_index("sample_id")
    done = {name: state.label for name, state in states.items() if state.is_done}
    assert dict(table["new"]) == done


def test_find_wrong_labels_in_my_folder(begun):
    walk = begun(own_cache=True)
    page = walk.page
    walk.go("Look at suspicious labels")
    walk.begin_review("anna", "Alone")
    walk.picture("wrong-labels")
    wrong = walk.sample()
    walk.press(key_of_class(walk, 1), 1)
    walk.press("k", 2)
    walk.press("k", 3)
    walk.press("z", 2)
    statuses = sorted(state.status for state in walk.states().values())
    assert statuses == ["confirmed", "confirmed", "open"]

    page.get_by_text("Wall", exact=True).click()
    page.locator(".wall .tile").first.wait_for()
    n_left = page.locator(".wall .tile").count()
    page.locator(".wall .tile").first.click()
    page.locator(".wall button", has_text="All right").click()
    page.locator(".wall .said", has_text=f"Saved: {n_left - 1} images").wait_for()

    page.get_by_role("tab", name="Export").click()
    table = walk.download("labels").set_index("sample_id")
    assert len(table) == n_left + 1
    changed = table[table["old"] != table["new"]]
    assert list(changed.index) == [wrong]
    page.get_by_role("button", name="Train with the corrected labels").click()
    page.get_by_text("of 6 epochs").or_(page.get_by_text("Finished: 6 epochs")).first.wait_for()
    newest = walk.runs()[0]
    assert newest.manifest.config["labels"]
    stop(newest)
