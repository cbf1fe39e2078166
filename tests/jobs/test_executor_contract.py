"""What every executor must do, checked against each."""

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.executor import EXECUTORS, executor_named, executor_of

ACTIVE = ("queued", "running")


@pytest.fixture(params=["local", pytest.param("slurm", marks=pytest.mark.slurm)])
def name(request):
    if request.param == "slurm":
        request.getfixturevalue("live_slurm")
    return request.param


@pytest.fixture
def executor(name):
    return executor_named(name)


@pytest.fixture
def long_run(make_startable, executor):
    run = make_startable(epochs=50_000)
    yield run
    if run.status().state in ACTIVE:
        executor.stop(run)


def test_every_executor_is_tested_here():
    assert set(EXECUTORS) == {"local", "slurm"}


def test_an_unknown_executor_is_refused_with_the_choices():
    with pytest.raises(CoresetError, match=r"executor must be one of local, slurm, got 'slrm'"):
        executor_named("slrm")


class TestExecutor:
    def test_a_run_is_trained_to_its_end(self, executor, make_startable, wait_for):
        run = make_startable(epochs=2)
        executor.start(run.paths)
        assert executor.state(run).state in (*ACTIVE, "finished")
        status = wait_for(run, lambda s: s.state not in ACTIVE)
        assert (status.state, status.epoch) == ("finished", 2), run.log_tail()
        with pytest.raises(CoresetError, match="must be unfinished to be resumed"):
            executor.start(run.paths)
        with pytest.raises(CoresetError, match="must be queued or running to be stopped"):
            executor.stop(run)
        assert run.status().state == "finished"

    def test_a_run_is_stopped_with_its_epochs_and_resumed(self, name, executor, long_run, wait_for):
        executor.start(long_run.paths)
        assert type(executor_of(long_run)) is EXECUTORS[name]
        with pytest.raises(CoresetError, match="must have ended to be resumed"):
            executor.start(long_run.paths)
        wait_for(long_run, lambda s: s.epoch >= 2)
        stopped = executor.stop(long_run)
        assert stopped.state == executor.state(long_run).state == "stopped"
        assert long_run.dynamics().n_epochs == stopped.epoch >= 2
        executor.start(long_run.paths)
        resumed = wait_for(long_run, lambda s: s.state == "running" and s.epoch > stopped.epoch)
        assert resumed.step == "training"
