"""The Benchmark page: nothing yet, under way, finished, failed; and its form."""

import os
import re
from dataclasses import replace

import pytest
import streamlit

from coreset_lib.evaluation.arms import make_arms
from coreset_lib.evaluation.evaluate import create_evaluation
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.published import PUBLISHED
from coreset_lib.evaluation.results import read_cells, write_cell
from coreset_lib.export.evaluation_results import export_evaluation
from coreset_lib.jobs.evaluations import evaluations_of
from coreset_lib.jobs.speed_probes import SpeedProbe
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import RunStore
from coreset_lib.selection import STRATEGIES, SelectionConfig
from coreset_lib.training.time_estimate import Speed
from dashboard import reads
from dashboard.benchmark.carried import arm_of, selection_in_words, selection_of
from dashboard.benchmark.chart import is_on_axis

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def evaluation(write_run, cache):
    """Return ``make(state, finished_share)``: a comparison on a run, partly finished."""
    run_id = write_run().root.name

    def make(state="finished", *, share=1.0, error=None, arms=None, n_seeds=3):
        plan = EvaluationPlan(
            run_id=run_id,
            arms=arms or tuple(make_arms(["top"], ["eva"], "proportional", [0.0])),
            rates=(0.1, 0.3),
            n_seeds=n_seeds,
            model="small_cnn",
            epochs=2,
        )
        paths = create_evaluation(cache, plan)
        cells = list(plan.cells())
        n_done = round(share * len(cells))
        for cell in cells[:n_done]:
            # The differences vary a little over the seeds, as they do.
            accuracy = 0.8 + cell.seed / 100 if cell.arm.startswith("random") else 0.5
            figures = {"accuracy": accuracy, "balanced_accuracy": accuracy, "macro_auc": accuracy}
            split = figures | {"recall": [accuracy] * 8, "best_accuracy": None}
            write_cell(
                paths,
                cell,
                {"n_samples": 16, "steps": 8, "seconds": 1.0, "val": split, "test": split},
            )
        status = Status(state=state, epoch=n_done, epochs=len(cells), error=error, eta_seconds=120)
        is_alive = state in ("queued", "running")
        write_status(paths, claim(status, os.getpid()) if is_alive else status)
        return plan

    return make


def test_before_the_first_comparison_the_page_says_what_to_do(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("benchmark")
    assert any("Nothing compared yet" in hint for hint in dashboard.hints)
    assert dashboard.labelled("button", "Compare")


def test_a_finished_comparison_says_plainly_that_the_strategy_is_worse(open_dashboard, evaluation):
    evaluation()
    dashboard = open_dashboard("benchmark")
    assert not dashboard.errors
    assert "worse than random (proportional)" in dashboard.words
    assert "full set" in dashboard.words


@pytest.mark.parametrize(("score", "is_tied"), [("forgetting", True), ("aum", False)])
def test_a_score_that_ties_most_samples_says_so(open_dashboard, evaluation, score, is_tied):
    evaluation(arms=tuple(make_arms(["top"], [score], "proportional", [0.0])))
    dashboard = open_dashboard("benchmark")
    assert not dashboard.errors
    assert ("Score forgetting ties" in str(dashboard.hints)) is is_tied


def test_a_comparison_under_way_shows_what_is_finished_and_can_be_stopped(
    open_dashboard, evaluation
):
    evaluation("running", share=0.5)
    dashboard = open_dashboard("benchmark")
    assert dashboard.labelled("button", "Stop")
    assert "random (proportional) at 10 %" in dashboard.words


def test_a_comparison_without_results_yet_says_so(open_dashboard, evaluation):
    evaluation("running", share=0.0)
    dashboard = open_dashboard("benchmark")
    assert any("first results appear" in hint for hint in dashboard.hints)


def test_a_failed_comparison_gives_its_reason_and_can_go_on(open_dashboard, evaluation):
    evaluation("failed", share=0.5, error="dataset x was not found. Restore it.")
    dashboard = open_dashboard("benchmark")
    assert "dataset x was not found" in dashboard.words
    assert dashboard.labelled("button", "Go on")


@pytest.mark.parametrize(("state", "seconds"), [("running", 3.0), ("finished", None)])
def test_the_page_asks_for_news_only_while_there_are_some(
    open_dashboard, evaluation, monkeypatch, state, seconds
):
    evaluation(state, share=0.5)
    asked = []

    def fragment(draw, *, run_every=None):
        asked.append(run_every)
        return draw

    monkeypatch.setattr(streamlit, "fragment", fragment)
    open_dashboard("benchmark")
    assert asked[-1] == seconds


def test_a_comparison_stays_chosen_when_its_state_changes(open_dashboard, evaluation):
    older = evaluation("running", share=0.5)
    evaluation("stopped", share=0.0, n_seeds=4)
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("selectbox", "Comparison").set_value(older.evaluation_id)
    assert "random (proportional) at 10 %" in dashboard.run().words
    evaluation("finished")
    assert dashboard.run().labelled("selectbox", "Comparison").value == older.evaluation_id
    titles = dashboard.labelled("selectbox", "Comparison").options
    assert sorted(title.split(" · ")[0].rsplit(", ", 1)[1] for title in titles) == [
        "3 seeds",
        "4 seeds",
    ]


def test_a_script_for_slurm_is_made_when_it_is_asked_for(open_dashboard, evaluation, cache):
    plan = evaluation("stopped", share=0.5)
    (cache / "slurm.toml").write_text("gpus = many")
    dashboard = open_dashboard("benchmark")
    assert not dashboard.errors
    dashboard.app.session_state[f"slurm:{plan.evaluation_id}"] = True
    (error,) = dashboard.run().errors
    assert "slurm.toml cannot be read" in error
    (cache / "slurm.toml").unlink()
    downloads = dashboard.run().app.get("download_button")
    assert "Slurm script" in [download.proto.label for download in downloads]


def test_a_form_without_strategies_gives_one_sentence(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("multiselect", "Strategies").set_value([])
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    assert dashboard.errors == ["a comparison needs at least one strategy and one rate."]


def test_a_study_of_a_paper_is_chosen_whole(open_dashboard, write_run):
    write_run(epoch=20, epochs=20)
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("selectbox", "What to compare").set_value("eva-windows").run()
    assert "EVA, Fig. 5" in dashboard.words
    assert dashboard.labelled("multiselect", "Shares to keep (%)").value == [2, 10]
    labels = [element.label for element in dashboard.app.multiselect]
    assert "Strategies" not in labels


def test_a_study_that_the_run_is_too_short_for_is_refused(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("selectbox", "What to compare").set_value("eva-windows").run()
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    assert dashboard.errors == [
        "the window search needs a run of at least 20 epochs, got 12. Train a longer run."
    ]


def test_a_window_search_is_drawn_as_a_map_judged_on_validation(open_dashboard, evaluation):
    options = [{"early": e, "late": late} for e in ("1-2", "3-4") for late in ("7-8", "9-10")]
    variants = tuple(SelectionConfig(score_options=pair) for pair in options)
    evaluation(arms=(Arm(name="top eva, window search", variants=variants),))
    dashboard = open_dashboard("benchmark")
    assert not dashboard.errors
    assert "judged on validation only" in dashboard.words


def test_the_results_to_download_are_those_of_the_library(evaluation, cache):
    plan = evaluation()
    (found,) = evaluations_of(cache, plan.run_id)
    run = RunStore(cache).find(plan.run_id)
    assert reads.evaluation_export(found).csv == export_evaluation(found.paths, plan, run).csv


@pytest.mark.parametrize("figure", ["accuracy", "macro_auc"])
def test_published_numbers_are_drawn_on_their_own_axis_only(figure):
    published, plan = PUBLISHED["organamnist"], make_plan()
    assert is_on_axis(published, plan, figure) == (figure == "accuracy")
    assert is_on_axis(published, replace(plan, protocol="paper"), figure)


def make_plan():
    arms = tuple(make_arms(["top"], ["eva"], "proportional", [0.0]))
    return EvaluationPlan(
        run_id="r", arms=arms, rates=(0.1,), n_seeds=2, model="small_cnn", epochs=2
    )


def test_trainings_are_counted_before_the_click(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("benchmark")
    # top with and without cut at three shares, three draws; recommended needs an embedding but
    # is counted all the same; random six times; the full set three times.
    assert "57 trainings" in dashboard.words
    dashboard.labelled("slider", "Draws of random").set_value(3)
    assert "48 trainings" in dashboard.run().words


def test_the_time_is_told_once_it_was_measured(open_dashboard, write_run, monkeypatch):
    write_run()
    speed = Speed(
        batch_seconds=(0.01, 0.02), n_batches=1, evaluation_seconds=0.1, device="CPU", n_measured=9
    )
    dashboard = open_dashboard("benchmark")
    assert dashboard.labelled("button", "How long does it take?")
    monkeypatch.setattr(
        "coreset_lib.jobs.speed_probes.read_probe", lambda *_: SpeedProbe(speed=speed)
    )
    assert re.search(r"57 trainings; [\d,]+ updates, about \d+ s to \d+", dashboard.run().words)


@pytest.fixture
def started(monkeypatch):
    """The plans that were started, without any training."""
    plans = []
    monkeypatch.setattr(reads, "start_evaluation", plans.append)
    return plans


def test_windows_of_the_trajectories_page_are_those_that_are_compared(
    open_dashboard, write_run, started
):
    run_id = write_run().root.name
    dashboard = open_dashboard("benchmark", run=run_id, early="2-4", late="6-8")
    assert "Windows 2-4 and 6-8" in dashboard.words
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    (plan,) = started
    top = next(arm for arm in plan.arms if arm.name == "top eva")
    assert {tuple(v.score_options.items()) for v in top.variants} == {
        (("early", "2-4"), ("late", "6-8"))
    }


def test_a_coreset_goes_from_its_page_into_the_plan(open_dashboard, write_run, started):
    run_id = write_run().root.name
    dashboard = open_dashboard("coreset", run=run_id, early="2-4", late="6-8")
    dashboard.labelled("selectbox", "Strategy").set_value("top")
    dashboard.run()
    dashboard.labelled("slider", "Share to keep (%)").set_value(7)
    dashboard.labelled("slider", "Noise cut (%)").set_value(15)
    dashboard.labelled("selectbox", "Class balance").set_value("equal")
    dashboard.labelled("number_input", "Seed").set_value(3)
    dashboard.run()
    dashboard.labelled("button", "Benchmark this coreset").click()
    dashboard.run()
    dashboard.visit("benchmark")
    assert dashboard.labelled("selectbox", "What to compare").value == "carried over"
    assert "early window 2-4 · late window 6-8" in dashboard.words
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    (plan,) = started
    (arm,) = plan.arms
    (variant,) = arm.variants
    assert (plan.rates, plan.first_seed) == ((0.07,), 3)
    assert (variant.balance, variant.noise_cut, variant.score) == ("equal", 0.15, "eva")
    assert variant.score_options["early"] == "2-4"
    assert variant.score_options["late"] == "6-8"
    assert variant.score_options["aggregation"] == "sum"


def test_windows_go_from_their_page_into_the_plan(open_dashboard, write_run, started):
    run_id = write_run().root.name
    dashboard = open_dashboard("trajectories", run=run_id, early="2-3", late="9-10")
    dashboard.labelled("button", "Benchmark these windows").click()
    dashboard.run()
    dashboard.visit("benchmark")
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    (plan,) = started
    (variant,) = plan.arms[0].variants
    assert plan.arms[0].name == "top eva 2-3 9-10"
    assert (variant.strategy, variant.score_options["late"]) == ("top", "9-10")


def test_every_strategy_and_score_can_be_carried_over():
    for name in STRATEGIES:
        choices = (("strategy", name), ("score", "aum"), ("score_options", ()))
        arm = arm_of(selection_of(choices))
        assert arm.name.startswith(name)
        assert selection_in_words(selection_of(choices)).endswith("seeds from 0")


def test_who_pays_is_seen_in_sign_table_and_classes(open_dashboard, evaluation, cache):
    plan = evaluation()
    (found,) = evaluations_of(cache, plan.run_id)
    for cell, record in read_cells(found.paths, plan).items():
        is_random = cell.arm.startswith("random")
        accuracy = (0.7 if is_random else 0.8) + cell.seed / 100
        recall = [0.9 + cell.seed / 100 if is_random else 0.4] + [accuracy] * 7
        figures = {"balanced_accuracy": accuracy, "accuracy": accuracy, "recall": recall}
        record["test"] = record["test"] | figures
        write_cell(found.paths, cell, {k: v for k, v in record.items() if k != "cell"})
    dashboard = open_dashboard("benchmark")
    assert not dashboard.errors
    assert "△" in dashboard.words
    assert "pays: recall −" in dashboard.words
    tables = [frame.value for frame in dashboard.app.dataframe]
    assert any("who pays" in table.columns for table in tables)
    assert any("class" in table.columns and len(table) == 5 * 8 for table in tables)


def test_a_figure_that_was_not_kept_is_told_in_a_sentence(open_dashboard, evaluation):
    evaluation()
    dashboard = open_dashboard("benchmark")
    dashboard.app.session_state["figure"] = "macro_f1"
    (error,) = dashboard.run().errors
    assert "of an earlier version that did not keep it" in error
