"""Creating, finding, listing and deleting runs."""

import json
import os
import stat
import time
from dataclasses import replace

import pytest

from coreset_lib.cache import default_cache
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError, RunNotFoundError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import RunStore


@pytest.fixture
def three_runs(tmp_path, make_run):
    """Return runs, oldest first, under names whose order is known."""
    runs = []
    for number, name in enumerate(("20260101-a", "20260102-b", "20260102-c")):
        run = make_run(tmp_path, epochs=2, seed=number)
        run.paths.root.rename(run.paths.root.with_name(name))
        runs.append(name)
    return RunStore(tmp_path), runs


def test_runs_are_found_by_name_prefix_and_as_latest(three_runs):
    store, names = three_runs
    assert [run.run_id for run in store.runs()] == names[::-1]
    assert store.find("20260101-a").run_id == "20260101-a"
    assert store.find("20260101").run_id == "20260101-a"
    assert store.find("latest").run_id == "20260102-c"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("20260102", "must be a unique prefix, got 2 runs: 20260102-c, 20260102-b. Add"),
        ("nothing", "was not found. The newest runs are 20260102-c, 20260102-b, 20260101-a"),
        ("", "was not found"),
        ("../runs/20260101-a", "was not found"),
    ],
)
def test_a_name_that_leads_to_no_single_run_is_told(three_runs, name, message):
    with pytest.raises(RunNotFoundError) as caught:
        three_runs[0].find(name)
    assert message in str(caught.value)


def test_the_whole_name_wins_over_a_longer_one_that_begins_alike(three_runs):
    store, _ = three_runs
    folder = store.cache / "runs"
    (folder / "20260102-b").rename(folder / "20260102-c-more")
    assert store.find("20260102-c").run_id == "20260102-c"


def test_an_empty_cache_tells_how_to_start(tmp_path):
    assert RunStore(tmp_path / "nowhere").runs() == []
    with pytest.raises(RunNotFoundError, match="Start one with: coreset-lens train"):
        RunStore(tmp_path).find("latest")


def test_the_later_of_two_runs_of_one_second_is_the_latest(tmp_path, tiny_config, tiny_dataset):
    store = RunStore(tmp_path)
    for _ in range(4):
        paths = create_run(tmp_path, tiny_config, tiny_dataset)
        time.sleep(0.02)
        assert store.find("latest").run_id == paths.root.name


def test_drafts_files_and_deleted_runs_are_not_listed(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2)
    folder = run.paths.root.parent
    (folder / ".20990101-x.part").mkdir()
    (folder / "notes.txt").write_text("mine")
    assert [found.run_id for found in RunStore(tmp_path).runs()] == [run.run_id]


def test_a_created_run_is_queued_complete_and_free_of_a_process(
    tmp_path, tiny_config, tiny_dataset
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    run = RunStore(tmp_path).find(paths.root.name)
    status = run.status()
    assert (status.state, status.epoch, status.epochs, status.pid) == ("queued", 0, 6, None)
    assert run.dynamics().n_epochs == 0
    assert run.metrics() == []
    assert run.embedding() is None
    assert run.log_tail() == ""
    manifest = json.loads(paths.manifest.read_text())
    assert manifest["dataset"]["fingerprint"] == tiny_dataset.fingerprint()
    assert manifest["recording"] == "minibatch"
    assert manifest["seed"] == 0
    assert manifest["config"] == tiny_config.as_dict()
    assert manifest["versions"]["python"]
    assert manifest["planes"][-1] == "probabilities"
    assert list(run.samples()) == ["index", "sample_id", "label", "class_name", "source"]
    assert run.samples()["sample_id"].tolist() == list(tiny_dataset.train.sample_ids)


def test_probabilities_are_left_out_where_they_do_not_fit_their_budget(
    tmp_path, tiny_config, tiny_dataset
):
    config = replace(tiny_config, probability_budget_mb=0)
    run = RunStore(tmp_path).find(create_run(tmp_path, config, tiny_dataset).root.name)
    assert "probabilities" not in run.manifest.planes


def test_a_cache_that_cannot_be_written_is_told_and_nothing_is_left(
    tmp_path, tiny_config, tiny_dataset, monkeypatch
):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(CoresetError, match=r"cache .*file cannot be written: .* --cache"):
        create_run(file, tiny_config, tiny_dataset)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("coreset_lib.runs.create.write_status", full)
    with pytest.raises(CoresetError, match="No space left on device"):
        create_run(tmp_path / "cache", tiny_config, tiny_dataset)
    assert not list((tmp_path / "cache" / "runs").iterdir())


def test_texts_of_a_dataset_come_back_as_they_were(tmp_path, tiny_config, tiny_dataset):
    names = ["NA", 'say "hi", twice', "null", "Niere ü", "a\nb", "a\rb", " 007", "1e5"]
    ids = [*names, *(f"s{i}" for i in range(52))]
    train = replace(tiny_dataset.train, sample_ids=ids)
    dataset = replace(tiny_dataset, train=train, class_names=("NA", "a,b", "3"))
    assert isinstance(dataset, LabeledImages)
    run = RunStore(tmp_path).find(create_run(tmp_path, tiny_config, dataset).root.name)
    assert run.samples()["sample_id"].tolist() == ids
    assert set(run.samples()["class_name"]) == {"NA", "a,b", "3"}


def test_a_finished_and_a_damaged_run_can_be_deleted(tmp_path, make_run):
    store = RunStore(tmp_path)
    store.delete(make_run(tmp_path, epochs=2))
    damaged = make_run(tmp_path, epochs=2)
    damaged.paths.status.write_text("garbage")
    store.delete(damaged)
    assert store.runs() == []
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_run_under_way_is_not_deleted(tmp_path, make_run, state):
    run = make_run(tmp_path, epochs=2)
    write_status(run.paths, claim(replace(run.status(), state=state), os.getpid()))
    with pytest.raises(CoresetError, match=r"is still training. Stop it first"):
        RunStore(tmp_path).delete(run)
    assert run.paths.root.is_dir()


def test_the_cache_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CORESET_LENS_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.setenv("CORESET_LENS_CACHE", "")
    assert str(default_cache()) == "cache"


def test_files_of_a_run_follow_the_umask(tmp_path, tiny_config, tiny_dataset):
    before = os.umask(0o077)
    try:
        paths = create_run(tmp_path, tiny_config, tiny_dataset)
    finally:
        os.umask(before)
    assert stat.S_IMODE(paths.samples.stat().st_mode) == 0o600
