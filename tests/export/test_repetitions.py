"""Coresets by the mean of a score over runs of other seeds, and how stable each rank is."""

import io
import shutil

import numpy as np
import pandas as pd
import pytest

from coreset_lib import workflows
from coreset_lib.cli import _run
from coreset_lib.errors import CoresetError
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig, select_coreset

OPTIONS = {"early": "1-3", "late": "4-6"}


@pytest.fixture
def members(cache, make_run):
    return [make_run(cache, seed=seed) for seed in (0, 1, 2)]


def mean_score(runs, name="eva", options=OPTIONS):
    return np.mean([compute_score(run.dynamics(), name, options).values for run in runs], axis=0)


def test_the_coreset_takes_the_samples_with_the_largest_mean_score(members):
    config = SelectionConfig(score_options=OPTIONS, rate=0.2, average="scores")
    export = workflows.export_coreset(members[0], config)
    table = pd.read_csv(io.BytesIO(export.csv))
    mean = mean_score(members)
    expected = np.argsort(-mean, kind="stable")[:12]
    np.testing.assert_array_equal(table["index"], expected)
    np.testing.assert_allclose(table["eva"], mean[expected])
    assert export.provenance["repetitions"] == [run.run_id for run in members]
    alone = workflows.export_coreset(members[0], SelectionConfig(score_options=OPTIONS, rate=0.2))
    assert alone.csv != export.csv
    assert "average" not in alone.provenance["selection"]


def test_an_ensemble_has_both_readings_of_several_runs(members, cache):
    ensemble = Run(create_ensemble(cache, members))
    config = SelectionConfig(score_options=OPTIONS, rate=0.2, average="scores")
    by_scores = workflows.export_coreset(ensemble, config)
    by_one = workflows.export_coreset(members[1], config)
    assert by_scores.provenance["repetitions"] == by_one.provenance["repetitions"]
    columns = ["index", "rank", "eva"]
    first, second = (pd.read_csv(io.BytesIO(export.csv))[columns] for export in (by_scores, by_one))
    pd.testing.assert_frame_equal(first, second)
    by_errors = workflows.export_coreset(ensemble, SelectionConfig(score_options=OPTIONS, rate=0.2))
    table = pd.read_csv(io.BytesIO(by_errors.csv))
    averaged = compute_score(ensemble.dynamics(), "eva", OPTIONS).values
    np.testing.assert_allclose(table["eva"], np.sort(averaged)[::-1][:12])


@pytest.mark.parametrize("flags", [["select", "--rate", "0.2", "--average", "scores"], ["score"]])
def test_both_tables_rebuild_to_the_same_bytes_though_more_runs_have_come(
    members, cache, make_run, tmp_path, capsys, flags
):
    out = tmp_path / "out.csv"
    command, *more = flags
    more = more or ["--over-seeds"]
    asked = [command, members[0].run_id, *more, "--early", "1-3", "--late", "4-6"]
    assert _run([*asked, "--out", str(out)]) == 0
    make_run(cache, seed=7)
    capsys.readouterr()
    assert _run(["rebuild", str(out)]) == 0
    assert "same" in capsys.readouterr().out
    shutil.rmtree(members[2].paths.root)
    assert _run(["rebuild", str(out)]) == 2
    assert members[2].run_id in capsys.readouterr().err


def test_the_table_of_scores_says_how_often_each_is_in_the_hardest_tenth(members):
    export = workflows.export_scores(members[1], "eva", options=OPTIONS, over_seeds=True)
    table = pd.read_csv(io.BytesIO(export.csv))
    scores = [compute_score(run.dynamics(), "eva", OPTIONS).values for run in members]
    times = np.zeros(60, dtype=int)
    for values in scores:
        times[np.argsort(-values, kind="stable")[:6]] += 1
    assert table["hardest_tenth"].tolist() == [f"{n} of 3 runs" for n in times]
    np.testing.assert_allclose(table["eva"], scores[1])
    plain = workflows.export_scores(members[1], "eva", options=OPTIONS)
    assert "hardest_tenth" not in pd.read_csv(io.BytesIO(plain.csv))


def test_a_run_without_others_and_a_strategy_without_scores_are_told(
    cache, make_run, tmp_path, capsys
):
    run = make_run(cache)
    asked = ["select", run.run_id, "--rate", "0.2", "--out", str(tmp_path / "a.csv")]
    assert _run([*asked, "--average", "scores"]) == 2
    assert "at least two finished runs of one recipe, got 1" in capsys.readouterr().err
    assert _run([*asked, "--average", "scores", "--strategy", "random"]) == 2
    assert "needs a strategy that goes by a score, got random" in capsys.readouterr().err
    assert _run([*asked, "--average", "ranks"]) == 2
    assert "average must be" in capsys.readouterr().err
    config = SelectionConfig(average="scores", score_options=OPTIONS)
    with pytest.raises(CoresetError, match="needs the scores of several runs"):
        select_coreset(run.dynamics(), config)
