"""How long a training takes: measured in the background, kept, and told when it fails."""

import time
from dataclasses import replace

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.speed_probes import SpeedProbe, main, read_probe, start_probe
from coreset_lib.training.speed import measure_speed
from coreset_lib.training.time_estimate import Speed
from coreset_lib.training.vog import GradientVarianceRecorder

PATIENCE_SECONDS = 120


@pytest.fixture
def config(tmp_path, tiny_config, tiny_dataset, save_npz, subprocess_environment, monkeypatch):
    """A configuration that another process can train."""
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    return replace(tiny_config, dataset=str(save_npz(tmp_path / "tiny.npz", tiny_dataset)))


def wait_for(cache, config):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (probe := read_probe(cache, config)) is None or probe.is_under_way:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return probe


def test_the_time_of_a_training_follows_from_updates_and_passes():
    speed = Speed(
        batch_seconds=(1.0, 2.0), n_batches=10, evaluation_seconds=5.0, device="", n_measured=3
    )
    assert speed.training_seconds(4) == (60.0, 100.0)


def test_a_measurement_takes_gradients_too_where_the_training_will(
    tiny_config, tiny_dataset, one_thread, monkeypatch
):
    taken = []

    def record(recorder, indices, logits):
        taken.append(len(indices))

    monkeypatch.setattr(GradientVarianceRecorder, "record", record)
    measure_speed(tiny_dataset, replace(tiny_config, record_vog=True), seconds=0.0)
    assert taken


@pytest.mark.parametrize("recording", ["minibatch", "eval_pass"])
def test_a_measurement_counts_updates_and_passes_of_the_real_training(
    tiny_config, tiny_dataset, one_thread, recording
):
    speed = measure_speed(tiny_dataset, replace(tiny_config, recording=recording), seconds=0.0)
    assert speed.n_batches == 4
    assert speed.n_measured >= 3
    low, high = speed.batch_seconds
    assert 0 < low <= high
    assert speed.evaluation_seconds > 0
    assert speed.device.startswith("cpu")


def test_a_measurement_is_made_in_the_background_and_kept(tmp_path, config):
    assert read_probe(tmp_path, config) is None
    assert start_probe(tmp_path, config).is_under_way
    probe = wait_for(tmp_path, config)
    assert probe.speed is not None, probe.error
    assert start_probe(tmp_path, replace(config, epochs=99, seed=4)) == probe
    assert read_probe(tmp_path, replace(config, batch_size=8)) is None


def test_what_keeps_it_from_measuring_is_one_sentence(tmp_path, config):
    from coreset_lib.jobs import speed_probes

    path = speed_probes._path(tmp_path, config)
    path.parent.mkdir()
    gone = replace(config, dataset=str(tmp_path / "gone.npz"))
    speed_probes._write(path, {"config": gone.as_dict()})
    assert main([str(tmp_path), path.stem]) == 1
    probe = read_probe(tmp_path, config)
    assert probe is not None
    assert "gone.npz" in (probe.error or "")


def test_a_measurement_whose_process_was_killed_has_failed(tmp_path, config):
    from coreset_lib.jobs import speed_probes

    path = speed_probes._path(tmp_path, config)
    path.parent.mkdir()
    speed_probes._write(path, {"config": config.as_dict(), "pid": 2**22 + 1, "process_start": 1.0})
    assert read_probe(tmp_path, config) == SpeedProbe(error=speed_probes.ENDED)
    for damaged in (b"", b"[]", b'{"schema_version": 1, "speed": {}}'):
        path.write_bytes(damaged)
        assert read_probe(tmp_path, config) is None


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, config):
    (tmp_path / "file").touch()
    with pytest.raises(CoresetError, match="the speed cannot be measured"):
        start_probe(tmp_path / "file", config)
