"""A selection made by hand as a CSV that can be rebuilt."""

import json

import numpy as np
import pandas as pd
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.export.coresets import export_selection
from coreset_lib.export.provenance import provenance_path
from coreset_lib.export.rebuild import rebuild
from coreset_lib.runs.store import RunStore
from coreset_lib.scores import compute_score


@pytest.fixture
def run(make_run, tmp_path):
    return make_run(tmp_path / "cache")


@pytest.fixture
def exported(run, tmp_path):
    score = compute_score(run.dynamics(), "el2n")
    export = export_selection(run, np.array([7, 3, 11]), score)
    csv = tmp_path / "selection.csv"
    export.write(csv)
    return csv


def test_it_holds_exactly_the_selected_samples_in_the_columns_of_a_coreset(run, exported):
    table = pd.read_csv(exported)
    assert sorted(table["index"]) == [3, 7, 11]
    assert list(table.columns[:6]) == [
        "index",
        "sample_id",
        "label",
        "class_name",
        "source",
        "rank",
    ]
    assert {"el2n", "forgetting_events", "cluster", "review_status"} <= set(table.columns)
    assert table["rank"].is_monotonic_increasing


def test_the_provenance_names_every_sample(exported):
    record = json.loads(provenance_path(exported).read_text())
    assert record["kind"] == "selection"
    assert record["samples"]["indices"] == [7, 3, 11]
    assert record["samples"]["score"] == "el2n"
    assert record["n_selected"] == 3


def test_it_can_be_rebuilt_and_a_change_is_seen(run, exported, tmp_path):
    store = RunStore(tmp_path / "cache")
    assert rebuild(exported, store)[1]
    exported.write_text(exported.read_text().replace("7", "8", 1))
    assert not rebuild(exported, store)[1]


def test_without_a_score_the_rank_is_the_order_of_selection(run):
    lines = export_selection(run, np.array([9, 2])).csv.decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["9", "2"]


@pytest.mark.parametrize("indices", [[], [60], [-1], [1, 1]])
def test_what_is_no_selection_of_the_run_is_refused(run, indices):
    with pytest.raises(CoresetError, match="selection must be of at least one of the 60 samples"):
        export_selection(run, np.array(indices, dtype=np.int64))


@pytest.mark.parametrize("indices", [["a"], None, [1.5], [[1]], {"a": 1}, [10**30]])
def test_a_damaged_record_gives_one_sentence(run, exported, tmp_path, indices):
    beside = provenance_path(exported)
    record = json.loads(beside.read_text())
    record["samples"]["indices"] = indices
    beside.write_text(json.dumps(record))
    with pytest.raises(CoresetError, match="selection must be"):
        rebuild(exported, RunStore(tmp_path / "cache"))
