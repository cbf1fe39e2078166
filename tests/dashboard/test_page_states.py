"""Every page, on every kind of run it may meet."""

import json
import os
from pathlib import Path

import pytest
from app_pages import PAGES, RUN_PAGES

from coreset_lib.scores import SCORES

STATES = ("queued", "running", "finished", "failed", "stopped", "interrupted")
EXPLORING = ("trajectories", "reliability", "coreset")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def test_every_page_has_its_file():
    folder = Path(__file__).parents[2] / "pages"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["none", "finished", "damaged"])
def test_every_page_is_drawn_whatever_there_is(open_dashboard, write_run, page, state):
    if state != "none":
        paths = write_run()
        if state == "damaged":
            paths.manifest.write_text("{")
    dashboard = open_dashboard(page)
    assert all(len(error.splitlines()) == 1 for error in dashboard.errors)
    assert "For research use only" in footer(dashboard)


def test_a_plugin_that_cannot_be_used_is_named_beside_every_page(open_dashboard, monkeypatch):
    problem = "score odd from package cracked 0.1 was left out: it cannot be imported."
    monkeypatch.setattr(SCORES, "_found", ({}, (problem,)))
    dashboard = open_dashboard("glossary")
    assert problem in dashboard.hints
    assert not dashboard.errors


@pytest.mark.parametrize("page", RUN_PAGES)
def test_an_empty_store_leads_to_the_first_run(open_dashboard, page):
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    if page == "runs":
        assert dashboard.labelled("button", "Start the demo")
    else:
        assert dashboard.app.get("page_link")[0].proto.label == "Go to Runs"
    assert "For research use only" in footer(dashboard)


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_finished_run_is_shown(open_dashboard, write_run, page):
    run_id = write_run().root.name
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    assert dashboard.labelled("selectbox", "Run").value == run_id
    assert dashboard.url["run"] == run_id


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_growing_run_is_shown_and_grows(open_dashboard, write_run, page):
    paths = write_run("running", epoch=5, epochs=12)
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    assert "running, 5 of 12 epochs" in dashboard.words
    status = json.loads(paths.status.read_text())
    paths.status.write_text(json.dumps(status | {"epoch": 6}))
    dashboard.run()
    assert not dashboard.errors
    assert "running, 6 of 12 epochs" in dashboard.words


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_run_that_makes_its_map_says_so(open_dashboard, write_run, page):
    write_run("running", epoch=12, epochs=12, step="map")
    assert "now making the map" in open_dashboard(page).words


@pytest.mark.parametrize("page", RUN_PAGES)
@pytest.mark.parametrize("state", STATES)
def test_a_run_without_epochs_is_explained(open_dashboard, write_run, page, state):
    reason = "device cuda:7 was not found. Choose cpu." if state == "failed" else None
    write_run(state, epoch=0, epochs=12, error=reason)
    dashboard = open_dashboard(page)
    if state == "failed":
        assert reason in dashboard.words
    if page in EXPLORING:
        assert not dashboard.errors
        expected = "not complete yet" if state in ("queued", "running") else "recorded no epoch"
        assert any(expected in hint for hint in dashboard.hints)


@pytest.mark.parametrize("page", EXPLORING)
def test_a_run_with_one_epoch_can_be_looked_at(open_dashboard, write_run, page):
    write_run("running", epoch=1, epochs=12)
    dashboard = open_dashboard(page)
    assert all(len(error.splitlines()) == 1 for error in dashboard.errors)
    if page == "trajectories":
        assert not dashboard.errors
        assert any("two complete epochs" in hint for hint in dashboard.hints)


@pytest.mark.parametrize("page", RUN_PAGES)
@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted"])
def test_what_a_run_recorded_before_it_broke_off_is_shown(open_dashboard, write_run, page, state):
    write_run(state, epoch=5, epochs=12, error="the disk is full." if state == "failed" else None)
    dashboard = open_dashboard(page)
    assert f"{state}, 5 of 12 epochs" in dashboard.words
    assert len(dashboard.errors) == (page == "runs" and state == "failed")


def test_a_run_whose_process_is_gone_reads_as_interrupted(open_dashboard, write_run):
    paths = write_run("running", epoch=5, epochs=12)
    status = json.loads(paths.status.read_text())
    gone = {"process_start": status["process_start"] - 1000, "heartbeat": 0, "pid": os.getpid()}
    gone["process_identity"] = ""
    paths.status.write_text(json.dumps(status | gone))
    assert "interrupted, 5 of 12 epochs" in open_dashboard("runs").words


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_damaged_run_beside_a_good_one_does_no_harm(open_dashboard, write_run, page):
    good, bad = write_run(), write_run()
    bad.manifest.write_text("{")
    dashboard = open_dashboard(page)
    assert dashboard.labelled("selectbox", "Run").value == good.root.name
    if page == "runs":
        assert [bad.root.name in error for error in dashboard.errors] == [True]
    else:
        assert not dashboard.errors


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_damaged_run_alone_is_named(open_dashboard, write_run, page):
    bad = write_run()
    bad.status.write_text("")
    dashboard = open_dashboard(page)
    assert "damaged" in dashboard.words
    if page == "runs":
        assert bad.root.name in dashboard.errors[0]


@pytest.mark.parametrize("page", ["trajectories", "coreset"])
@pytest.mark.parametrize("part", ["samples.csv", "dynamics/margin.npy", "labels.npy"])
def test_a_run_with_a_truncated_part_gives_one_sentence(open_dashboard, write_run, page, part):
    paths = write_run()
    file = paths.root / part
    file.write_bytes(file.read_bytes()[:100])
    dashboard = open_dashboard(page)
    (error,) = dashboard.errors
    assert f"{file.name} cannot be used" in error


@pytest.mark.parametrize("page", RUN_PAGES)
def test_an_unknown_run_in_the_url_gives_the_newest(open_dashboard, write_run, page):
    run_id = write_run().root.name
    dashboard = open_dashboard(page, run="20200101-000000-gone-small_cnn-0000")
    assert dashboard.labelled("selectbox", "Run").value == run_id
    assert dashboard.url["run"] == run_id


@pytest.mark.parametrize("runs", [0, 1])
def test_a_run_in_the_url_that_is_not_there_is_named(open_dashboard, write_run, runs):
    for _ in range(runs):
        write_run()
    (hint,) = open_dashboard("runs", run="*gone*").app.warning
    assert hint.value.startswith(r"Run \*gone\* is not among the runs here")
    assert ("newest" in hint.value) == (runs == 1)


@pytest.mark.parametrize("page", EXPLORING)
def test_missing_images_leave_the_numbers(open_dashboard, write_run, tmp_path, page):
    write_run()
    (tmp_path / "slices.npz").unlink()
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    assert any("images of this run cannot be shown here" in hint for hint in dashboard.hints)


@pytest.mark.parametrize("page", EXPLORING)
def test_images_that_changed_since_are_not_shown(
    open_dashboard, write_run, small_phantom, tmp_path, page
):
    from numpy import savez

    write_run()
    pixels = {
        f"{part}_images": 255 - getattr(small_phantom, part).images
        for part in ("train", "val", "test")
    }
    labels = {
        f"{part}_labels": getattr(small_phantom, part).labels for part in ("train", "val", "test")
    }
    savez(tmp_path / "slices.npz", **pixels, **labels)
    dashboard = open_dashboard(page)
    assert any("has changed since" in hint for hint in dashboard.hints)
    assert not dashboard.app.get("image")


def footer(dashboard):
    """What every page ends with."""
    return dashboard.app.get("html")[-1].proto.body
