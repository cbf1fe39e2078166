"""Behind a login everything that changes something asks for the role of whoever is there."""

import hashlib
import inspect
import json
import re
import shutil

import pytest
import streamlit

from coreset_lib import workflows
from coreset_lib.cache import ROOTS_VARIABLE
from coreset_lib.errors import ReviewError
from coreset_lib.review.identity import login_name
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import RunStore
from coreset_lib.workflows import permission
from dashboard import reads
from dashboard.person import current_person

CHANGES = re.compile(r"(start|stop|resume|create|continue|answer|submit|prepare|keep|average)(_|$)")
MAKES_NOTHING = {"open_for_resuming"}
USE_CASES = {
    name: function
    for name, function in vars(workflows).items()
    if inspect.isfunction(function)
    and (CHANGES.match(name) or name == "train_corrected")
    and name not in MAKES_NOTHING
}
LOGIN = {"is_logged_in": True, "sub": "1", "iss": "https://login.clinic.example"}
NAME = login_name(LOGIN)


@pytest.fixture
def log_in(cache, monkeypatch):
    """Return a function that lets somebody with a role come in by a login."""
    monkeypatch.setattr(permission, "_door", permission._Door(ask=current_person))

    def log_in(role=None, **user):
        monkeypatch.setattr(streamlit, "user", LOGIN | user)
        with open_reviews(cache) as store:
            store.grant("ada", "admin", by="ada")
            if role:
                store.grant(NAME, role, by="ada")

    return log_in


def test_the_search_finds_the_use_cases():
    assert {"start_runs", "stop", "stop_evaluation", "continue_refinement"} <= set(USE_CASES)


@pytest.mark.parametrize("name", USE_CASES)
def test_every_use_case_that_changes_something_asks_first(name, log_in):
    log_in(role=None)
    parameters = inspect.signature(USE_CASES[name]).parameters.values()
    needed = [None for each in parameters if each.default is each.empty]
    with pytest.raises(ReviewError, match="is not among the readers"):
        USE_CASES[name](*needed)


def contents(cache):
    """Return every file of the runs with a hash of what it holds."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (cache / "runs").rglob("*")
        if path.is_file()
    }


def press(dashboard, label):
    dashboard.labelled("button", label).click()
    return dashboard.run()


def name_it(dashboard):
    dashboard.labelled("text_input", "Name").set_value("liver")
    return press(dashboard, "Save")


def view_it(dashboard):
    dashboard.labelled("text_input", "Name of the view").set_value("mine")
    return press(dashboard, "Save this view")


ACTIONS = {
    "start a training": ("runs", lambda page: press(page, "Start training")),
    "name a run": ("runs", name_it),
    "archive a run": ("runs", lambda page: press(page, "Archive")),
    "compare": ("benchmark", lambda page: press(page, "Compare")),
    "refine": ("refinement", lambda page: press(page, "Start")),
    "ask held-out networks": (
        "review",
        lambda page: press(page, "Ask networks that have not seen the images"),
    ),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_refuses_a_stranger_in_one_sentence_and_changes_nothing(
    action, open_dashboard, write_run, cache, log_in, decide
):
    paths = write_run(epoch=20, epochs=20)
    log_in(role="reader" if ACTIONS[action][0] == "review" else None)
    page, act = ACTIONS[action]
    dashboard = open_dashboard(page, run=paths.root.name)
    if page == "review":
        with open_reviews(cache) as store:
            store.grant(NAME, "none", by="ada")
    before = contents(cache)
    act(dashboard)
    assert [error for error in dashboard.errors if "is not among the readers" in error]
    assert contents(cache) == before
    assert len(RunStore(cache).runs()) == 1


def test_only_an_admin_deletes(write_run, log_in):
    paths = write_run()
    log_in(role="second_reader")
    with pytest.raises(ReviewError, match=r"must be admin, and .* is second reader"):
        reads.delete_run(str(paths.root))
    assert paths.root.exists()
    log_in(role="admin")
    reads.delete_run(str(paths.root))
    assert not paths.root.exists()


def test_a_reader_may_start_and_name(open_dashboard, write_run, log_in):
    paths = write_run()
    log_in(role="reader")
    dashboard = name_it(open_dashboard("runs", run=paths.root.name))
    assert not dashboard.errors
    assert json.loads(paths.naming.read_text())["name"] == "liver"


def test_whoever_has_not_logged_in_is_asked_to(open_dashboard, write_run, log_in):
    paths = write_run()
    log_in(is_logged_in=False)
    dashboard = name_it(open_dashboard("runs", run=paths.root.name))
    assert [error for error in dashboard.errors if "log in on the Review page" in error]


def test_data_is_not_looked_at_for_a_stranger(
    open_dashboard, tmp_path, small_phantom, save_dataset, monkeypatch, log_in
):
    folder = tmp_path / "allowed"
    folder.mkdir()
    shutil.move(save_dataset(small_phantom, "cells.npz"), folder)
    monkeypatch.setenv(ROOTS_VARIABLE, str(folder))
    log_in(role=None)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("button_group", "Found there").select("cells.npz")
    dashboard.run()
    press(dashboard, "Check this data")
    assert [error for error in dashboard.errors if "is not among the readers" in error]


def test_without_a_login_everybody_may(open_dashboard, write_run):
    paths = write_run()
    assert not name_it(open_dashboard("runs", run=paths.root.name)).errors
