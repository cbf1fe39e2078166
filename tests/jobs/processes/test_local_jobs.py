"""Detached training: it outlives whoever started it, and stops when asked."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from coreset_lib.datasets import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes import local
from coreset_lib.runs.create import create_run
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run
from coreset_lib.system.processes import is_alive

PATIENCE_SECONDS = 90


@pytest.fixture
def paths(tmp_path, tiny_config, make_dataset, save_npz, subprocess_environment, monkeypatch):
    """A queued run of a file, long enough to be stopped in the middle."""
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    file = save_npz(tmp_path / "tiny.npz", make_dataset(n_train=400))
    config = replace(tiny_config, dataset=str(file), epochs=3000)
    return create_run(tmp_path / "cache", config, load_dataset(str(file)))


def wait_for(run, is_reached):
    """Return the status once it is as wanted, or as it is when patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_reached(run.status()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return run.status()


def test_a_job_outlives_its_starter_and_stops_with_its_epochs_kept(paths, subprocess_environment):
    code = (
        "import sys; from pathlib import Path; "
        "from coreset_lib.jobs.processes import local;"
        "from coreset_lib.runs.paths import RunPaths;"
        "print(local.start(RunPaths(Path(sys.argv[1]))))"
    )
    starter = subprocess.run(
        [sys.executable, "-c", code, str(paths.root)],
        env=subprocess_environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    pid, run = int(starter.stdout), Run(paths)
    try:
        status = wait_for(run, lambda s: s.epoch >= 3 or s.state == "failed")
        assert status.state == "running", run.log_tail()
        assert status.epoch >= 3
        assert status.pid == pid
        assert status.eta_seconds is not None
        assert os.getsid(pid) == pid  # in a session of its own: no terminal can hang it up
        with pytest.raises(CoresetError):
            local.start(paths)
        stopped = local.stop(run)
    finally:
        if is_alive(pid, run.status().process_start):
            os.kill(pid, signal.SIGKILL)
    assert stopped.state == run.status().state == "stopped"
    assert run.dynamics().n_epochs == len(run.metrics()) == stopped.epoch >= 3
    assert not paths.stop_request.exists()
    assert "epoch 3: train loss" in run.log_tail(10**9)
    assert "Traceback" not in run.log_tail(10**9)
    with pytest.raises(CoresetError, match=r"must be queued or running to be stopped, got stopped"):
        local.stop(run)


@pytest.mark.parametrize("state", ["finished", "failed", "stopped", "interrupted"])
def test_only_a_run_under_way_can_be_stopped(tmp_path, make_run, state):
    run = make_run(tmp_path, epochs=2, state=state)
    with pytest.raises(CoresetError, match=rf"to be stopped, got {state}. Nothing was done"):
        local.stop(run)
    assert not run.paths.stop_request.exists()


def test_a_run_on_another_host_is_left_a_request(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2)
    elsewhere = replace(run.status(), state="running", host="node17", pid=os.getpid())
    write_status(run.paths, elsewhere)
    assert local.stop(run).state == "running"
    assert run.paths.stop_request.exists()


def test_whoever_created_a_run_is_not_signalled_when_it_is_stopped(paths, monkeypatch):
    signalled = []
    monkeypatch.setattr(os, "kill", lambda *a: signalled.append(a))
    monkeypatch.setattr(os, "killpg", lambda *a: signalled.append(a))
    local.stop(Run(paths))
    assert not signalled


def test_a_process_that_does_not_listen_is_killed_and_the_run_called_stopped(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2, recorded=1)
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        write_status(run.paths, claim(replace(run.status(), state="running"), deaf.pid))
        status = local.stop(run, grace=0.3)
    assert (status.state, status.epoch) == ("stopped", 1)
    assert run.status().state == "stopped"


def test_a_process_that_cannot_be_started_fails_the_run_with_the_reason(paths, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(CoresetError, match=r"training process cannot be started: No such file"):
        local.start(paths)
    status = Run(paths).status()
    assert status.state == "failed"
    assert "cannot be started" in status.error
