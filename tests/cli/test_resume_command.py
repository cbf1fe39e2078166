"""``train --resume``, ``--seeds`` and ``--executor``, ``queue`` and ``sbatch``, as typed."""

import os
from dataclasses import replace

import pytest

from coreset_lib import cli
from coreset_lib.cli.training import parse_seeds
from coreset_lib.datasets import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.device_queue.queue import DeviceQueue
from coreset_lib.runs.create import create_run
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run, RunStore


@pytest.fixture
def lens(tmp_path, monkeypatch, capsys):
    """Run a command in this process; returns exit status, stdout and stderr."""
    monkeypatch.setenv("CORESET_LENS_CACHE", str(tmp_path))

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["coreset-lens", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def file(tmp_path, make_dataset, save_npz):
    return save_npz(tmp_path / "tiny.npz", make_dataset())


@pytest.fixture
def ended(tmp_path, tiny_config, file):
    """A run that was stopped before its first epoch."""
    config = replace(tiny_config, dataset=str(file), epochs=2)
    run = Run(create_run(tmp_path, config, load_dataset(str(file))))
    write_status(run.paths, replace(run.status(), state="stopped"))
    return run


@pytest.mark.usefixtures("without_umap")
def test_a_stopped_run_is_resumed_to_its_end(lens, ended):
    code, out, _ = lens("train", "--resume", "latest")
    assert (code, out.splitlines()[-1]) == (0, f"run: {ended.run_id}")
    assert (ended.status().state, ended.status().epoch) == ("finished", 2)
    code, out, err = lens("train", "--resume", "latest")
    assert (code, out) == (2, "")
    assert err == (
        f"coreset-lens: run {ended.run_id} must be unfinished to be resumed, got a finished one. "
        "Start a new run for more epochs.\n"
    )


def test_a_resumed_run_keeps_its_options(lens, ended):
    code, _, err = lens("train", "--resume", "latest", "--epochs", "9", "--batch-size", "8")
    assert code == 2
    assert "a resumed run must keep its options, got --epochs, --batch-size. Leave" in err
    assert ended.status().state == "stopped"


def test_a_changed_dataset_is_refused_and_the_run_left_alone(
    lens, ended, file, make_dataset, save_npz
):
    save_npz(file, make_dataset(n_train=63))
    code, _, err = lens("train", "--resume", "latest")
    assert code == 2
    assert "must be the one the run was started with (fingerprint" in err
    assert len(err.splitlines()) == 1
    assert ended.status().state == "stopped"


def test_a_run_under_way_is_not_resumed(lens, ended):
    write_status(ended.paths, claim(replace(ended.status(), state="running"), os.getpid()))
    code, _, err = lens("train", "--resume", "latest", "--background")
    assert code == 2
    assert f"must have ended to be resumed, got running by process {os.getpid()} on" in err


def test_training_needs_a_dataset_or_a_run(lens):
    code, _, err = lens("train")
    assert code == 2
    assert "Give --dataset, or --resume RUN" in err


@pytest.mark.usefixtures("without_umap")
def test_a_run_per_seed_is_trained(lens, tmp_path, file):
    options = ("--model", "small_cnn", "--epochs", "1", "--device", "cpu", "--seeds", "3,5-6")
    code, out, _ = lens("train", "--dataset", file, *options)
    assert code == 0
    runs = RunStore(tmp_path).runs()
    assert sorted(run.manifest.seed for run in runs) == [3, 5, 6]
    assert {run.status().state for run in runs} == {"finished"}
    assert sorted(out.split()[1::2]) == sorted(run.run_id for run in runs)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-4", [0, 1, 2, 3, 4]), ("7", [7]), ("1, 5,7-8,5", [1, 5, 7, 8])]
)
def test_seeds_are_a_span_or_a_list(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "4-0", "a", "1,,2", "0-99999"])
def test_other_seeds_are_refused(text):
    with pytest.raises(CoresetError, match="seeds must be first-last or a list with commas"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--executor", "slrm"), "executor must be one of local, slurm, got 'slrm'"),
        (("--gpus", "50"), "GPUs must be at most the"),
        (("--executor", "slurm", "--gpus", "80"), "gpus must be from 0 to 64, got 80"),
        (("--executor", "slurm", "--device", "cuda"), "device cuda needs a GPU, got a job without"),
        (("--seed", "1", "--seeds", "0-2"), "--seed or --seeds, got both"),
        (("--device", "cuda:9"), "device must be present, got cuda:9"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_made(
    lens, tmp_path, file, arguments, message
):
    code, _, err = lens("train", "--dataset", file, *arguments)
    assert (code, len(err.splitlines())) == (2, 1)
    assert message in err
    assert RunStore(tmp_path).runs() == []


def test_slurm_that_is_not_installed_is_one_sentence(lens, file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = lens("train", "--dataset", file, "--epochs", "1", "--executor", "slurm")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "Slurm must be installed on this host, got no command sbatch" in err


def test_the_script_is_printed_or_written(lens, ended, tmp_path):
    code, script, _ = lens("sbatch", "latest", "--gpus", "1", "--time-limit", "2:00:00")
    assert code == 0
    assert script.startswith("#!/bin/bash\n")
    assert "#SBATCH --gres=gpu:1\n" in script
    assert lens("sbatch", "latest", "--out", tmp_path / "job.sh")[0] == 0
    assert str(ended.paths.root.resolve()) in (tmp_path / "job.sh").read_text()


def test_the_queue_is_listed_and_changed(lens, tmp_path, make_run):
    assert lens("queue")[:2] == (0, "no run is waiting\n")
    runs = [make_run(tmp_path, epochs=2, recorded=0, state="queued") for _ in range(2)]
    with DeviceQueue(tmp_path, "cpu").change() as order:
        for run in runs:
            write_status(run.paths, claim(run.status(), os.getpid()))
            order.append(run.run_id)
    _, out, _ = lens("queue", runs[1].run_id, "--to", "1")
    assert [line.split()[-1] for line in out.splitlines()] == [runs[1].run_id, runs[0].run_id]
    assert lens("queue")[1] == out
    assert lens("queue", "--to", "1")[0] == 2
    assert "from 1 to 2, got 3" in lens("queue", runs[0].run_id, "--to", "3")[2]
