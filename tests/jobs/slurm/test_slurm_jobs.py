"""What is handed to Slurm, what Slurm answers, and how its absence is told."""

import subprocess
import time
from dataclasses import replace

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.slurm import client as slurm_jobs
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm import worker as slurm_worker
from coreset_lib.jobs.slurm.client import JobState, write_job
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.status import write_status


@pytest.fixture
def slurm_says(monkeypatch):
    """Return a function that sets Slurm's answer."""

    def answer(word, reason=""):
        state = None if word is None else JobState(word, reason)
        monkeypatch.setattr(slurm_jobs, "ask_slurm", lambda _: state)

    return answer


@pytest.fixture
def make_job(tmp_path, make_run):
    """Return a factory of runs of Slurm job 12 on another host, with a heartbeat of some age."""

    def make(state, *, silent_for=1000.0):
        run = make_run(tmp_path, epochs=4, recorded=2, state=state)
        write_job(run.paths, "12")
        status = replace(run.status(), state=state, host="node7", pid=5, process_start=1.0)
        write_status(run.paths, status)
        beat = time.time() - silent_for
        text = run.paths.status.read_text()
        heartbeat = next(line for line in text.splitlines() if "heartbeat" in line)
        run.paths.status.write_text(text.replace(heartbeat, f'  "heartbeat": {beat},'))
        return open_run(run.paths)

    return make


@pytest.mark.parametrize(
    ("written", "word", "state", "step"),
    [
        ("queued", "PENDING", "queued", "waiting in Slurm (Resources)"),
        ("running", "PENDING", "queued", "waiting in Slurm (Resources)"),
        ("queued", "RUNNING", "queued", "starting in Slurm"),
        ("running", "RUNNING", "queued", "starting in Slurm"),
        ("running", "TIMEOUT", "interrupted", ""),
        ("queued", "ENDED", "interrupted", ""),
        ("queued", None, "queued", "Slurm job 12, which this machine cannot ask about"),
        ("running", None, "interrupted", ""),
        ("finished", "RUNNING", "finished", ""),
        ("stopped", "RUNNING", "stopped", ""),
    ],
)
def test_a_silent_run_is_what_slurm_says(make_job, slurm_says, written, word, state, step):
    slurm_says(word, "Resources")
    status = make_job(written).status()
    assert (status.state, status.step) == (state, step)
    assert status.epoch == 2


def test_a_run_whose_heart_beats_is_believed(make_job, slurm_says):
    slurm_says("TIMEOUT")
    assert make_job("running", silent_for=1).status().state == "running"


def test_a_run_that_slurm_ended_says_why(make_job, slurm_says):
    slurm_says("OUT_OF_MEMORY")
    error = make_job("running").status().error
    assert error == "Slurm job 12 ended before the training was done (OUT_OF_MEMORY)."


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"squeue": (0, "PENDING|Priority\n", "")}, JobState("PENDING", "Priority")),
        ({"squeue": (1, "", "Invalid job id specified")}, JobState("ENDED")),
        (
            {"squeue": (1, "", "Invalid job id specified"), "sacct": (0, "TIMEOUT\n", "")},
            JobState("TIMEOUT"),
        ),
        ({"squeue": (0, "", ""), "sacct": (0, "COMPLETED\n", "")}, JobState("COMPLETED")),
        ({"squeue": (1, "", "Unable to contact slurm controller")}, None),
        ({}, None),
    ],
)
def test_squeue_is_asked_and_sacct_for_what_it_forgot(answers, state, monkeypatch):
    def run(command, **_):
        if command[0] not in answers:
            raise FileNotFoundError(command[0])
        return subprocess.CompletedProcess(command, *answers[command[0]])

    monkeypatch.setattr(subprocess, "run", run)
    slurm_jobs.forget_answers()
    assert slurm_jobs.ask_slurm("12") == state


def test_the_script_asks_for_what_was_chosen(tmp_path, make_run):
    run = make_run(tmp_path / "a cache", epochs=2)
    options = SlurmOptions(
        partition="gpu", gpus=1, cpus=4, memory="16G", time_limit="2:00:00", lines=("--account=x",)
    )
    script = slurm.sbatch_script([run.paths], options)
    directives = [line for line in script.splitlines() if line.startswith("#SBATCH ")]
    for wanted in (
        *("--partition=gpu", "--gres=gpu:1", "--cpus-per-task=4", "--mem=16G", "--time=2:00:00"),
        *("--requeue", "--signal=B:TERM@60", "--account=x"),
    ):
        assert f"#SBATCH {wanted}" in directives
    assert f"RUNS=('{run.paths.root.resolve()}')" in script
    assert "export CORESET_LENS_PROCESSES=1" in script.splitlines()
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_several_runs_are_an_array(tmp_path, make_run):
    runs = [make_run(tmp_path, epochs=2).paths for _ in range(3)]
    assert "#SBATCH --array=0-2" in slurm.sbatch_script(runs, SlurmOptions())


def test_options_overrule_the_settings_file(tmp_path):
    (tmp_path / "slurm.toml").write_text(
        'partition = "gpu"\ntime_limit = "4:00:00"\nrequeue = false\nlines = ["--account=a"]\n'
    )
    options = slurm_options(tmp_path, partition="big", gpus=None, lines=["--qos=high"])
    assert options == SlurmOptions(
        partition="big", time_limit="4:00:00", requeue=False, lines=("--account=a", "--qos=high")
    )
    assert slurm_options(tmp_path / "nowhere") == SlurmOptions()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("partition = ", "cannot be read"),
        ('partitoin = "gpu"', "must be one of .*Did you mean partition"),
        ('gpus = "many"', "got in gpus: Input should be a valid integer"),
        ('time_limit = "soon"', "time limit must look as sbatch expects it, got 'soon'"),
        ('lines = ["account=x\\nrm"]', "Slurm option must look as sbatch expects it"),
    ],
)
def test_wrong_settings_are_named(tmp_path, settings, message):
    (tmp_path / "slurm.toml").write_text(settings)
    with pytest.raises(CoresetError, match=message):
        slurm_options(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpus": 65}, "gpus must be from 0 to 64, got 65"),
        ({"processes": 0}, "processes must be from 1 to 64, got 0"),
        ({"partition": "a b"}, "partition must look as sbatch expects it, got 'a b'"),
        ({"lines": ("--x\n#SBATCH --y",)}, "Slurm option must look as sbatch expects it"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(CoresetError, match=message):
        SlurmOptions(**options)


def test_without_slurm_a_new_run_fails_with_what_to_do(tmp_path, make_run, monkeypatch):
    run = make_run(tmp_path, epochs=2, recorded=0, state="queued")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CoresetError, match="Slurm must be installed on this host, got no command"):
        slurm.submit([run.paths], SlurmOptions())
    assert run.status().state == "failed"


def test_a_refused_resumption_leaves_the_run_as_it_was(tmp_path, make_run, monkeypatch):
    run = make_run(tmp_path, epochs=2, recorded=1, state="stopped")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CoresetError, match="Slurm must be installed"):
        slurm.submit([run.paths], SlurmOptions())
    assert (run.status().state, run.status().epoch) == ("stopped", 1)


def test_a_stop_that_slurm_cannot_hear_stays_as_a_request(make_job, slurm_says, monkeypatch):
    slurm_says(None)
    run = make_job("queued")
    monkeypatch.setenv("PATH", "/nowhere")
    assert (slurm.stop(run).state, run.status().step) == ("queued", "stopping")
    assert run.paths.stop_request.exists()


@pytest.mark.parametrize(
    ("environment", "job_id"),
    [
        ({"SLURM_JOB_ID": "15"}, "15"),
        (
            {"SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"},
            "12_3",
        ),
        ({}, None),
    ],
)
def test_a_worker_knows_its_job(environment, job_id):
    assert slurm.job_of(environment) == job_id


@pytest.mark.parametrize(
    ("options", "n_processes"),
    [({"gpus": 4}, 4), ({"processes": 2}, 2), ({"gpus": 2, "processes": 4}, 4), ({}, 1)],
)
def test_a_job_trains_with_one_process_for_each_gpu_unless_told_otherwise(
    tmp_path, make_run, options, n_processes
):
    script = slurm.sbatch_script([make_run(tmp_path, epochs=2).paths], SlurmOptions(**options))
    assert f"export CORESET_LENS_PROCESSES={n_processes}" in script.splitlines()
    environment = {"CORESET_LENS_PROCESSES": str(n_processes)}
    assert slurm_worker.processes_of(environment) == n_processes


def test_a_number_of_processes_that_was_changed_to_nonsense_is_named():
    with pytest.raises(CoresetError, match="CORESET_LENS_PROCESSES must be from 1 to 64"):
        slurm_worker.processes_of({"CORESET_LENS_PROCESSES": "many"})


def test_a_worker_outside_a_job_explains_itself(tmp_path):
    assert slurm_worker.main([str(tmp_path)], {}) == 2
