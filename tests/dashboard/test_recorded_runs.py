"""Every page on a run that was recorded from somebody's own training loop."""

import json
import sys

import numpy as np
import pytest
import torch

from coreset_lib.recording.record import record
from coreset_lib.runs.store import Run, RunPaths

PAGES = (
    *("runs", "trajectories", "map", "coreset", "benchmark", "review", "reliability"),
    *("refinement", "glossary", "add_data"),
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def record_run(cache, small_phantom, monkeypatch):
    """Return ``record_run(with_images, figures, ...) -> RunPaths``."""
    monkeypatch.setitem(sys.modules, "umap", None)
    train = small_phantom.train

    def write(*, with_images=True, figures=None, epochs=8, recipe="AdamW 1e-3", **options):
        noise = torch.Generator().manual_seed(0)
        own = torch.nn.functional.one_hot(torch.from_numpy(train.labels), small_phantom.n_classes)
        speed = torch.rand(len(train), generator=noise) - 0.15
        with record(
            "my CNN",
            labels=train.labels,
            class_names=small_phantom.class_names,
            images=train.images if with_images else None,
            epochs=epochs,
            recipe=recipe,
            cache=cache,
            umap="none",
            **options,
        ) as recorder:
            for epoch in recorder:
                logits = own * (speed * epoch)[:, None]
                logits = logits + torch.randn(own.shape, generator=noise)
                for rows in torch.randperm(len(train), generator=noise).split(50):
                    recorder.batch(rows, logits[rows])
                recorder.log(**(figures or {}))
        paths = RunPaths(recorder.folder)
        np.save(paths.umap, Run(paths).embedding()[:, :2])
        paths.umap_info.write_text("{}")
        return paths

    return write


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("with_images", [True, False])
def test_every_page_opens_on_a_recorded_run(open_dashboard, record_run, page, with_images):
    run_id = record_run(with_images=with_images).root.name
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    assert "SGD" not in dashboard.words or page in ("benchmark", "refinement", "glossary")
    assert "small_cnn" not in dashboard.words
    if page not in ("glossary", "add_data"):
        assert dashboard.labelled("selectbox", "Run").value == run_id


def viewed(dashboard):
    """Return what the sample's card was given to show."""
    given = [json.loads(each.proto.json) for each in dashboard.app.get("bidi_component")]
    return [data for data in given if data.get("network", "").startswith("data:image/png")]


def test_its_images_are_shown(open_dashboard, record_run):
    record_run()
    dashboard = open_dashboard("trajectories")
    assert viewed(dashboard)
    assert not dashboard.hints


def test_missing_images_are_explained(open_dashboard, record_run):
    record_run(with_images=False)
    dashboard = open_dashboard("trajectories")
    assert not viewed(dashboard)
    assert any("recorded without images" in hint for hint in dashboard.hints)


def test_its_samples_can_be_reviewed(open_dashboard, record_run, readers):
    record_run()
    desk = open_dashboard("review", reader="rita").desk
    assert desk["n_items"] == 160
    assert desk["images"][desk["items"][0]["image"]].startswith("data:image/png")


def test_the_runs_page_tells_the_recipe_and_any_figure(open_dashboard, record_run):
    record_run(figures={"val_accuracy": 0.5, "dice": 0.75})
    dashboard = open_dashboard("runs")
    assert "AdamW 1e-3" in dashboard.words
    assert dashboard.metric("Validation accuracy") == "50.0 %"
    assert dashboard.metric("dice") == "0.75"
    assert "Resume" not in [button.label for button in dashboard.app.button]


def test_the_runs_page_needs_no_figures(open_dashboard, record_run):
    record_run()
    dashboard = open_dashboard("runs")
    assert dashboard.metric("Training accuracy").endswith(" %")
    assert "Validation accuracy" not in [metric.label for metric in dashboard.app.metric]


@pytest.mark.parametrize("page", ["benchmark", "refinement"])
def test_where_a_recipe_is_needed_it_is_asked_for(open_dashboard, record_run, page):
    record_run()
    dashboard = open_dashboard(page)
    assert any("say below how the networks shall be trained" in hint for hint in dashboard.hints)
    assert dashboard.labelled("number_input", "Learning rate").value == 0.1
    assert dashboard.labelled("number_input", "Batch size")


def test_a_comparison_keeps_the_recipe_that_was_given(
    open_dashboard, record_run, cache, monkeypatch
):
    record_run()
    started = []
    monkeypatch.setattr("dashboard.reads.start_evaluation", started.append)
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("number_input", "Learning rate").set_value(0.03)
    dashboard.labelled("number_input", "Epochs").set_value(3)
    dashboard.labelled("button", "Compare").click()
    dashboard.run()
    (plan,) = started
    assert plan.recipe == {"learning_rate": 0.03}
    assert (plan.model, plan.epochs, plan.batch_size) == ("small_cnn", 3, 256)


def test_a_refinement_without_test_images_says_what_is_missing(open_dashboard, record_run):
    record_run()
    dashboard = open_dashboard("refinement")
    dashboard.labelled("number_input", "Epochs").set_value(12)
    dashboard.run()
    dashboard.labelled("button", "Start").click()
    dashboard.run()
    assert any("test_images=" in error for error in dashboard.errors)


def test_stop_asks_the_loop_instead_of_ending_its_process(
    open_dashboard, small_phantom, cache, monkeypatch
):
    labels = small_phantom.train.labels
    logits = torch.zeros(len(labels), small_phantom.n_classes)
    done = []
    with record("loop", labels=labels, epochs=5, cache=cache, umap="none") as recorder:
        for epoch in recorder:
            recorder.batch(torch.arange(len(labels)), logits)
            if epoch == 2:
                dashboard = open_dashboard("runs")
                dashboard.labelled("button", "Stop").click()
                dashboard.run()
            done.append(epoch)
    assert done == [1, 2]
    status = json.loads(RunPaths(recorder.folder).status.read_text())
    assert (status["state"], status["epoch"], status["epochs"]) == ("stopped", 2, 5)
