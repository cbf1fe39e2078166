import pandas as pd

from coreset_lib.cli import _run
from coreset_lib.runs.store import RunStore


def test_runs_are_averaged_by_the_command(make_run, tmp_path, capsys):
    members = [make_run(tmp_path, seed=seed).run_id for seed in (0, 1)]
    assert _run(["ensemble", *members, "--cache", str(tmp_path)]) == 0
    name = capsys.readouterr().out.removeprefix("run: ").strip()
    assert set(RunStore(tmp_path).find(name).manifest.members) == set(members)


def test_train_runs_trains_the_seeds_and_ends_with_their_average(
    save_npz, tiny_dataset, tmp_path, capsys, without_umap
):
    data = save_npz(tmp_path / "tiny.npz", tiny_dataset)
    arguments = ["--dataset", str(data), "--model", "small_cnn", "--epochs", "2"]
    assert _run(["train", *arguments, "--runs", "2", "--seed", "3", "--cache", str(tmp_path)]) == 0
    names = [line.removeprefix("run: ") for line in capsys.readouterr().out.splitlines()]
    store = RunStore(tmp_path)
    assert [store.find(name).manifest.seed for name in names[:2]] == [3, 4]
    assert store.find(names[-1]).manifest.members == tuple(names[:2])


def test_runs_and_seeds_together_are_refused(tmp_path, capsys):
    arguments = ["train", "--dataset", "phantom", "--runs", "2", "--seeds", "0-1"]
    assert _run([*arguments, "--cache", str(tmp_path)]) == 2
    assert "--runs or --seeds, got both" in capsys.readouterr().err


def test_a_score_is_compared_over_the_runs_of_other_seeds(make_run, tmp_path, capsys):
    members = [make_run(tmp_path, seed=seed).run_id for seed in (0, 1, 2)]
    out = tmp_path / "stability.csv"
    asked = ["stability", members[0], "--out", str(out), "--cache", str(tmp_path)]
    assert _run([*asked, "--early", "1-3", "--late", "4-6"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{out}: 60 samples by eva in 3 runs (0, 1, 2)"
    assert "two runs share" in said[1]
    table = pd.read_csv(out)
    assert table["hardest_tenth"].str.fullmatch("[0-3] of 3 runs").all()
    assert (table["hardest_tenth"] == "3 of 3 runs").sum() == int(
        said[1].split("; ")[1].split(" of ")[0]
    )


def test_one_run_alone_has_no_stability(make_run, tmp_path, capsys):
    run = make_run(tmp_path)
    asked = ["stability", run.run_id, "--out", str(tmp_path / "s.csv"), "--cache", str(tmp_path)]
    assert _run(asked) == 2
    assert "at least two runs, got 1" in capsys.readouterr().err
