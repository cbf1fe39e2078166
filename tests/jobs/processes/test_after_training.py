import time

import pytest

from coreset_lib.cli import _run
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes.after_training import start_after_training


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the step did not end in time"
        time.sleep(0.1)


def test_a_step_runs_on_its_own_and_its_words_go_to_the_log(make_run, tmp_path):
    run = make_run(tmp_path)
    out = str(tmp_path / "s.csv")
    command = ["score", run.run_id, "--score", "el2n", "--cache", str(tmp_path), "--out", out]
    start_after_training(run.paths, command)
    wait_for(lambda: "60 samples by el2n" in run.log_tail())
    assert (tmp_path / "s.csv").exists()


def test_a_step_that_fails_says_why_in_the_log(make_run, tmp_path):
    run = make_run(tmp_path)
    start_after_training(run.paths, ["score", "nobody", "--cache", str(tmp_path), "--out", "s.csv"])
    wait_for(lambda: "'nobody' was not found" in run.log_tail())


def test_a_step_that_cannot_be_started_is_one_sentence(make_run, tmp_path, monkeypatch):
    run = make_run(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    with pytest.raises(CoresetError, match="the step cannot be started"):
        start_after_training(run.paths, ["runs"])


def test_vog_in_the_background_is_refused_at_once_without_kept_weights(make_run, tmp_path, capsys):
    run = make_run(tmp_path)
    assert _run(["vog", run.run_id, "--background", "--cache", str(tmp_path)]) == 2
    assert "--keep-checkpoints" in capsys.readouterr().err
