"""Runs to be started elsewhere, and a live Slurm where there is one."""

import os
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from coreset_lib.datasets import load_dataset
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import read_cells
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig
from coreset_lib.training.running.worker import train_run

PATIENCE_SECONDS = 150


@pytest.fixture
def make_startable(
    tmp_path, tiny_config, make_dataset, save_npz, subprocess_environment, monkeypatch
):
    """Return a factory of new runs that another process can train."""
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    file = save_npz(tmp_path / "tiny.npz", make_dataset(n_train=120))

    def make(*, epochs=3):
        config = replace(tiny_config, dataset=str(file), epochs=epochs)
        paths = create_run(tmp_path / "cache", config, load_dataset(str(file)))
        return open_run(paths)

    return make


@pytest.fixture
def wait_for():
    """Return a function that waits until a run's status is as wanted."""

    def wait(run, is_reached):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_reached(run.status()):
            assert time.monotonic() < deadline, (run.status(), run.log_tail(20))
            time.sleep(0.2)
        return run.status()

    return wait


@pytest.fixture
def live_slurm():
    """Need a Slurm that answers; on the build machine its absence is a failure."""
    is_up = shutil.which("sbatch") is not None and (
        subprocess.run(["sinfo"], capture_output=True, check=False).returncode == 0
    )
    if not is_up:
        message = 'no Slurm answers; start one with: eval "$(.ci/slurm-up)"'
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)


@pytest.fixture
def data_file(tmp_path, make_dataset, save_npz):
    """A small dataset in a file."""
    return save_npz(tmp_path / "tiny.npz", make_dataset())


@pytest.fixture
def comparison_run(tmp_path, tiny_config, data_file):
    """A run in a cache of its own, trained for three epochs on that file."""
    config = replace(tiny_config, dataset=str(data_file), epochs=3)
    paths = create_run(tmp_path / "cache", config, load_dataset(str(data_file)))
    train_run(paths)
    return Run(paths)


@pytest.fixture
def make_plan():
    """Return a factory of plans of a comparison: random coresets, three seeds, two epochs."""

    def make(run, **changes):
        arm = Arm(name="random", variants=(SelectionConfig(strategy="random", score=None),))
        fields = {"arms": (arm,), "rates": (0.4,), "n_seeds": 3, "epochs": 2} | changes
        return EvaluationPlan(run_id=run.run_id, model="small_cnn", batch_size=16, **fields)

    return make


@pytest.fixture
def figures():
    """Return what reads all that is in the cells, but for the time that they took."""

    def read(paths, plan):
        cells = read_cells(paths, plan).items()
        return {
            cell.key: {name: value for name, value in record.items() if name != "seconds"}
            for cell, record in cells
        }

    return read
