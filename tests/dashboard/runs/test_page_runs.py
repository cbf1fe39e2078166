"""The Runs page: names and tags of runs, and how long a training will take."""

import json
import os
from dataclasses import asdict

import pytest
import streamlit

from coreset_lib.jobs import speed_probes
from coreset_lib.jobs.speed_probes import SpeedProbe
from coreset_lib.runs.naming import Naming, read_naming, write_naming
from coreset_lib.runs.paths import runs_folder
from coreset_lib.runs.store import RunStore
from coreset_lib.training.time_estimate import Speed
from dashboard.shared.start.duration import duration_in_words
from dashboard.shared.text import time_in_words

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
ASKED = "phantom with small_cnn"
SPEED = Speed(
    batch_seconds=(0.1, 0.2), n_batches=10, evaluation_seconds=0.5, device="cpu", n_measured=12
)


def test_a_run_gets_a_name_and_tags_on_the_page(open_dashboard, write_run):
    paths = write_run()
    dashboard = open_dashboard("runs")
    dashboard.labelled("text_input", "Name").set_value("liver")
    dashboard.labelled("text_input", "Tags, separated by commas").set_value("pilot, paper")
    dashboard.labelled("button", "Save").click()
    dashboard.run()
    assert not dashboard.errors
    assert read_naming(paths) == Naming(name="liver", tags=("paper", "pilot"))
    (picked,) = dashboard.labelled("selectbox", "Run").options
    assert picked.startswith("liver · ")


def test_a_tag_that_is_not_allowed_is_one_sentence(open_dashboard, write_run):
    paths = write_run()
    dashboard = open_dashboard("runs")
    dashboard.labelled("text_input", "Tags, separated by commas").set_value("two words")
    dashboard.labelled("button", "Save").click()
    dashboard.run()
    assert ["tag must be one word" in error for error in dashboard.errors] == [True]
    assert not paths.naming.exists()


def test_runs_are_listed_by_tag_and_a_link_keeps_the_choice(open_dashboard, write_run):
    tagged, other = write_run(), write_run()
    write_naming(tagged, Naming(name="liver", tags=("pilot",)))
    dashboard = open_dashboard("runs")
    assert set(dashboard.app.dataframe[-1].value["run"]) == {tagged.root.name, other.root.name}
    dashboard.labelled("multiselect", "Only runs with the tags").set_value(["pilot"])
    dashboard.run()
    assert list(dashboard.app.dataframe[-1].value["run"]) == [tagged.root.name]
    assert dashboard.url["tags"] == "pilot"
    linked = open_dashboard("runs", tags="pilot,gone")
    assert list(linked.app.dataframe[-1].value["run"]) == [tagged.root.name]


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (SpeedProbe(), f"{ASKED}: reading the dataset and training for two seconds"),
        (SpeedProbe(speed=SPEED), f"{ASKED}: 70 epochs take about"),
        (SpeedProbe(error="the disk is full."), f"of {ASKED} is not known: the disk is full."),
    ],
)
def test_the_form_tells_how_long_a_training_takes_without_waiting(
    open_dashboard, cache, monkeypatch, probe, words
):
    asked = []
    monkeypatch.setattr(speed_probes, "start_probe", lambda _, config: asked.append(config))
    monkeypatch.setattr(speed_probes, "read_probe", lambda *_: probe)
    dashboard = open_dashboard("runs")
    dashboard.labelled("button", "How long will it take?").click()
    dashboard.run()
    assert [config.dataset for config in asked] == ["phantom"]
    assert words in "\n".join([dashboard.words, *dashboard.errors])
    assert not (cache / "runs").exists()


def test_once_the_duration_is_known_the_page_stops_asking_and_a_start_takes_it_away(
    open_dashboard, monkeypatch
):
    probes, every = [SpeedProbe(), SpeedProbe(speed=SPEED)], []

    def fragment(draw, *, run_every=None):
        if draw.__name__ == "_draw_answer":
            every.append(run_every)
        return draw

    monkeypatch.setattr(streamlit, "fragment", fragment)
    monkeypatch.setattr(speed_probes, "start_probe", lambda *_: None)
    monkeypatch.setattr(
        speed_probes, "read_probe", lambda *_: probes.pop(0) if len(probes) > 1 else probes[0]
    )
    dashboard = open_dashboard("runs")
    dashboard.labelled("button", "How long will it take?").click()
    assert "epochs take about" in dashboard.run().words
    assert every == [1.0, None]
    dashboard.labelled("button", "Prepare only").click()
    assert "epochs take about" not in dashboard.run().words


def test_the_duration_is_a_range_of_rough_times():
    text = duration_in_words(SPEED, 200)
    assert text.startswith("200 epochs take about 5 min to 8 min on cpu")
    assert asdict(SPEED)["n_measured"] == 12
    assert [time_in_words(s) for s in (0.2, 89, 91, 5000, 9000)] == [
        *("1 s", "89 s", "2 min", "83 min", "2.5 h"),
    ]


def test_a_run_is_prepared_for_a_cluster_with_its_script(open_dashboard, cache):
    dashboard = open_dashboard("runs")
    dashboard.labelled("button", "Prepare only").click()
    dashboard.run()
    assert not dashboard.errors
    (run,) = RunStore(cache).runs()
    assert (run.status().state, run.status().epoch) == ("stopped", 0)
    assert "stopped, 0 of" in dashboard.words
    dashboard.app.session_state[f"slurm:{run.run_id}"] = True
    downloads = dashboard.run().app.get("download_button")
    (download,) = [each for each in downloads if each.proto.label == "Slurm script"]
    assert download.proto.label == "Slurm script"


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_the_precision_of_a_run_is_chosen_in_the_form(open_dashboard, cache, precision):
    dashboard = open_dashboard("runs")
    field = dashboard.labelled("selectbox", "Precision")
    assert field.value == "auto"
    field.set_value(precision)
    dashboard.labelled("button", "Prepare only").click()
    dashboard.run()
    assert not dashboard.errors
    (run,) = RunStore(cache).runs()
    assert run.manifest.config["precision"] == precision


def test_a_wrong_settings_file_of_slurm_is_one_sentence(open_dashboard, write_run, cache):
    run_id = write_run("stopped", epoch=3).root.name
    (cache / "slurm.toml").write_text("gpus = many")
    dashboard = open_dashboard("runs")
    assert not dashboard.errors  # nobody has asked for a script
    dashboard.app.session_state[f"slurm:{run_id}"] = True
    (error,) = dashboard.run().errors
    assert "slurm.toml cannot be read" in error


def keep_of_metrics(paths, *names):
    """Rewrite the metrics of a run as if only these figures had been recorded."""
    records = map(json.loads, paths.metrics.read_text().splitlines())
    lines = [json.dumps({name: record[name] for name in names}) for record in records]
    paths.metrics.write_text("".join(f"{line}\n" for line in lines))


def test_figures_that_were_not_recorded_are_left_out(open_dashboard, write_run):
    paths = write_run()
    keep_of_metrics(paths, "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    titles = [metric.label for metric in open_dashboard("runs").app.metric]
    assert titles == ["Epochs", "Validation accuracy", "Training accuracy"]
    keep_of_metrics(paths, "train_loss")
    dashboard = open_dashboard("runs")
    assert [metric.label for metric in dashboard.app.metric] == ["Epochs"]
    (chart,) = dashboard.app.get("plotly_chart")
    assert [line["name"] for line in json.loads(chart.proto.spec)["data"]] == ["train"]


def test_no_two_runs_have_the_same_title_in_the_picker(open_dashboard, write_run):
    runs = {write_run(seed=seed).root.name for seed in (1, 2)}
    titles = open_dashboard("runs").labelled("selectbox", "Run").options
    assert len(set(titles)) == 2
    assert {title.rsplit(" · ", 1)[1] for title in titles} == runs


def run_table(dashboard):
    """The list of runs."""
    (found,) = [t.value for t in dashboard.app.dataframe if "disk" in t.value.columns]
    return found


def test_the_list_says_what_was_trained_how_well_and_how_large_it_is(open_dashboard, write_run):
    paths = write_run()
    write_naming(paths, Naming(name="liver", note="for the pilot"))
    (row,) = run_table(open_dashboard("runs")).to_dict("records")
    assert (row["name"], row["note"], row["images"]) == ("liver", "for the pilot", "160")
    assert row["accuracy"] == "40.0 %"
    assert row["disk"].endswith("kB")
    assert row["network"] == "small_cnn"


def test_an_archived_run_leaves_list_and_picker_and_comes_back(open_dashboard, write_run):
    paths, other = write_run(seed=1), write_run(seed=2)
    dashboard = open_dashboard("runs", run=paths.root.name)
    dashboard.labelled("button", "Archive").click()
    dashboard.run()
    assert read_naming(paths).tags == ("archived",)
    fresh = open_dashboard("runs")
    assert list(run_table(fresh)["run"]) == [other.root.name]
    assert len(fresh.labelled("selectbox", "Run").options) == 1
    linked = open_dashboard("runs", run=paths.root.name)
    linked.labelled("button", "Bring back").click()
    linked.run()
    assert read_naming(paths).tags == ()
    assert set(run_table(open_dashboard("runs"))["run"]) == {paths.root.name, other.root.name}


def test_before_a_deletion_what_depends_on_the_run_is_named(
    open_dashboard, write_run, make_refinement
):
    _, _, paths = make_refinement()
    dashboard = open_dashboard("runs", run=paths.root.name)
    dashboard.labelled("button", "Delete…").click()
    dashboard.run()
    assert any("can no longer go on: 1 refinement" in hint for hint in dashboard.hints)


def test_a_finished_run_leads_on(open_dashboard, write_run):
    write_run()
    links = [link.proto.label for link in open_dashboard("runs").app.get("page_link")]
    assert links == ["Look at suspicious labels", "Choose a coreset", "Benchmark it"]


def test_what_changes_the_labels_of_a_training_is_in_the_form(
    open_dashboard, small_phantom, save_dataset, monkeypatch
):
    started = []
    monkeypatch.setattr(
        "dashboard.reads.start_run", lambda config, **_: started.append(config) or "x"
    )
    dashboard = open_dashboard("runs")
    dashboard.labelled("selectbox", "Spoil labels on purpose").select("symmetric")
    dashboard.labelled("number_input", "Share of labels to spoil").set_value(0.6)
    vog = "Record the variance of gradients (score VOG; slower)"
    dashboard.labelled("checkbox", vog).check()
    dashboard.labelled("button", "Start training").click()
    dashboard.run()
    (config,) = started
    assert (config.label_noise, config.label_noise_rate) == ("symmetric", 0.6)
    assert any("more are wrong than right" in each.value for each in dashboard.app.toast)
    assert config.record_vog


def test_without_label_noise_its_rate_does_not_count(open_dashboard, monkeypatch):
    started = []
    monkeypatch.setattr(
        "dashboard.reads.start_run", lambda config, **_: started.append(config) or "x"
    )
    dashboard = open_dashboard("runs")
    dashboard.labelled("button", "Start training").click()
    assert not dashboard.run().errors
    assert started[0].label_noise_rate == 0


def test_what_killed_programs_left_is_said_below_the_list(open_dashboard, write_run, cache):
    write_run()
    draft = runs_folder(cache) / ".x.part"
    draft.mkdir()
    assert not any("left by programs" in text.value for text in open_dashboard("runs").app.caption)
    os.utime(draft, (0, 0))
    said = [text.value for text in open_dashboard("runs").app.caption]
    assert any(text.startswith("1 folder of a draft or deleted run was left") for text in said)
