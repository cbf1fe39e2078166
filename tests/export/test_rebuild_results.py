"""Results of comparisons and refinements, made again from the trainings in the cache."""

import json
import shutil
from pathlib import Path

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import provenance_path
from coreset_lib.export.rebuild import rebuild
from coreset_lib.jobs.evaluations import evaluations_of
from coreset_lib.runs.store import RunStore
from coreset_lib.workflows import export_evaluation

SAMPLES = Path(__file__).parents[1] / "samples"
KINDS = {"evaluation": "b5f02a4a0287", "refinement": "b2e17aa6e37f"}


@pytest.fixture
def today(tmp_path):
    return shutil.copytree(SAMPLES, tmp_path / "today")


@pytest.fixture
def store(today):
    return RunStore(today / "cache")


def one_cell(today, kind):
    """A finished training that the results of this kind name."""
    record = json.loads((today / "exports" / f"{kind}.provenance.json").read_bytes())
    wanted = [each["cell"] for each in record["cells"]]
    files = sorted(today.glob(f"cache/{kind}s/{KINDS[kind]}/cells/*.json"))
    return next(path for path in files if json.loads(path.read_bytes()).get("cell") in wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_an_edited_table_is_not_the_same(today, store, kind):
    csv = today / "exports" / f"{kind}.csv"
    csv.write_bytes(csv.read_bytes() + b"\n")
    assert not rebuild(csv, store)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_training_is_not_the_same(today, store, kind):
    cell = one_cell(today, kind)
    record = json.loads(cell.read_bytes())
    record["test"]["accuracy"] += 0.25
    cell.write_text(json.dumps(record))
    assert not rebuild(today / "exports" / f"{kind}.csv", store)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_training_is_told(today, store, kind):
    one_cell(today, kind).unlink()
    with pytest.raises(CoresetError, match=r"must have its \d+ finished trainings .* Restore it"):
        rebuild(today / "exports" / f"{kind}.csv", store)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_gone_is_told(today, store, kind):
    shutil.rmtree(today / "cache" / f"{kind}s")
    with pytest.raises(CoresetError, match=r"finished trainings in the cache .*, got 0"):
        rebuild(today / "exports" / f"{kind}.csv", store)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change", [{"plan": {"colour": "red"}}, {"cells": None}, {"cells": [{"no": 1}]}]
)
def test_fields_of_another_version_are_told(today, store, kind, change):
    csv = today / "exports" / f"{kind}.csv"
    record = json.loads(provenance_path(csv).read_bytes())
    provenance_path(csv).write_text(json.dumps(record | change))
    with pytest.raises(CoresetError, match="unknown fields"):
        rebuild(csv, store)


def test_results_so_far_are_rebuilt_although_more_is_trained_since(today, store):
    cell = one_cell(today, "evaluation")
    aside = cell.rename(today / "aside.json")
    run_id = json.loads((today / "exports" / "evaluation.provenance.json").read_bytes())["run"]
    (found,) = evaluations_of(store.cache, run_id["run_id"])
    csv = today / "early.csv"
    export_evaluation(found).write(csv)
    aside.rename(cell)
    again, is_same = rebuild(csv, store)
    assert is_same
    assert again.csv == csv.read_bytes()
    assert again.csv != (today / "exports" / "evaluation.csv").read_bytes()
