"""The CSV files that people take away: columns, numbers, harmless cells."""

import io
import itertools
import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from coreset_lib.export.coresets import export_coreset
from coreset_lib.export.scores import export_scores
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig
from coreset_lib.spreadsheets import disarm_formulas

COMMON = ["index", "sample_id", "label", "class_name"]


def read(export):
    return pd.read_csv(io.BytesIO(export.csv), keep_default_na=False)


def scores_of(run, name, **options):
    dynamics = run.dynamics()
    return export_scores(run, compute_score(dynamics, name, options), dynamics)


@pytest.mark.parametrize("name", ["eva", "el2n", "forgetting", "aum", "entropy"])
def test_the_score_table_has_the_agreed_columns_and_every_sample(trained_run, name):
    table = read(scores_of(trained_run, name))
    assert list(table) == [*COMMON, name, "rank"]
    assert table["index"].tolist() == list(range(60))
    assert sorted(table["rank"]) == list(range(1, 61))


def test_eva_in_the_csv_equals_the_formula_on_the_recorded_file(trained_run):
    table = read(scores_of(trained_run, "eva", early="1-2", late="4-6"))
    recorded = np.load(trained_run.paths.root / "dynamics" / "error_norm.npy").astype(np.float64)
    expected = np.zeros(60)
    for first, last in ((1, 2), (4, 6)):
        window = recorded[first - 1 : last]
        expected += (window**2).mean(axis=0) - window.mean(axis=0) ** 2
    np.testing.assert_allclose(table["eva"], expected, atol=1e-6)
    hardest = table.sort_values("rank")["eva"].to_numpy()
    assert (np.diff(hardest) <= 0).all()


def test_forgetting_in_the_csv_is_exact(trained_run):
    table = read(scores_of(trained_run, "forgetting", never_learned="zero"))
    prediction = np.load(trained_run.paths.root / "dynamics" / "prediction.npy")
    labels = pd.read_csv(trained_run.paths.samples)["label"].tolist()
    for sample, label in enumerate(labels):
        is_right = [int(prediction[epoch, sample]) == label for epoch in range(6)]
        events = sum(a and not b for a, b in itertools.pairwise(is_right))
        assert table["forgetting"][sample] == events


def test_the_coreset_table_has_the_agreed_columns_sorted_by_rank(trained_run):
    config = SelectionConfig(rate=0.2, score_options={"early": "1-2", "late": "4-6"})
    table = read(export_coreset(trained_run, config))
    reasons = ["eva", "forgetting_events", "cluster", "review_status"]
    assert list(table) == [*COMMON, "source", "rank", *reasons]
    assert table["rank"].tolist() == list(range(1, 13))
    whole = read(scores_of(trained_run, "eva", early="1-2", late="4-6")).set_index("index")
    assert table["eva"].tolist() == whole["eva"][table["index"]].tolist()
    assert table["rank"].tolist() == whole["rank"][table["index"]].tolist()
    events = read(scores_of(trained_run, "forgetting", never_learned="zero"))["forgetting"]
    assert table["forgetting_events"].tolist() == events[table["index"]].tolist()
    assert table["source"].tolist() == [f"tiny.npz:train[{i}]" for i in table["index"]]


def test_the_recommended_coreset_says_how_many_of_a_class_were_left_out(trained_run):
    export = export_coreset(trained_run, SelectionConfig(strategy="recommended", rate=0.2))
    table, parts = read(export), export.provenance["report"]["suspects"]
    for name, part in zip(("kidney", "'=liver", "spleen"), parts, strict=True):
        assert part["of"] == (trained_run.labels() == parts.index(part)).sum()
        assert part["left_out"] <= part["of"] / 4
        counts = table.loc[table["class_name"] == name, "left_out_of_class"]
        assert set(counts) == {part["left_out"]}
    first = {"strategy_options": {"version": "1"}}
    config = SelectionConfig(strategy="recommended", rate=0.2, **first)
    assert "left_out_of_class" not in read(export_coreset(trained_run, config))


def test_a_random_coreset_has_no_score_and_ranks_by_the_draw(trained_run):
    export = export_coreset(trained_run, SelectionConfig(strategy="random", rate=0.1))
    table = read(export)
    assert "eva" not in table
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert export.provenance["selection"]["score"] is None


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(trained_run):
    table = read(scores_of(trained_run, "el2n"))
    assert set(table["class_name"]) == {"kidney", "'=liver", "spleen"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_every_start_of_a_formula_gets_an_apostrophe(start):
    cell = start + "cmd|' /C calc'!A0"
    table = disarm_formulas(pd.DataFrame({"sample_id": [cell, "a=b", ""], "label": [-1, 0, 1]}))
    assert table["sample_id"].tolist() == ["'" + cell, "a=b", ""]
    assert table["label"].tolist() == [-1, 0, 1]


def test_provenance_tells_the_choices_and_no_local_path(
    tmp_path, make_run, make_dataset, tiny_config
):
    from coreset_lib.runs.create import create_run
    from coreset_lib.runs.store import Run
    from coreset_lib.training.running.worker import train_run

    secret = tmp_path / "patients" / "tiny.npz"
    config = replace(tiny_config, dataset=str(secret), data_root=str(secret.parent), epochs=4)
    paths = create_run(tmp_path, config, make_dataset())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(paths, dataset=make_dataset())
    export = export_coreset(Run(paths), SelectionConfig(rate=0.1, seed=4))
    text = export.provenance_bytes().decode()
    assert str(tmp_path) not in text
    assert "patients" not in text
    record = json.loads(text)
    assert record["schema_version"] == 1
    assert record["selection"]["seed"] == 4
    assert record["selection"]["score_options"] == {
        "early": "1-2",
        "late": "3-4",
        "aggregation": "sum",
    }
    assert record["n_selected"] == 6
    assert record["run"]["dataset"]["fingerprint"] == make_dataset().fingerprint()
    assert record["run"]["epochs"] == 4
    assert record["run"]["recording"] == "minibatch"
    assert record["versions"]["numpy"] == np.__version__
