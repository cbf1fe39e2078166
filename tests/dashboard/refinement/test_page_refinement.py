"""The Refinement page: nothing yet, under way, waiting, finished, failed; and its form."""

import numpy as np
import pytest

from coreset_lib.export.refinement_results import export_refinement
from coreset_lib.jobs import refinements as jobs
from coreset_lib.jobs.refinements import refinements_of
from coreset_lib.runs.store import Run, RunStore
from dashboard.refinement import data as refinement_data

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def started(monkeypatch):
    """The plans that the page would start in the background, which is not done here."""
    plans = []
    monkeypatch.setattr(jobs, "start", lambda cache, plan: plans.append(plan))
    return plans


def press(dashboard, label):
    dashboard.labelled("button", label).click()
    return dashboard.run()


def test_an_empty_store_leads_to_the_first_run(open_dashboard):
    dashboard = open_dashboard("refinement")
    assert not dashboard.errors
    assert dashboard.app.get("page_link")[0].proto.label == "Go to Runs"


@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_a_run_without_epochs_is_explained(open_dashboard, write_run, state):
    write_run(state, epoch=0)
    dashboard = open_dashboard("refinement")
    assert not dashboard.errors
    assert dashboard.hints


def test_images_with_any_number_of_labels_are_told_to_be_out_of_reach(
    open_dashboard, cache, label_run, monkeypatch
):
    monkeypatch.setenv("CORESET_LENS_CACHE", str(label_run.paths.cache))
    dashboard = open_dashboard("refinement")
    assert any("exactly one class" in hint for hint in dashboard.hints)


def test_before_the_first_refinement_the_page_says_what_to_do(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("refinement")
    assert any("Nothing refined yet" in hint for hint in dashboard.hints)
    assert "nobody knows the true labels of this run" in dashboard.words
    assert "Expert" not in [radio.label for radio in dashboard.app.radio]


def test_where_the_truth_is_unknown_people_are_asked(open_dashboard, write_run, started):
    write_run()
    press(open_dashboard("refinement"), "Start")
    (plan,) = started
    assert (plan.expert, plan.queries, plan.seeds) == ("people", ("entropy",), (0,))
    assert (plan.budget, plan.n_rounds, plan.noise_rate) == (16, 4, None)


def test_with_a_known_truth_an_expert_is_simulated_over_paired_seeds(
    open_dashboard, write_run, started
):
    run = write_run()
    np.save(run.true_labels, Run(run).labels())
    dashboard = open_dashboard("refinement")
    dashboard.labelled("multiselect", "Ask first about").set_value(["entropy", "k_center"])
    dashboard.labelled("number_input", "Budget (labels)").set_value(24)
    dashboard.labelled("radio", "Share of wrong labels").set_value("given here")
    dashboard.run()
    dashboard.labelled("number_input", "Wrong labels (%)").set_value(30.0)
    assert "3 × two networks that judge the labels, then 54 trainings" in dashboard.words
    press(dashboard, "Start")
    (plan,) = started
    assert plan.arms == ("entropy", "k_center", "random", "random, unjudged")
    assert (plan.expert, plan.seeds, plan.budget) == ("simulated", (0, 1, 2), 24)
    assert (plan.noise_rate, plan.vog_share, plan.epochs) == (0.3, 0.2, 12)


def test_a_plan_that_cannot_be_gives_one_sentence(open_dashboard, write_run, started):
    write_run()
    dashboard = open_dashboard("refinement")
    dashboard.labelled("number_input", "Budget (labels)").set_value(2)
    press(dashboard, "Start")
    assert dashboard.errors == ["budget must be at least 4, got 2."]
    assert not started


def test_a_finished_refinement_says_plainly_what_beats_random_and_what_does_not(
    open_dashboard, make_refinement
):
    make_refinement()
    dashboard = open_dashboard("refinement")
    assert not dashboard.errors
    assert "40 labels are called wrong (mean of 3 seeds)" in dashboard.words
    assert "Precision: 60.0 % of the labels called wrong are wrong" in dashboard.words
    assert "12.0 % in minority classes, 9.0 % in the others" in dashboard.words
    assert "Beats “random”: +20.0 points" in dashboard.words
    assert "Does not beat “random, unjudged”, it is worse: -10.0 points" in dashboard.words
    assert dashboard.app.get("plotly_chart")


def test_a_refinement_under_way_tells_its_step_and_can_be_stopped(
    open_dashboard, make_refinement, monkeypatch
):
    make_refinement("running", share=0.2)
    stopped = []
    monkeypatch.setattr(jobs, "stop", stopped.append)
    dashboard = open_dashboard("refinement")
    assert "entropy, round 1, seed 0, about 2 min left" in dashboard.words
    press(dashboard, "Stop")
    assert len(stopped) == 1


def test_a_refinement_without_results_yet_says_so(open_dashboard, make_refinement):
    make_refinement("running", share=0.0)
    dashboard = open_dashboard("refinement")
    assert any("first results appear" in hint for hint in dashboard.hints)


def test_a_failed_refinement_gives_its_reason_and_can_go_on(
    open_dashboard, make_refinement, started
):
    plan, _, _ = make_refinement("failed", share=0.5, error="dataset x was not found. Restore it.")
    dashboard = open_dashboard("refinement")
    assert "dataset x was not found" in dashboard.words
    press(dashboard, "Go on")
    assert started == [plan]


def test_one_seed_cannot_tell(open_dashboard, make_refinement):
    make_refinement(seeds=(0,))
    assert "One seed cannot tell whether it beats" in open_dashboard("refinement").words


def test_a_refinement_that_waits_for_people_leads_to_its_queue(open_dashboard, make_refinement):
    make_refinement("stopped", expert="people")
    dashboard = open_dashboard("refinement")
    assert "round 1 of 2: 0 of 3 labels answered for good" in dashboard.words.replace("**", "")
    assert "there is no random one to compare with" in dashboard.words
    (link,) = dashboard.app.get("page_link")
    assert "queue=Asked" in link.proto.query_string


def test_the_newest_of_several_is_shown_and_another_can_be_chosen(open_dashboard, make_refinement):
    plan, _, run = make_refinement()
    make_refinement("stopped", expert="people", run=run)
    dashboard = open_dashboard("refinement")
    assert "0 of 3 labels answered" in dashboard.words.replace("**", "")
    dashboard.labelled("selectbox", "Refinement").set_value(plan.refinement_id)
    dashboard.run()
    assert "Beats “random”" in dashboard.words


def test_the_results_to_download_are_those_of_the_library(make_refinement, cache):
    plan, paths, _ = make_refinement()
    (found,) = refinements_of(cache, plan.run_id)
    run = RunStore(cache).find(plan.run_id)
    assert refinement_data.export(found).csv == export_refinement(paths, plan, run).csv
