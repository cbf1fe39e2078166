"""Which runs may be trained, what a resumed one shows, and memory that runs out."""

import json
from dataclasses import replace

import pytest
import torch

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recorder import PlaneFiles
from coreset_lib.runs.create import create_run
from coreset_lib.runs.resume import check_resumable, check_same_dataset, prepare_start
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from coreset_lib.training.loop import Trainer
from coreset_lib.training.running.epoch_writer import EpochWriter
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("without_umap")


def test_a_finished_run_is_not_trained_again(trained_run, tiny_dataset):
    before = trained_run.paths.status.read_bytes()
    with pytest.raises(CoresetError, match="must be unfinished to be trained, got a finished one"):
        train_run(trained_run.paths, dataset=tiny_dataset)
    with pytest.raises(CoresetError, match="must be unfinished to be resumed"):
        check_resumable(trained_run)
    assert trained_run.paths.status.read_bytes() == before


@pytest.mark.parametrize("state", ["stopped", "interrupted", "failed"])
def test_an_ended_run_gets_ready_without_what_it_left_behind(tmp_path, make_run, state):
    run = make_run(tmp_path, recorded=3, state=state)
    write_status(run.paths, replace(run.status(), error="The disk is full."))
    run.paths.stop_request.touch()
    run.paths.slurm_job.write_text('{"job_id": "3"}')
    status = prepare_start(run)
    assert (status.state, status.epoch, status.error) == ("queued", 3, None)
    assert not run.paths.stop_request.exists()
    assert not run.paths.slurm_job.exists()


def test_another_dataset_is_refused_with_both_fingerprints(trained_run, make_dataset):
    other = make_dataset(n_train=63).fingerprint()
    with pytest.raises(CoresetError, match=rf"must be the one .* got {other[:12]}. Restore"):
        check_same_dataset(trained_run, other)
    check_same_dataset(trained_run, make_dataset().fingerprint())


def test_no_epoch_is_shown_while_it_is_written_again(
    tmp_path, tiny_config, tiny_dataset, monkeypatch
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    stop = Stop()
    train_run(
        paths,
        dataset=tiny_dataset,
        stop=stop,
        on_epoch=lambda metrics: stop.set() if metrics.epoch == 2 else None,
    )
    shown = []
    # As if three more epochs had been recorded after the last checkpoint.
    write_status(paths, replace(Run(paths).status(), epoch=5))
    write = PlaneFiles.write_epoch

    def look_and_write(files, epoch, rows):
        shown.append((json.loads(paths.status.read_text())["epoch"], epoch))
        write(files, epoch, rows)

    monkeypatch.setattr(PlaneFiles, "write_epoch", look_and_write)
    train_run(paths, dataset=tiny_dataset)
    assert shown == [(2, 2), (3, 3), (4, 4), (5, 5)]


def test_a_stop_loses_only_the_epoch_under_way(tmp_path, tiny_config, tiny_dataset, monkeypatch):
    monkeypatch.setattr(EpochWriter, "_is_checkpoint_due", lambda _: False)  # as if far too dear
    paths, stop = create_run(tmp_path, tiny_config, tiny_dataset), Stop()
    train_run(
        paths,
        dataset=tiny_dataset,
        stop=stop,
        on_epoch=lambda metrics: stop.set() if metrics.epoch == 4 else None,
    )
    assert torch.load(paths.checkpoint, weights_only=True)["epoch"] == 4


def test_memory_that_runs_out_in_a_step_fails_the_run_with_a_batch_size_to_try(
    tmp_path, tiny_config, tiny_dataset, monkeypatch
):
    step, steps = Trainer._step, iter(range(1000))

    def run_out(trainer, *arguments):
        if next(steps) == 10:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return step(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_step", run_out)
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    with pytest.raises(CoresetError, match="memory of the device ran out at batch size 16"):
        train_run(paths, dataset=tiny_dataset)
    run = Run(paths)
    assert run.status().state == "failed"
    assert "Train with --batch-size 8" in run.status().error
    assert run.dynamics().n_epochs == 2
    assert not paths.disk_reserve.exists()


def test_a_stop_may_say_what_becomes_of_the_run(tmp_path, tiny_config, tiny_dataset):
    stop = Stop()
    stop.state, stop.step = "queued", "going back"
    stop.set()
    status = train_run(
        create_run(tmp_path, tiny_config, tiny_dataset), dataset=tiny_dataset, stop=stop
    )
    assert (status.state, status.step) == ("queued", "going back")


def test_a_run_directory_without_space_for_the_reserve_is_trained_all_the_same(
    tmp_path, tiny_config, tiny_dataset
):
    paths = create_run(tmp_path, replace(tiny_config, epochs=1), tiny_dataset)
    paths.disk_reserve.mkdir()  # stands for any reason why the file cannot be written
    assert train_run(paths, dataset=tiny_dataset).state == "finished"
