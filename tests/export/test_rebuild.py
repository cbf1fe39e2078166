"""Computing a CSV again from its provenance, and telling when it is not the same."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coreset_lib.errors import CoresetError, RunNotFoundError
from coreset_lib.export.coresets import export_coreset
from coreset_lib.export.provenance import provenance_path
from coreset_lib.export.rebuild import rebuild
from coreset_lib.export.scores import export_scores
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "cache")


@pytest.fixture
def run(store, make_run):
    return make_run(store.cache, epochs=8)


@pytest.fixture
def csv(tmp_path, run):
    path = tmp_path / "coreset.csv"
    export_coreset(run, SelectionConfig(rate=0.25, balance="proportional")).write(path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"score": "forgetting", "score_options": {"never_learned": "zero"}, "balance": "equal"},
        {"score": "aum", "noise_cut": 0.1},
        {"score": "el2n", "score_options": {"epochs": 3}},
        {"strategy": "random", "seed": 3, "balance": "proportional"},
        {"score_options": {"early": "1-3", "late": "6-8", "aggregation": "l1"}},
    ],
)
def test_a_coreset_is_rebuilt_byte_for_byte(tmp_path, run, store, options):
    path = tmp_path / "deep.name.csv"
    export = export_coreset(run, SelectionConfig(rate=0.3, **options))
    beside = export.write(path)
    assert beside == tmp_path / "deep.name.provenance.json"
    again, is_same = rebuild(path, store)
    assert is_same
    assert again.csv == path.read_bytes()


@pytest.mark.parametrize("strategy", ["top", "random", "ccs"])
def test_a_coreset_with_forced_samples_is_rebuilt_byte_for_byte(tmp_path, run, store, strategy):
    ids = run.samples()["sample_id"].tolist()
    path = tmp_path / "coreset.csv"
    config = SelectionConfig(
        strategy=strategy,
        rate=0.3,
        balance="proportional",
        force_in=ids[:4],
        keep_out=ids[-4:],
    )
    export_coreset(run, config).write(path)
    record = json.loads(provenance_path(path).read_text())
    assert record["selection"]["force_in"] == sorted(ids[:4])
    assert record["selection"]["keep_out"] == sorted(ids[-4:])
    table = pd.read_csv(path)
    assert sorted(table["sample_id"][table["forced_in"]]) == sorted(ids[:4])
    assert not set(table["sample_id"]) & set(ids[-4:])
    again, is_same = rebuild(path, store)
    assert is_same
    assert again.csv == path.read_bytes()


def test_another_list_of_forced_samples_is_not_the_same(tmp_path, run, store):
    ids = run.samples()["sample_id"].tolist()
    path = tmp_path / "coreset.csv"
    export_coreset(run, SelectionConfig(rate=0.3, force_in=ids[:2])).write(path)
    beside = provenance_path(path)
    record = json.loads(beside.read_text())
    record["selection"]["force_in"] = ids[2:4]
    beside.write_text(json.dumps(record))
    assert not rebuild(path, store)[1]


def test_scores_are_rebuilt_byte_for_byte(tmp_path, run, store):
    dynamics = run.dynamics()
    path = tmp_path / "scores.csv"
    score = compute_score(dynamics, "eva", {"early": "1-2", "late": "3-4"})
    export_scores(run, score, dynamics).write(path)
    again, is_same = rebuild(path, store)
    assert is_same
    assert again.csv == path.read_bytes()


def test_a_csv_of_a_growing_run_is_rebuilt_from_the_epochs_it_had(tmp_path, store, make_run):
    run = make_run(store.cache, epochs=8, recorded=8)
    write_status(run.paths, replace(run.status(), epoch=5))
    path = tmp_path / "early.csv"
    export_coreset(run, SelectionConfig(rate=0.1, score="aum")).write(path)
    write_status(run.paths, replace(run.status(), epoch=8))
    assert rebuild(path, store)[1]


def test_an_edited_file_is_not_the_same(csv, store):
    csv.write_bytes(csv.read_bytes().replace(b"kidney", b"Kidney", 1))
    assert not rebuild(csv, store)[1]


def test_a_run_whose_record_changed_is_not_the_same(csv, run, store):
    path = run.paths.plane("error_norm")
    np.save(path, np.load(path)[:, ::-1])
    assert not rebuild(csv, store)[1]


def test_missing_files_are_named(tmp_path, csv, store):
    with pytest.raises(CoresetError, match=r"other.csv was not found. Give the CSV"):
        rebuild(tmp_path / "other.csv", store)
    provenance_path(csv).unlink()
    with pytest.raises(CoresetError, match=r"coreset.provenance.json was not found"):
        rebuild(csv, store)


def test_a_run_that_is_gone_is_named(csv, run, store):
    shutil.rmtree(run.paths.root)
    with pytest.raises(RunNotFoundError, match=run.run_id):
        rebuild(csv, store)


def test_a_run_with_fewer_epochs_than_then_is_refused(csv, run, store):
    write_status(run.paths, replace(run.status(), epoch=5))
    with pytest.raises(CoresetError, match=r"must have 8 recorded epochs, got 5"):
        rebuild(csv, store)


def test_another_dataset_under_the_same_name_is_refused(csv, run, store):
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["dataset"]["fingerprint"] = "0" * 64
    run.paths.manifest.write_text(json.dumps(manifest))
    with pytest.raises(CoresetError, match=r'fingerprint .* got "0{39}\.\.\. It is another run'):
        rebuild(csv, store)


def put(record, place, value):
    """Set a value in nested mappings."""
    *folders, name = place.split(".")
    for folder in folders:
        record = record[folder]
    record[name] = value


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("config.model", "resnet50"),
        ("config.epochs", 200),
        ("config.seed", 7),
        ("config.invented", 1),
        ("seed", 7),
        ("recording", "eval_pass"),
        ("dataset.name", "chestmnist"),
        ("dataset.n_train", 78468),
        ("versions.torch", "1.0"),
        ("git_commit", "0" * 40),
        ("plugins", [{"package": "other"}]),
    ],
)
def test_what_a_provenance_says_of_the_run_must_be_so(csv, store, place, value):
    beside = provenance_path(csv)
    record = json.loads(beside.read_text())
    put(record["run"], place, value)
    beside.write_text(json.dumps(record))
    with pytest.raises(CoresetError, match=f"must have {place} .* the provenance was changed"):
        rebuild(csv, store)


@pytest.mark.parametrize(
    ("place", "value"), [("n_selected", 5), ("report.n_keep", 5), ("report", {})]
)
def test_a_provenance_that_says_else_of_the_file_is_not_the_same(csv, store, place, value):
    beside = provenance_path(csv)
    record = json.loads(beside.read_text())
    put(record, place, value)
    beside.write_text(json.dumps(record))
    assert not rebuild(csv, store)[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: b"garbage",
        lambda record: b"[]",
        lambda record: b"\xff\xfe",
        lambda record: json.dumps(record | {"schema_version": 0}).encode(),
        lambda record: json.dumps(record | {"kind": "poem"}).encode(),
        lambda record: json.dumps(record | {"run": {"run_id": 5}}).encode(),
        lambda record: json.dumps({k: v for k, v in record.items() if k != "selection"}).encode(),
        lambda record: json.dumps(record | {"run": record["run"] | {"dataset": {}}}).encode(),
    ],
)
def test_provenance_that_cannot_be_read_is_told(csv, store, change):
    beside = provenance_path(csv)
    beside.write_bytes(change(json.loads(beside.read_text())))
    with pytest.raises(CoresetError, match=r"provenance .* cannot be read. Restore it"):
        rebuild(csv, store)


def test_a_provenance_of_a_newer_program_is_called_that(csv, store):
    beside = provenance_path(csv)
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"schema_version": 2}))
    with pytest.raises(CoresetError, match="written by a newer program: it has schema version 2"):
        rebuild(csv, store)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("selection.rate", "a lot"),
        ("selection.rate", [0.1]),
        ("selection.seed", {}),
        ("selection.seed", 10**40),
        ("selection.score_options", 5),
        ("selection.strategy", []),
        ("selection.strategy_options", [1]),
    ],
)
def test_odd_choices_in_a_provenance_are_told(csv, store, place, value):
    beside = provenance_path(csv)
    record = json.loads(beside.read_text())
    put(record, place, value)
    beside.write_text(json.dumps(record))
    with pytest.raises(CoresetError):
        rebuild(csv, store)


def test_a_selection_with_fields_of_another_version_is_told(csv, store):
    beside = provenance_path(csv)
    record = json.loads(beside.read_text())
    record["selection"]["colour"] = "red"
    beside.write_text(json.dumps(record))
    with pytest.raises(CoresetError, match=r"unknown fields: .*colour"):
        rebuild(csv, store)


def test_outputs_that_cannot_be_written_are_told(tmp_path, run):
    export = export_coreset(run, SelectionConfig(rate=0.1))
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (folder, Path("/"), Path()):
        with pytest.raises(CoresetError, match=r"must be a file, got"):
            export.write(path)
    with pytest.raises(CoresetError, match=r"cannot be written: No such file or directory"):
        export.write(tmp_path / "nowhere" / "coreset.csv")
    assert not list(folder.iterdir())


def test_the_run_of_a_name_opens_in_another_store_too(tmp_path, csv, run, store):
    moved = tmp_path / "moved" / "runs"
    moved.mkdir(parents=True)
    shutil.move(run.paths.root, moved / run.run_id)
    assert rebuild(csv, RunStore(tmp_path / "moved"))[1]
    assert isinstance(RunStore(tmp_path / "moved").find(run.run_id), Run)
