"""Runs that differ in their seed only: started from the form, averaged, compared."""

import numpy as np
import pytest

from coreset_lib.runs.store import RunStore
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import compute_score
from dashboard import reads
from dashboard.frame import run_title, run_titles

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")

TITLE = "How stable is this rank?"


@pytest.fixture
def repeated(write_run):
    """Three finished runs of one recipe."""
    return [write_run(seed=seed) for seed in (0, 1, 2)]


def open_box(dashboard, key):
    """Open an expander that computes nothing while it is closed."""
    dashboard.app.session_state[key] = True
    return dashboard.run()


def test_the_form_starts_as_many_runs_as_are_asked_for(open_dashboard, monkeypatch, write_run):
    write_run()
    asked = []
    monkeypatch.setattr(
        reads,
        "start_run",
        lambda config, **options: asked.append((config.seed, options)) or "nowhere",
    )
    dashboard = open_dashboard("runs")
    next(e for e in dashboard.app.number_input if e.label == "Runs").set_value(3)
    dashboard.labelled("button", "Start training").click()
    dashboard.run()
    assert asked == [(0, {"n_runs": 3, "with_event_files": False})]


def test_each_run_gets_the_next_seed(monkeypatch, cache):
    from coreset_lib import workflows
    from coreset_lib.configs import DEMO

    made, started = [], []

    class Made:
        def __init__(self, config):
            self.run_id = f"seed-{config.seed}"

    def create_runs(configs, **_):
        made.extend(configs)
        return [Made(config) for config in configs], None

    monkeypatch.setattr(workflows, "create_runs", create_runs)
    monkeypatch.setattr(workflows, "start_runs", started.extend)
    assert reads.start_run(DEMO, n_runs=3) == "seed-0"
    assert [config.seed for config in made] == [0, 1, 2]
    assert [run.run_id for run in started] == ["seed-0", "seed-1", "seed-2"]


def test_finished_repetitions_are_averaged_by_a_button_once(open_dashboard, repeated, cache):
    dashboard = open_dashboard("runs")
    dashboard.labelled("button", "Average the 3 runs").click()
    dashboard.run()
    assert not dashboard.errors
    (ensemble,) = (run for run in RunStore(cache).runs() if run.manifest.members)
    assert len(ensemble.manifest.members) == 3
    assert dashboard.url["run"] == ensemble.run_id
    assert not [e for e in dashboard.app.button if e.label.startswith("Average")]
    dashboard.labelled("selectbox", "Run").set_value(repeated[0].root.name)
    assert not [e for e in dashboard.run().app.button if e.label.startswith("Average")]


def test_runs_of_one_minute_have_different_names_in_the_picker():
    same = {"state": "finished", "dataset": "d", "model": "m", "created": "2026-01-01T10:00:00"}
    runs = [RunSummary(run_id=f"run-000{seed}", seed=seed, **same) for seed in (0, 1)]
    other = RunSummary(run_id="x", seed=0, **{**same, "dataset": "another"})
    average = RunSummary(run_id="d-ensemble-beef", **same)
    titles = run_titles({run.run_id: run for run in (*runs, other, average)})
    assert titles["x"] == run_title(other)
    assert titles["run-0001"] == f"seed 1 · {run_title(runs[1])} · run-0001"
    assert titles["d-ensemble-beef"].startswith("average · ")
    assert len(set(titles.values())) == 4


def test_one_run_cannot_be_averaged_and_says_nothing_of_chance(open_dashboard, write_run):
    write_run()
    assert not [e for e in open_dashboard("runs").app.button if e.label.startswith("Average")]
    dashboard = open_box(open_dashboard("trajectories"), "stability")
    assert "One run tells nothing of chance" in dashboard.words
    dashboard = open_box(open_dashboard("coreset", strategy="Random"), "other-seeds")
    assert "A coreset follows one run" in dashboard.words


def test_the_rank_of_several_runs_is_told_with_both_readings(open_dashboard, repeated):
    dashboard = open_box(open_dashboard("trajectories"), "stability")
    assert not dashboard.errors
    assert "3 runs, seeds 0, 1, 2" in dashboard.words
    assert "Average the runs on the page Runs" in dashboard.words
    (table,) = (e.value for e in dashboard.app.dataframe if "mean score" in e.value.columns)
    assert table["in the hardest tenth in"].str.fullmatch("[0-3] of 3 runs").all()
    assert table["rank by the mean score"].tolist() == list(range(1, len(table) + 1))
    runs = open_dashboard("runs")
    runs.labelled("button", "Average the 3 runs").click()
    runs.run()
    dashboard = open_dashboard("trajectories")
    dashboard.labelled("selectbox", "Run").set_value(runs.url["run"])
    dashboard = open_box(dashboard.run(), "stability")
    assert "This run averages the errors" in dashboard.words


def test_the_overlap_of_coresets_over_seeds_is_told(open_dashboard, repeated):
    dashboard = open_dashboard("coreset", strategy="Top: the hardest samples")
    dashboard = open_box(dashboard, "other-seeds")
    assert not dashboard.errors
    assert "3 runs: two of their coresets share" in dashboard.words
    # These runs were recorded with the same numbers: any seed gives the same coreset.
    assert "100 %" in dashboard.words


@pytest.fixture
def different(cache, make_run):
    """Three finished runs of one recipe whose recorded numbers differ."""
    return [make_run(cache, seed=seed) for seed in (0, 1, 2)]


def test_a_coreset_goes_by_the_mean_score_of_the_runs_where_that_is_chosen(
    open_dashboard, different
):
    dashboard = open_dashboard("coreset", strategy="Top: the hardest samples")
    assert not dashboard.errors
    dashboard.labelled("selectbox", "Several runs").set_value("scores")
    dashboard = dashboard.run()
    assert not dashboard.errors
    assert not [e for e in dashboard.app.button if e.label == "Benchmark this coreset"]
    dashboard = open_box(dashboard, "other-seeds")
    assert "goes by the mean score over these runs" in dashboard.words
    summary = next(each for each in reads.run_summaries() if each.seed == 1)
    choices = (
        *(("strategy", "top"), ("score", "el2n"), ("score_options", ())),
        *(("rate", 0.2), ("average", "scores")),
    )
    coreset, score = reads.chosen_coreset(summary.version, choices)
    means = np.mean([compute_score(run.dynamics(), "el2n").values for run in different], axis=0)
    np.testing.assert_allclose(score.values, means)
    np.testing.assert_array_equal(np.sort(coreset.indices), np.sort(np.argsort(-means)[:12]))
    assert reads.coreset_export(summary, choices).provenance["repetitions"] == [
        run.run_id for run in different
    ]


def test_strategies_without_a_score_and_runs_without_others_have_no_such_choice(
    open_dashboard, different
):
    dashboard = open_dashboard("coreset", strategy="Random")
    assert not [e for e in dashboard.app.selectbox if e.label == "Several runs"]


def test_the_ranking_tells_how_often_each_is_in_the_hardest_tenth(open_dashboard, different):
    dashboard = open_dashboard("trajectories")
    assert not any(reads.HARDEST_TENTH in e.value.columns for e in dashboard.app.dataframe)
    dashboard.labelled("toggle", "Other seeds").set_value(True)
    dashboard.app.session_state["ranking-table-box"] = True
    dashboard = dashboard.run()
    assert not dashboard.errors
    (table,) = (e.value for e in dashboard.app.dataframe if reads.HARDEST_TENTH in e.value.columns)
    assert table[reads.HARDEST_TENTH].str.fullmatch("[0-3] of 3 runs").all()
    assert (table[reads.HARDEST_TENTH] != "3 of 3 runs").any()


def test_one_run_alone_has_no_column_of_other_seeds(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("trajectories")
    assert not [e for e in dashboard.app.toggle if e.label == "Other seeds"]
