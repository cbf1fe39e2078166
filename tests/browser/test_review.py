"""Reviewing by keyboard in a real browser: what is decided is in the database, and in the file."""

import io
import json
import re
import sqlite3
import time

import pandas as pd
import pytest

from coreset_lib.export.archive import read_export
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Rules
from coreset_lib.review.states import sample_states
from coreset_lib.review.store import open_reviews

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 30
PRESS_AND_LOOK = """key => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
  const [desk] = [...document.querySelectorAll("*")].map((node) => node.shadowRoot ?? node)
    .map((root) => root.querySelector?.(".desk")).filter(Boolean);
  const image = desk.querySelector(".view img");
  return { place: desk.dataset.place, source: image?.src, width: image?.naturalWidth };
}"""


# Nothing is sent again by the clock, either: it would hide what another queue has lost.
NOTHING_KEPT = """
  Storage.prototype.getItem = null;
  const setAnyInterval = window.setInterval;
  window.setInterval = (act, ms) => ms === 4000 ? 0 : setAnyInterval(act, ms);
"""


@pytest.fixture
def review_url(reviewed_run, streamlit_server, app):
    """Address of the Review page on the run."""
    cache, _ = reviewed_run
    return f"{streamlit_server(app, {'CORESET_LENS_CACHE': str(cache)})}/review"


def open_desk(page, url, **query):
    """Open the page and wait for the image."""
    words = "&".join(f"{name}={value}" for name, value in query.items())
    page.goto(f"{url}?{words}")
    page.locator(".desk .view img").wait_for()


def name_of_sample(page):
    return page.locator(".desk .head .name").inner_text()


def wait_until_saved(page):
    page.locator('.desk[data-pending="0"]').wait_for()


def events_of(reviewed_run):
    cache, run = reviewed_run
    with open_reviews(cache) as store:
        return store.events(run.manifest.dataset.fingerprint)


def states_of(reviewed_run):
    cache, run = reviewed_run
    with open_reviews(cache) as store:
        fingerprint = run.manifest.dataset.fingerprint
        exports = store.exports(fingerprint)
        return sample_states(store.events(fingerprint), Rules(), exports)


def test_thirty_decisions_by_keyboard_a_second_reader_and_the_export(
    browser_page, review_url, reviewed_run, tmp_path
):
    _, run = reviewed_run
    dataset = ReviewedDataset.of_run(run)
    open_desk(browser_page, review_url, reader="rita")
    said = {}
    for number in range(30):
        name = name_of_sample(browser_page)
        said[name] = dataset.class_names[number % 3]
        browser_page.keyboard.press(str(number % 3 + 1))
        browser_page.locator(f'.desk[data-place="{number + 1}"]').wait_for()
        browser_page.locator(".desk .view img").wait_for()
    wait_until_saved(browser_page)
    assert len(said) == 30
    assert {e.sample_id: e.new_label for e in events_of(reviewed_run)} == said

    browser_page.keyboard.press("z")
    browser_page.locator('.desk[data-place="29"]').wait_for()
    wait_until_saved(browser_page)
    undone = list(said)[-1]
    assert states_of(reviewed_run)[undone].status == "open"
    assert name_of_sample(browser_page) == undone
    browser_page.keyboard.press("3")
    browser_page.locator('.desk[data-place="30"]').wait_for()
    wait_until_saved(browser_page)
    said[undone] = dataset.class_names[2]

    browser_page.reload()
    browser_page.locator(".desk .place", has_text="1 of 30").wait_for()
    assert name_of_sample(browser_page) not in said

    changed = {name for name, label in said.items() if label != dataset.label_of(name)}
    open_desk(browser_page, review_url, reader="sam", queue="Second%20reading")
    browser_page.locator(".desk .place", has_text=f"1 of {len(changed)}").wait_for()
    for number in range(len(changed)):
        browser_page.locator(".desk .view img").wait_for()
        browser_page.keyboard.press("y")
        browser_page.locator(f'.desk[data-place="{number + 1}"]').wait_for()
    wait_until_saved(browser_page)
    states = states_of(reviewed_run)
    assert {name: state.label for name, state in states.items()} == said
    assert {state.status for state in states.values()} == {"confirmed"}

    browser_page.get_by_role("tab", name="Export").click()
    browser_page.locator(".st-key-export-labels button").first.click()
    with browser_page.expect_download() as download:
        browser_page.get_by_role("button", name="Download (ZIP)").click()
    download.value.save_as(tmp_path / "labels.zip")
    content = io.BytesIO(read_export(tmp_path / "labels.zip").csv)
    table = pd.read_csv(content, dtype=str, keep_default_na=False)
    exported = dict(zip(table["sample_id"], table["new"].str.removeprefix("'"), strict=True))
    assert exported == said
    assert set(table["who"]) == {"rita"}
    assert {state.status for state in states_of(reviewed_run).values()} == {"exported"}


def test_the_next_image_is_there_in_the_moment_of_the_decision(browser_page, review_url):
    open_desk(browser_page, review_url, reader="ada", queue="All")
    before = browser_page.locator(".desk .view img").get_attribute("src")
    found = browser_page.evaluate(PRESS_AND_LOOK, "n")
    assert found["place"] == "1"
    assert found["source"] != before
    assert found["width"] > 0


def test_decisions_that_a_closed_browser_had_not_sent_are_sent_by_the_next(
    browser_page, review_url, reviewed_run
):
    open_desk(browser_page, review_url, reader="ada", queue="All")
    before = len(events_of(reviewed_run))
    for _ in range(5):
        browser_page.evaluate(PRESS_AND_LOOK, "s")
    again = browser_page.context.new_page()
    browser_page.close(run_before_unload=False)
    open_desk(again, review_url, reader="ada", queue="All")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(events_of(reviewed_run)) < before + 5:
        assert time.monotonic() < deadline, "decisions were lost"
        time.sleep(0.2)
    again.locator('.desk[data-pending="0"]').wait_for()
    assert len(events_of(reviewed_run)) == before + 5  # each of them once


def test_where_the_browser_keeps_nothing_another_queue_loses_no_decision(
    browser_page, review_url, reviewed_run
):
    browser_page.add_init_script(NOTHING_KEPT)
    open_desk(browser_page, review_url, reader="ada", queue="All")
    before = len(events_of(reviewed_run))
    cache, _ = reviewed_run
    with sqlite3.connect(cache / "review.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else can write until it ends
        browser_page.keyboard.press("s")
        browser_page.locator('.desk[data-pending="1"]').wait_for()
        browser_page.get_by_text("Blind", exact=True).click()
        browser_page.locator(".desk .facts", has_text="Blind:").wait_for()
        other.execute("ROLLBACK")
    wait_until_saved(browser_page)
    assert len(events_of(reviewed_run)) == before + 1


def test_a_blind_reader_sees_neither_label_nor_prediction_until_the_decision(
    browser_page, review_url
):
    open_desk(browser_page, review_url, reader="ada", queue="All", blind="true")
    facts = browser_page.locator(".desk .facts")
    assert re.fullmatch(r"Blind: label and prediction are hidden.*", facts.inner_text())
    browser_page.keyboard.press("k")
    browser_page.locator(".desk .said", has_text="name the class you see").wait_for()
    browser_page.keyboard.press("2")
    wait_until_saved(browser_page)
    browser_page.locator(".desk .said", has_text="Label:").wait_for()


def press_and_wait(page, key, place):
    page.keyboard.press(key)
    page.locator(f'.desk[data-place="{place}"]').wait_for()


def choose(page, label, option):
    """Choose from a list as a person does: open it, click."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_after_every_choice_the_keys_go_to_the_desk(browser_page, review_url, reviewed_run):
    before = len(events_of(reviewed_run))
    browser_page.goto(f"{review_url}?queue=All")
    choose(browser_page, "Reader", "ada")
    browser_page.locator(".desk .view img").wait_for()
    press_and_wait(browser_page, "s", 1)
    names = reviewed_run[1].manifest.dataset.class_names
    choose(browser_page, "Label now", names[1])
    browser_page.locator('.desk[data-place="0"]').wait_for()
    press_and_wait(browser_page, "s", 1)
    browser_page.get_by_text("Blind", exact=True).click()
    browser_page.locator(".desk .facts", has_text="Blind:").wait_for()
    browser_page.locator('.desk[data-place="0"]').wait_for()
    press_and_wait(browser_page, "s", 1)
    wait_until_saved(browser_page)
    assert len(events_of(reviewed_run)) == before + 3


def test_a_field_that_takes_the_keys_is_named_and_escape_leads_back(browser_page, review_url):
    open_desk(browser_page, review_url, reader="ada", queue="All")
    browser_page.keyboard.press("w")
    browser_page.locator(".desk .keys", has_text="Reason").wait_for()
    browser_page.keyboard.type("sss")
    assert browser_page.locator('.desk[data-place="0"]').count() == 1
    browser_page.keyboard.press("Escape")
    browser_page.locator(".desk .keys").wait_for(state="detached")
    press_and_wait(browser_page, "n", 1)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_the_buttons_of_the_desk_are_on_the_screen(browser_page, review_url, size):
    browser_page.set_viewport_size({"width": size[0], "height": size[1]})
    open_desk(browser_page, review_url, reader="ada", queue="All")
    bar = browser_page.locator(".desk .bar")
    for _ in range(50):  # until the image is there and the page stands
        box = bar.bounding_box()
        if box["y"] + box["height"] <= size[1] - 25:
            break
        browser_page.wait_for_timeout(100)
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size[1] - 25  # the page's last line is fixed below


def state_counts(reviewed_run):
    return [state.status for state in states_of(reviewed_run).values()]


def test_forty_at_once_but_two_one_undo_and_again(
    browser_page, streamlit_server, app, tmp_path_factory, make_run, make_dataset, save_npz
):
    folder = tmp_path_factory.mktemp("wall")
    dataset = make_dataset()
    run = make_run(folder / "cache", dataset=dataset)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(save_npz(folder / "tiny.npz", dataset))
    run.paths.manifest.write_text(json.dumps(manifest))
    with open_reviews(folder / "cache") as store:
        store.grant("ada", "admin", by="ada")
        store.set_rules(run.manifest.dataset.fingerprint, Rules(second_reading="never"), by="ada")
    group = ",".join(map(str, range(42)))
    page = browser_page
    url = streamlit_server(app, {"CORESET_LENS_CACHE": str(folder / "cache")})
    page.goto(f"{url}/review?reader=ada&selection={group}&only_selected=true&review_mode=Wall")
    for index in (4, 11):
        page.locator(f'.wall .tile[data-index="{index}"]').click()
    page.locator(".wall .count", has_text="40 of 42 images").wait_for()
    name = dataset.class_names[2]
    page.locator(".wall select").select_option(name)
    page.locator(".wall button", has_text="All are").click()
    page.locator(".wall .said", has_text="Saved: 40 images").wait_for()
    page.locator(".wall .count", has_text="2 of 2 images").wait_for()

    here = (folder / "cache", run)
    assert {s.label for s in states_of(here).values()} == {name}
    assert len(states_of(here)) == 40
    assert {e.view for e in events_of(here)} == {"wall, open"}
    undone = {dataset_id(run, index) for index in (4, 11)}
    assert not undone & set(states_of(here))

    page.locator(".wall button", has_text="Undo the last group (40)").click()
    page.locator(".wall .said", has_text="Taken back").wait_for()
    page.locator(".wall .count", has_text="42 of 42 images").wait_for()
    assert set(state_counts(here)) == {"open"}
    assert len(events_of(here)) == 80

    page.locator(".wall button", has_text="All right").click()
    page.locator(".wall .said", has_text="Saved: 42 images, kept").wait_for()
    page.get_by_text("Nothing is left in this queue").wait_for()
    assert state_counts(here).count("confirmed") == 42


def dataset_id(run, index):
    return ReviewedDataset.of_run(run).sample_ids[index]
