"""Runs as jobs of a live Slurm: waiting, refused, cancelled, killed, requeued."""

import subprocess
import sys

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.client import read_job
from coreset_lib.jobs.slurm.options import SlurmOptions

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("live_slurm")]
HELD = SlurmOptions(lines=("--hold",))


@pytest.fixture
def started(make_startable):
    """Return a factory of long runs handed to Slurm, which end with the test."""
    runs = []

    def start(*, options=None):
        run = make_startable(epochs=50_000)
        slurm.submit([run.paths], options or SlurmOptions())
        runs.append(run)
        return run

    yield start
    for run in runs:
        if run.status().state in ("queued", "running"):
            slurm.stop(run)


def signal_job(run, name):
    job = read_job(run.paths)
    subprocess.run(["scancel", f"--signal={name}", "--batch", job.job_id], check=True)


def test_a_job_that_waits_is_a_queued_run_with_the_reason(started):
    run = started(options=HELD)
    assert (run.status().state, run.status().step) == (
        "queued",
        "waiting in Slurm (JobHeldUser)",
    )
    assert slurm.stop(run).state == run.status().state == "stopped"


def test_a_waiting_job_that_somebody_cancels_is_an_interrupted_run(started):
    run = started(options=HELD)
    subprocess.run(["scancel", read_job(run.paths).job_id], check=True)
    slurm.forget_answers()
    status = run.status()
    assert status.state == "interrupted"
    assert status.error.endswith("ended before the training was done (CANCELLED).")


def test_a_refused_job_is_one_sentence_and_a_failed_run(make_startable):
    run = make_startable()
    with pytest.raises(CoresetError, match=r"^Slurm refused \(sbatch\): .*invalid partition"):
        slurm.submit([run.paths], SlurmOptions(partition="nowhere"))
    assert run.status().state == "failed"
    assert "invalid partition" in run.status().error


def test_an_array_holds_a_task_for_each_run(make_startable):
    runs = [make_startable() for _ in range(3)]
    jobs = slurm.submit([run.paths for run in runs], HELD)
    number = jobs[0].partition("_")[0]
    assert jobs == [f"{number}_{task}" for task in range(3)]
    assert slurm.stop(runs[1]).state == "stopped"
    assert [run.status().state for run in runs] == ["queued", "stopped", "queued"]
    for run in (runs[0], runs[2]):
        slurm.stop(run)


def test_notice_of_the_end_sends_the_run_back_to_the_queue_and_it_resumes(started, wait_for):
    run = started()
    wait_for(run, lambda s: s.epoch >= 2)
    signal_job(run, "TERM")
    waiting = wait_for(run, lambda s: s.state == "queued")
    assert waiting.epoch >= 2
    wait_for(run, lambda s: s.state == "running" and s.epoch > waiting.epoch)
    assert f"queued after {waiting.epoch} of 50000 epochs" in run.log_tail(10**6)


def test_notice_without_requeue_interrupts_the_run(started, wait_for):
    run = started(options=SlurmOptions(requeue=False))
    wait_for(run, lambda s: s.epoch >= 2)
    signal_job(run, "TERM")
    status = wait_for(run, lambda s: s.state not in ("queued", "running"))
    assert status.state == "interrupted"
    assert status.epoch >= 2


def test_a_running_job_that_somebody_cancels_does_not_come_back(started, wait_for):
    run = started()
    wait_for(run, lambda s: s.epoch >= 2)
    subprocess.run(["scancel", read_job(run.paths).job_id], check=True)
    status = wait_for(run, lambda s: s.state not in ("queued", "running"))
    assert status.state == "interrupted"
    assert "was cancelled" in status.error or "CANCELLED" in status.error


def test_a_killed_job_is_an_interrupted_run_with_its_epochs(started, wait_for):
    run = started(options=SlurmOptions(requeue=False))
    wait_for(run, lambda s: s.epoch >= 2)
    signal_job(run, "KILL")
    status = wait_for(run, lambda s: s.state not in ("queued", "running"))
    assert status.state == "interrupted"
    assert run.dynamics().n_epochs == status.epoch >= 2


def test_a_job_of_two_processes_trains_one_run(make_startable, wait_for):
    run = make_startable(epochs=2)
    slurm.submit([run.paths], SlurmOptions(processes=2, cpus=2))
    status = wait_for(run, lambda s: s.state not in ("queued", "running"))
    assert (status.state, status.epoch, status.processes) == ("finished", 2, 2), run.log_tail()
    assert run.status().device.startswith("2 × cpu")


def test_tasks_of_srun_train_one_run(make_startable):
    run = make_startable(epochs=2)
    command = ["srun", "--ntasks=2", sys.executable, "-m", "coreset_lib.training"]
    done = subprocess.run(
        [*command, str(run.paths.root)], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (run.status().state, run.status().processes) == ("finished", 2)
