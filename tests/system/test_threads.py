"""How many threads compute: physical cores, as far as container, job and affinity allow."""

import os

import psutil
import pytest

from coreset_lib.system import computing
from coreset_lib.system.computing import (
    background_environment,
    computing_environment,
    prepare_computing,
    usable_cores,
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that describes a machine."""

    def describe(*, cores=8, affinity=16, quota="max 100000", slurm=None):
        monkeypatch.setattr(psutil, "cpu_count", lambda **_: cores)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(affinity), raising=False)
        file = tmp_path / "cpu.max"
        file.write_text(quota)
        monkeypatch.setattr(computing, "CPU_QUOTA", file)
        monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
        if slurm is not None:
            monkeypatch.setenv("SLURM_CPUS_PER_TASK", slurm)

    return describe


@pytest.mark.parametrize(
    ("limits", "n_threads"),
    [
        ({}, 8),
        ({"affinity": 2}, 2),
        ({"quota": "350000 100000"}, 4),
        ({"slurm": "3"}, 3),
        ({"slurm": "many", "quota": "nonsense"}, 8),
        ({"cores": None, "affinity": 6}, 6),
    ],
)
def test_threads_are_the_physical_cores_that_may_be_used(machine, limits, n_threads):
    machine(**limits)
    assert usable_cores() == n_threads


def test_what_a_person_has_set_stays(machine, monkeypatch):
    machine(cores=4)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert background_environment()["OMP_NUM_THREADS"] == "7"
    prepare_computing()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")


def test_threads_that_wait_sleep(machine):
    machine(cores=4)
    assert computing_environment() == {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "4"}
