"""A training killed at any moment leaves a readable run, and readers see complete epochs."""

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
EPOCHS = 4


@pytest.fixture
def paths(one_thread, tmp_path, tiny_config, tiny_dataset):
    return create_run(tmp_path, replace(tiny_config, epochs=EPOCHS), tiny_dataset)


def train_in_child(paths, dataset, *, kill_at=None, pause=0.0):
    """Fork a process that trains; it kills itself at the ``kill_at``-th file it brings to disk."""

    def body():
        sys.modules["umap"] = None
        if kill_at is not None:
            count_down_to_kill(kill_at)
        train_run(paths, dataset=dataset, on_epoch=lambda _: time.sleep(pause))
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    return process


def count_down_to_kill(n_calls):
    """Let the n-th fsync of this process end in SIGKILL, with the file half-way."""
    left = [n_calls]
    fsync = os.fsync

    def deadly(handle):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)

    os.fsync = deadly


def check_readable(run, states):
    """Open everything and check that exactly the complete epochs are there, without gaps."""
    status = run.status()
    assert status.state in states
    dynamics = run.dynamics()
    assert dynamics.n_epochs == len(run.metrics()) <= EPOCHS
    for name in dynamics.planes:
        plane = dynamics.plane(name)
        assert len(plane) == dynamics.n_epochs
        assert np.isfinite(plane.astype(np.float32)).all()
    if dynamics.n_epochs:
        # A row of zeros would be an epoch that was announced before it was written.
        assert (dynamics.plane("label_probability") > 0).all()
        assert (dynamics.plane("probabilities").astype(float).sum(axis=2) > 0.99).all()
    assert len(run.samples()) == len(run.labels()) == 60
    return dynamics.n_epochs


@pytest.fixture(scope="module")
def whole_run(one_thread, tmp_path_factory, tiny_config, tiny_dataset):
    paths = create_run(
        tmp_path_factory.mktemp("whole"), replace(tiny_config, epochs=EPOCHS), tiny_dataset
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(paths, dataset=tiny_dataset)
    return Run(paths)


@pytest.mark.parametrize("n_writes", [1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 16, 20, 24, 29])
def test_a_kill_at_any_write_leaves_a_readable_run_that_resumes_to_the_same_bits(
    paths, tiny_dataset, whole_run, n_writes, monkeypatch
):
    process = train_in_child(paths, tiny_dataset, kill_at=n_writes)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run = Run(paths)
    # Killed before its first status, it still counts as about to start.
    check_readable(run, ("interrupted", "queued"))
    assert run.status().state == "interrupted" or n_writes < 4
    monkeypatch.setitem(sys.modules, "umap", None)
    assert train_run(paths, dataset=tiny_dataset).state == "finished"
    for plane in whole_run.paths.dynamics.glob("*.npy"):
        assert paths.plane(plane.stem).read_bytes() == plane.read_bytes(), plane.name
    assert paths.embedding.read_bytes() == whole_run.paths.embedding.read_bytes()
    assert [m["epoch"] for m in run.metrics()] == [1, 2, 3, 4]


@pytest.mark.usefixtures("one_thread")
def test_kills_at_random_moments_leave_readable_runs(tmp_path, tiny_config, tiny_dataset):
    rng = random.Random(11)
    for _ in range(6):
        paths = create_run(tmp_path, replace(tiny_config, epochs=EPOCHS), tiny_dataset)
        process = train_in_child(paths, tiny_dataset, pause=0.02)
        time.sleep(rng.uniform(0, 0.8))
        process.kill()
        process.join()
        check_readable(Run(paths), ("interrupted", "queued", "finished"))


def test_a_reader_of_a_growing_run_sees_only_complete_epochs(paths, tiny_dataset):
    seen = set()
    ended = threading.Event()
    failures = []

    def read():
        try:
            while not ended.is_set():
                seen.add(check_growing(Run(paths)))
        except Exception as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    process = train_in_child(paths, tiny_dataset, pause=0.1)
    process.join()
    ended.set()
    reader.join()
    assert not failures
    assert process.exitcode == 0
    assert len(seen) >= 3
    assert Run(paths).dynamics().n_epochs == EPOCHS


def check_growing(run):
    """Check the epochs that are complete now; more may follow between two looks."""
    dynamics = run.dynamics()
    for name in ("label_probability", "probabilities"):
        if dynamics.n_epochs:
            assert (dynamics.plane(name).max(axis=-1) > 0).all()
    n_metrics = len(run.metrics())
    assert dynamics.n_epochs <= n_metrics
    assert dynamics.n_epochs <= run.status().epoch
    return dynamics.n_epochs
