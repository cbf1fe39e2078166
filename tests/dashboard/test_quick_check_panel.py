"""The quick check on the Coreset page: button, progress, cancel, result, what went wrong."""

import os

import pytest

from coreset_lib import workflows
from coreset_lib.atomic import write_json
from coreset_lib.evaluation.quick_check.plan import create_quick_check, plan_quick_check
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig, select_coreset
from dashboard import reads

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")

QUERY = {"strategy": "Random"}


@pytest.fixture
def left_behind(cache, write_run):
    """Return ``leave(state, coreset, random)``: a check of what the page shows first."""
    run = Run(write_run())
    config = SelectionConfig(strategy="random", score=None, rate=0.1, balance="proportional")
    indices = select_coreset(run.dynamics(), config).indices

    def leave(state, *, coreset=(), random=(), error=None):
        paths = create_quick_check(cache, plan_quick_check(run, indices), indices)
        for seed, (own, other) in enumerate(zip(coreset, random, strict=True)):
            sides = {
                side: {"accuracy": value, "balanced_accuracy": value, "recall": [value, 1.0]}
                for side, value in (("coreset", own), ("random", other))
            }
            about = {"seed": seed, "n_samples": len(indices), "n_val": 16, "seconds": 2.0}
            write_json(paths.pair(seed), about | sides)
        status = Status(state=state, epoch=2, epochs=20, error=error, step="training")
        is_alive = state in ("queued", "running")
        write_status(paths, claim(status, os.getpid()) if is_alive else status)
        return paths

    return leave


def table_of(dashboard):
    """Return the rows of the table of figures."""
    (found,) = (e.value for e in dashboard.app.dataframe if "on validation" in e.value.columns)
    return found.to_dict("records")


def test_before_the_first_check_there_is_a_button_and_no_figure(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("coreset", **QUERY)
    assert dashboard.labelled("button", "Train a small network on it")
    assert "About 20 seconds" in dashboard.words
    assert not [e for e in dashboard.app.dataframe if "on validation" in e.value.columns]


def test_inside_the_noise_there_is_no_arrow_and_no_colour(open_dashboard, left_behind):
    left_behind("finished", coreset=[0.5, 0.6, 0.7], random=[0.52, 0.61, 0.66])
    dashboard = open_dashboard("coreset", **QUERY)
    assert "cannot be told apart by this check" in dashboard.words
    rows = table_of(dashboard)
    assert [row["on validation"] for row in rows] == [
        "accuracy",
        "balanced accuracy",
        "recall of the worst class",
    ]
    assert all("cannot be told apart" in row["coreset and random"] for row in rows)
    assert not any(metric.delta for metric in dashboard.app.metric)
    assert not any("random" in hint for hint in dashboard.hints)
    assert not dashboard.app.success


def test_outside_the_noise_it_says_better_or_worse_with_the_interval(open_dashboard, left_behind):
    left_behind("finished", coreset=[0.3, 0.31, 0.32], random=[0.7, 0.71, 0.72])
    dashboard = open_dashboard("coreset", **QUERY)
    assert "does worse in accuracy" in dashboard.words
    row = table_of(dashboard)[0]
    assert row["coreset"].startswith("31.0 %")
    assert "worse than random (-40.0 points, 95 % interval -42" in row["coreset and random"]
    assert "3 networks on the coreset" in dashboard.words


def test_under_way_there_is_progress_and_a_way_to_cancel(open_dashboard, left_behind, monkeypatch):
    ended = []
    monkeypatch.setattr(workflows, "stop_quick_check", lambda check: ended.append(check))
    paths = left_behind("running", coreset=[0.9] * 3, random=[0.1] * 3)
    dashboard = open_dashboard("coreset", **QUERY)
    assert "network 3 of 20" in dashboard.words
    assert not [e for e in dashboard.app.dataframe if "on validation" in e.value.columns]
    dashboard.labelled("button", "Cancel").click()
    dashboard.run()
    assert [check.paths.root for check in ended] == [paths.root]


@pytest.mark.parametrize(
    ("state", "error", "words", "label"),
    [
        ("failed", "The disk is full.", "The disk is full.", "Try again"),
        ("stopped", None, "Not complete (stopped)", "Go on"),
    ],
)
def test_what_ended_it_is_told_and_it_can_go_on(
    open_dashboard, left_behind, monkeypatch, state, error, words, label
):
    left_behind(state, error=error)
    started = []
    monkeypatch.setattr(
        reads, "start_quick_check", lambda summary, indices: started.append(indices)
    )
    dashboard = open_dashboard("coreset", **QUERY)
    assert words in dashboard.words
    dashboard.labelled("button", label).click()
    dashboard.run()
    assert [len(indices) for indices in started] == [16]
