"""Training a run directory: finished, stopped, resumed, failed, each told in the status."""

import errno
import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError, DamagedRunError, DatasetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import Run
from coreset_lib.training.running.failures import explain
from coreset_lib.training.running.worker import logging_to, train_run

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")


def plane_bytes(paths):
    return {path.name: path.read_bytes() for path in sorted(paths.dynamics.glob("*.npy"))}


def timeless_metrics(paths):
    timed = ("seconds", "samples_per_second")
    return [{k: v for k, v in m.items() if k not in timed} for m in Run(paths).metrics()]


def weights(paths):
    return torch.load(paths.checkpoint, weights_only=True)["network"]


def stop_after(epoch):
    """Return an event, and a listener that sets it after an epoch."""
    stop = threading.Event()

    def on_epoch(metrics):
        if metrics.epoch == epoch:
            stop.set()

    return stop, on_epoch


def test_a_finished_run_has_every_part(trained_run):
    status = trained_run.status()
    assert (status.state, status.epoch, status.epochs) == ("finished", 6, 6)
    assert status.error is None
    assert [m["epoch"] for m in trained_run.metrics()] == [1, 2, 3, 4, 5, 6]
    dynamics = trained_run.dynamics()
    assert dynamics.n_epochs == 6
    for name in dynamics.planes:
        assert dynamics.plane(name).shape[:2] == (6, 60)
        assert not np.isnan(dynamics.plane(name).astype(np.float32)).any()
    final = trained_run.features("surrogate")
    assert final.shape == (60, 128)
    assert final.dtype == np.float32
    assert "cpu" in status.device
    assert json.loads(trained_run.paths.manifest.read_text())["device"] == status.device


def test_the_default_embedding_is_an_early_one_and_says_which_and_why(trained_run):
    record = trained_run.embedding_record()
    assert trained_run.snapshots() == [2, 3, 4, 6]
    assert record["kind"] == "early"
    assert record["epoch"] in trained_run.snapshots()
    assert set(record["surprise_nats"]) == {"2", "3", "4", "6"}
    assert record["why"]
    early = trained_run.snapshot(record["epoch"])
    for found in (trained_run.embedding(), trained_run.features("early")):
        np.testing.assert_array_equal(found, early)
    assert trained_run.features("pixels").shape == (60, 50)


def test_without_umap_the_run_says_that_there_is_no_map(trained_run):
    assert trained_run.umap() is None
    assert trained_run.status().notes == (
        "No map: umap-learn is not installed here. The run is complete without it.",
    )


def test_the_same_seed_gives_identical_planes_and_another_does_not(
    tmp_path, trained_run, tiny_config, tiny_dataset
):
    again = create_run(tmp_path, tiny_config, tiny_dataset)
    train_run(again, dataset=tiny_dataset)
    assert plane_bytes(again) == plane_bytes(trained_run.paths)
    assert timeless_metrics(again) == timeless_metrics(trained_run.paths)
    assert again.embedding.read_bytes() == trained_run.paths.embedding.read_bytes()
    other = create_run(tmp_path, replace(tiny_config, seed=1), tiny_dataset)
    train_run(other, dataset=tiny_dataset)
    ours, theirs = plane_bytes(other), plane_bytes(trained_run.paths)
    assert all(ours[name] != theirs[name] for name in ours)


def test_a_stopped_run_keeps_its_epochs_and_resumes_to_the_same_bits(
    tmp_path, trained_run, tiny_config, tiny_dataset
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    stop, on_epoch = stop_after(2)
    assert train_run(paths, dataset=tiny_dataset, on_epoch=on_epoch, stop=stop).state == "stopped"
    stopped = Run(paths)
    assert stopped.status().state == "stopped"
    assert stopped.dynamics().n_epochs == stopped.status().epoch == len(stopped.metrics()) == 2
    assert stopped.embedding() is None
    assert train_run(paths, dataset=tiny_dataset).state == "finished"
    assert plane_bytes(paths) == plane_bytes(trained_run.paths)
    assert timeless_metrics(paths) == timeless_metrics(trained_run.paths)
    for name, tensor in weights(paths).items():
        assert torch.equal(tensor, weights(trained_run.paths)[name]), name
    assert paths.embedding.read_bytes() == trained_run.paths.embedding.read_bytes()


def test_resuming_from_an_older_checkpoint_repeats_epochs_to_the_same_bits(
    tmp_path, trained_run, tiny_config, tiny_dataset
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    kept = []

    def keep_first_checkpoint(metrics):
        if metrics.epoch == 3:
            kept.append(paths.checkpoint.read_bytes())

    stop, on_epoch = stop_after(4)
    train_run(
        paths,
        dataset=tiny_dataset,
        on_epoch=lambda m: (keep_first_checkpoint(m), on_epoch(m)),
        stop=stop,
    )
    paths.checkpoint.write_bytes(kept[0])
    assert Run(paths).status().epoch == 4
    train_run(paths, dataset=tiny_dataset)
    assert plane_bytes(paths) == plane_bytes(trained_run.paths)
    assert timeless_metrics(paths) == timeless_metrics(trained_run.paths)


def test_a_stop_request_in_the_directory_is_taken_away_when_it_was_heard(
    tmp_path, tiny_config, tiny_dataset
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    paths.stop_request.touch()
    stop = threading.Event()
    stop.set()
    status = train_run(paths, dataset=tiny_dataset, stop=stop)
    assert (status.state, status.epoch) == ("stopped", 0)
    assert not paths.stop_request.exists()


def test_a_changed_dataset_fails_the_run_with_the_reason(
    tmp_path, tiny_config, make_dataset, save_npz
):
    file = save_npz(tmp_path / "tiny.npz", make_dataset())
    config = replace(tiny_config, dataset=str(file))
    paths = create_run(tmp_path, config, make_dataset(n_train=40))
    with pytest.raises(DatasetError, match="must be the one the run was started with"):
        train_run(paths)
    status = Run(paths).status()
    assert status.state == "failed"
    assert "Restore the file or start a new run" in status.error


def test_a_dataset_that_is_gone_fails_the_run_with_the_reason(tmp_path, tiny_config, tiny_dataset):
    config = replace(tiny_config, dataset=str(tmp_path / "gone.npz"))
    paths = create_run(tmp_path, config, tiny_dataset)
    with pytest.raises(DatasetError, match=r"gone\.npz"):
        train_run(paths)
    status = Run(paths).status()
    assert status.state == "failed"
    assert "gone.npz" in status.error


def test_a_run_trains_from_the_file_that_it_names(tmp_path, tiny_config, make_dataset, save_npz):
    from coreset_lib.datasets import load_dataset

    file = save_npz(tmp_path / "tiny.npz", make_dataset())
    config = replace(tiny_config, dataset=str(file), epochs=1)
    paths = create_run(tmp_path, config, load_dataset(str(file)))
    assert train_run(paths).state == "finished"


def test_a_diverging_run_fails_and_names_the_learning_rate(tmp_path, tiny_config, tiny_dataset):
    config = replace(tiny_config, learning_rate=0.5, momentum=0.99, weight_decay=10)
    paths = create_run(tmp_path, replace(config, epochs=60), tiny_dataset)
    with pytest.raises(CoresetError, match=r"diverged in epoch \d+: .* learning rate below 0.5"):
        train_run(paths, dataset=tiny_dataset)
    run = Run(paths)
    assert run.status().state == "failed"
    dynamics = run.dynamics()
    assert len(run.metrics()) == dynamics.n_epochs
    assert all(np.isfinite(m["train_loss"]) for m in run.metrics())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (RuntimeError("bad luck"), r"ended unexpectedly \(RuntimeError: bad luck\). See the log"),
    ],
)
def test_what_goes_wrong_while_writing_is_told_in_the_status(
    tmp_path, tiny_config, tiny_dataset, monkeypatch, error, message
):
    from coreset_lib.recording.recorder import PlaneFiles

    write = PlaneFiles.write_epoch

    def fail_in_third_epoch(files, epoch, rows):
        if epoch == 2:
            raise error
        write(files, epoch, rows)

    monkeypatch.setattr(PlaneFiles, "write_epoch", fail_in_third_epoch)
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    with pytest.raises(CoresetError, match=message):
        train_run(paths, dataset=tiny_dataset)
    run = Run(paths)
    assert run.status().state == "failed"
    assert run.dynamics().n_epochs == len(run.metrics()) == 2


def test_explain_tells_how_to_get_by_with_less_memory():
    config = TrainingConfig(dataset="phantom", batch_size=256)
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        assert "batch size 256. Train with --batch-size 128" in explain(error, config)
    assert explain(CoresetError("Do this."), config) == "Do this."
    assert "disk is full" in explain(OSError(errno.ENOSPC, "x"), config)
    assert "See the log" in explain(OSError(errno.EIO, "x"), config)


@pytest.mark.parametrize("content", [b"garbage", b"", b"PK\x03\x04 half a zip", None])
def test_a_damaged_checkpoint_is_told_and_no_reason_to_crash(
    tmp_path, tiny_config, tiny_dataset, content
):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    if content is None:
        torch.save(
            {"schema_version": 1, "epoch": 1, "network": {}, "optimizer": {}}, paths.checkpoint
        )
    else:
        paths.checkpoint.write_bytes(content)
    with pytest.raises(DamagedRunError, match="its checkpoint cannot be used"):
        train_run(paths, dataset=tiny_dataset)
    assert "checkpoint" in Run(paths).status().error


def test_a_directory_that_is_no_run_cannot_be_trained(tmp_path):
    with pytest.raises(CoresetError, match=r"cannot be trained|is damaged"):
        train_run(RunPaths(tmp_path / "nothing"))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CoresetError, match=r"cannot be trained|is damaged"):
        train_run(RunPaths(empty))


@pytest.mark.parametrize("manifest", ["{}", "[]", "", '{"config": {"epochs": "many"}}'])
def test_a_damaged_manifest_cannot_be_trained(tmp_path, tiny_config, tiny_dataset, manifest):
    paths = create_run(tmp_path, tiny_config, tiny_dataset)
    paths.manifest.write_text(manifest)
    with pytest.raises(CoresetError, match="damaged"):
        train_run(paths, dataset=tiny_dataset)


def test_a_training_in_this_process_logs_to_the_run(tmp_path, tiny_config, tiny_dataset):
    paths = create_run(tmp_path, replace(tiny_config, epochs=2), tiny_dataset)
    with logging_to(paths):
        train_run(paths, dataset=tiny_dataset)
    text = Run(paths).log_tail()
    assert "epoch 2: train loss" in text
    assert Run(paths).log_tail(1) == text.splitlines()[-1]
