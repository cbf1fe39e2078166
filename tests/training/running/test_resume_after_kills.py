"""A training that is killed again and again ends with the bits of one that never was."""

import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.running.stopping import Stop, stop_on_signals
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
EPOCHS = 5
KILLS = 20
FIRST_PAUSE = 0.1
TIMED = ("seconds", "samples_per_second")


@pytest.fixture(scope="module")
def config(tiny_config):
    return replace(tiny_config, epochs=EPOCHS)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, config, tiny_dataset):
    """The run that nobody interrupts, trained here: so the forked ones find PyTorch loaded."""
    paths = create_run(tmp_path_factory.mktemp("whole"), config, tiny_dataset)
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(paths, dataset=tiny_dataset)
    return Run(paths)


def start(paths, dataset, *, prepare=lambda: None):
    """Fork a process that trains the run, or goes on with it."""

    def body():
        sys.modules["umap"] = None
        torch.set_num_threads(1)
        prepare()
        try:
            train_run(paths, dataset=dataset, stop=stop_on_signals(paths))
        except ValueError:
            os._exit(1)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    return process


def train(paths, dataset, **options):
    process = start(paths, dataset, **options)
    process.join()
    return process


def interrupt(paths, dataset, pause, signum):
    """Train for a moment; whether the signal came before the end."""
    process = start(paths, dataset)
    time.sleep(pause)
    if process.is_alive():
        os.kill(process.pid, signum)
    process.join()
    return Run(paths).status().state != "finished"


def kill_at(number, function_name):
    """Return what makes a process kill itself before its n-th call of a function of ``os``."""

    def prepare():
        calls = iter(range(1, 10**9))
        function = getattr(os, function_name)

        def deadly(*arguments, **named):
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        setattr(os, function_name, deadly)

    return prepare


def assert_same_bits(run, whole_run):
    assert run.status().state == "finished"
    planes = sorted(path.name for path in whole_run.paths.dynamics.iterdir())
    assert sorted(path.name for path in run.paths.dynamics.glob("*.npy")) == planes
    for name in planes:
        ours, theirs = run.paths.dynamics / name, whole_run.paths.dynamics / name
        assert ours.read_bytes() == theirs.read_bytes(), name
    for kind in ("early", "final"):
        ours, theirs = (r.paths.embedding_of(kind).read_bytes() for r in (run, whole_run))
        assert ours == theirs, kind
    assert untimed_metrics(run) == untimed_metrics(whole_run)
    ours, theirs = (torch.load(r.paths.checkpoint, weights_only=True) for r in (run, whole_run))
    assert ours["epoch"] == theirs["epoch"] == EPOCHS
    for name, weights in theirs["network"].items():
        assert torch.equal(ours["network"][name], weights), name
    momenta = zip(*(s["optimizer"]["state"].values() for s in (ours, theirs)), strict=True)
    assert all(torch.equal(a["momentum_buffer"], b["momentum_buffer"]) for a, b in momenta)


def untimed_metrics(run):
    records = [json.loads(line) for line in run.paths.metrics.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in TIMED} for record in records]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_interruptions_at_random_moments_change_no_bit(
    tmp_path, config, tiny_dataset, whole_run, signum
):
    rng, n_interrupted = random.Random(int(signum)), 0
    while n_interrupted < KILLS:
        paths = create_run(tmp_path, config, tiny_dataset)
        longest = FIRST_PAUSE
        while interrupt(paths, tiny_dataset, rng.uniform(0, longest), signum):
            n_interrupted += 1
            longest = min(1.3 * longest, 5.0)  # so that a slow machine gets on too
        assert_same_bits(Run(paths), whole_run)


@pytest.mark.parametrize("function_name", ["fsync", "replace"])
def test_a_run_killed_at_each_write_in_turn_changes_no_bit(
    tmp_path, config, tiny_dataset, whole_run, function_name
):
    paths = create_run(tmp_path, config, tiny_dataset)
    for number in range(1, 1000):
        process = train(paths, tiny_dataset, prepare=kill_at(number, function_name))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert number > 10
    assert_same_bits(Run(paths), whole_run)


def test_a_sigterm_is_a_stop_and_says_so(tmp_path, config, tiny_dataset):
    config = replace(config, epochs=100_000)
    paths = create_run(tmp_path, config, tiny_dataset)
    process = start(paths, tiny_dataset)
    while Run(paths).status().epoch < 2:
        time.sleep(0.01)
    process.terminate()
    process.join()
    status = Run(paths).status()
    assert process.exitcode == 0
    assert status.state == "stopped"
    assert Run(paths).dynamics().n_epochs == status.epoch >= 2


def test_a_file_that_may_not_grow_fails_the_run_and_it_can_be_resumed(
    tmp_path, config, tiny_dataset, whole_run
):
    paths = create_run(tmp_path, config, tiny_dataset)
    stop_after(paths, tiny_dataset, 3)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    assert train(paths, tiny_dataset, prepare=limit).exitcode == 1
    check_failed_by_full_disk(Run(paths), at_least=3)
    assert train(paths, tiny_dataset).exitcode == 0
    assert_same_bits(Run(paths), whole_run)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems may not be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_fails_the_run_with_its_epochs_kept_and_it_can_be_resumed(
    small_disk, config, tiny_dataset, whole_run
):
    paths = create_run(small_disk, config, tiny_dataset)
    stop_after(paths, tiny_dataset, 3)
    filler = small_disk / "filler"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filler.write_bytes(b"x" * (free - 200_000))
    assert train(paths, tiny_dataset).exitcode == 1
    check_failed_by_full_disk(Run(paths), at_least=3)
    filler.unlink()
    assert train(paths, tiny_dataset).exitcode == 0
    assert_same_bits(Run(paths), whole_run)


def stop_after(paths, dataset, n_epochs):
    """Train some epochs in a process of its own and stop there."""
    stop = Stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)

        def count(metrics):
            if metrics.epoch == n_epochs:
                stop.set()

        status = train_run(paths, dataset=dataset, on_epoch=count, stop=stop)
    assert (status.state, status.epoch) == ("stopped", n_epochs)


def check_failed_by_full_disk(run, *, at_least):
    status = run.status()
    assert status.state == "failed"
    assert status.error.startswith("The disk is full. Free some space")
    dynamics = run.dynamics()
    assert dynamics.n_epochs == status.epoch >= at_least
    assert (dynamics.plane("label_probability") > 0).all()
