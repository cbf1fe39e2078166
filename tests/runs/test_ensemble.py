import json
import subprocess
import sys

import numpy as np
import pytest

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.runs.ensemble import create_ensemble, majority, repetitions
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score


@pytest.fixture
def members(make_run, tmp_path):
    return [make_run(tmp_path, seed=seed) for seed in (0, 1, 2)]


def test_planes_are_averaged_epoch_by_epoch_before_scoring(members, tmp_path):
    ensemble = Run(create_ensemble(tmp_path, members))
    planes = np.stack([run.dynamics().plane("error_norm") for run in members])
    mean = planes.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(ensemble.dynamics().plane("error_norm"), mean, rtol=1e-6)
    expected = mean[:3].var(axis=0) + mean[3:].var(axis=0)
    eva = compute_score(ensemble.dynamics(), "eva", {"early": "1-3", "late": "4-6"})
    np.testing.assert_allclose(eva.values, expected, atol=1e-6)


def test_the_majority_predicts_and_ties_go_to_the_lower_class():
    predictions = np.array([[0, 2, 1, 255], [1, 2, 0, 1], [1, 0, 2, 0]], dtype=np.uint8)
    assert majority(predictions, 3).tolist() == [1, 2, 0, 0]


def test_an_ensemble_is_a_finished_run_like_any_other_and_names_its_members(members, tmp_path):
    paths = create_ensemble(tmp_path, members)
    found = RunStore(tmp_path).find(paths.root.name)
    assert found.status().state == "finished"
    assert found.manifest.members == tuple(run.run_id for run in members)
    assert found.samples().equals(members[0].samples())


def test_one_run_or_the_same_run_twice_is_no_ensemble(members, tmp_path):
    for runs in (members[:1], [members[0], members[0]]):
        with pytest.raises(CoresetError, match="at least two different runs"):
            create_ensemble(tmp_path, runs)


def test_unfinished_runs_are_refused(members, make_run, tmp_path):
    stopped = make_run(tmp_path, seed=9, state="stopped", recorded=3)
    with pytest.raises(CoresetError, match="must be finished, got stopped"):
        create_ensemble(tmp_path, [*members, stopped])


def test_a_run_from_before_an_option_joins_those_that_left_it_out(members, make_run, tmp_path):
    def rewrite(run, change):
        manifest = json.loads(run.paths.manifest.read_text())
        change(manifest["config"])
        run.paths.manifest.write_text(json.dumps(manifest))
        return Run(run.paths)

    old = rewrite(members[0], lambda config: config.pop("precision"))
    assert "precision" not in old.manifest.config
    create_ensemble(tmp_path, [old, *members[1:]])
    other = rewrite(members[1], lambda config: config.update(precision="bfloat16"))
    with pytest.raises(CoresetError, match=r"same precision, got auto for .* and bfloat16 for"):
        create_ensemble(tmp_path, [old, other])


def test_runs_of_another_length_or_dataset_are_refused(members, make_run, make_dataset, tmp_path):
    longer = make_run(tmp_path, seed=9, epochs=7)
    with pytest.raises(CoresetError, match="same epochs, got 6"):
        create_ensemble(tmp_path, [*members, longer])
    other = make_run(tmp_path, seed=9, dataset=make_dataset(n_train=63))
    with pytest.raises(CoresetError, match="same dataset"):
        create_ensemble(tmp_path, [*members, other])


def test_equal_seeds_are_refused(members, make_run, tmp_path):
    with pytest.raises(CoresetError, match="different seeds"):
        create_ensemble(tmp_path, [*members, make_run(tmp_path, seed=0)])


def test_a_cache_that_cannot_be_written_leaves_nothing_behind(members, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CoresetError, match="cannot be written"):
        create_ensemble(blocked, members)
    assert json.loads(members[0].paths.status.read_text())["state"] == "finished"


def test_repetitions_differ_in_their_seed_only(members, make_run, tmp_path):
    shorter = make_run(tmp_path, seed=7, epochs=5)
    again = make_run(tmp_path, seed=2)
    stopped = make_run(tmp_path, seed=8, state="stopped", recorded=3)
    ensemble = Run(create_ensemble(tmp_path, members))
    damaged = make_run(tmp_path, seed=9)
    damaged.paths.manifest.write_text("{")
    others = [shorter, again, stopped, ensemble, Run(damaged.paths), *members]
    seeds = [run.manifest.seed for run in repetitions(members[1], others)]
    assert seeds == [0, 1, 2]
    assert members[1].run_id in [run.run_id for run in repetitions(members[1], others)]
    assert repetitions(stopped, others) == []
    of_ensemble = repetitions(ensemble, others)
    assert [run.run_id for run in of_ensemble] == [run.run_id for run in members]
    assert [run.run_id for run in repetitions(ensemble, members[:1])] == [members[0].run_id]
    assert repetitions(shorter, others) == [shorter]


def test_the_table_of_stability_has_both_rank_and_how_often(members):
    options = {"early": "1-3", "late": "4-6"}
    table = workflows.stability_table(members, "eva", options)
    scores = [compute_score(run.dynamics(), "eva", options) for run in members]
    mean = np.mean([each.values for each in scores], axis=0)
    assert table["rank"].tolist() == list(range(1, 61))
    assert table["mean_eva"].tolist() == sorted(mean, reverse=True)
    row = table.iloc[0]
    ranks = [each.ranks()[row["index"]] for each in scores]
    assert [row[f"rank_seed_{seed}"] for seed in (0, 1, 2)] == ranks
    assert row["hardest_tenth"] == f"{sum(rank <= 6 for rank in ranks)} of 3 runs"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_disk_that_is_full_is_a_sentence_and_leaves_nothing(tmp_path, make_run):
    for seed in (0, 1):
        make_run(tmp_path, seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert len(list((tmp_path / "runs").iterdir())) == 2


FULL = """
import resource, signal, sys
from pathlib import Path
from coreset_lib.errors import CoresetError
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.store import RunStore
cache = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    create_ensemble(cache, RunStore(cache).runs())
except CoresetError as error:
    print(error)
"""
