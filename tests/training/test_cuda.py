"""What differs on a GPU, tried on one: skipped where there is none; ``make gpu`` runs them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training import loop
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run
from coreset_lib.training.targets.co_teaching import co_teach
from coreset_lib.training.targets.stacked import train_stacked_targets
from coreset_lib.training.targets.target import ResidentDataset, train_target

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU"),
    pytest.mark.usefixtures("without_umap"),
]
GPU = torch.device("cuda")


@pytest.fixture
def on_gpu(tiny_config):
    return replace(tiny_config, device="cuda", epochs=2)


@pytest.fixture
def data(tiny_dataset):
    return ResidentDataset.place(tiny_dataset, GPU)


def trained(tmp_path, config, dataset):
    run = Run(create_run(tmp_path, config, dataset))
    train_run(run.paths, dataset=dataset)
    return Run(run.paths)


def errors(run):
    return np.asarray(run.dynamics().plane("error_norm"))


@pytest.mark.parametrize("recording", ["minibatch", "eval_pass"])
@pytest.mark.parametrize("model", ["small_cnn", "resnet18"])
def test_a_run_is_trained_and_recorded(tmp_path, on_gpu, tiny_dataset, model, recording):
    config = replace(on_gpu, model=model, recording=recording)
    run = trained(tmp_path, config, tiny_dataset)
    assert run.status().state == "finished"
    assert run.dynamics().n_epochs == 2
    assert np.isfinite(errors(run)).all()


def test_one_seed_gives_the_same_numbers_twice(tmp_path, on_gpu, tiny_dataset):
    runs = [trained(tmp_path / name, on_gpu, tiny_dataset) for name in "ab"]
    assert np.array_equal(*map(errors, runs))


def test_float32_is_near_what_a_cpu_computes(tmp_path, on_gpu, tiny_dataset):
    config = replace(on_gpu, precision="float32", epochs=1)
    gpu = trained(tmp_path / "gpu", config, tiny_dataset)
    cpu = trained(tmp_path / "cpu", replace(config, device="cpu"), tiny_dataset)
    assert np.abs(errors(gpu) - errors(cpu)).max() < 1e-2


def test_a_stopped_run_resumes(tmp_path, on_gpu, tiny_dataset):
    run, stop = Run(create_run(tmp_path, replace(on_gpu, epochs=4), tiny_dataset)), Stop()
    stopped = train_run(run.paths, dataset=tiny_dataset, on_epoch=lambda _: stop.set(), stop=stop)
    assert stopped.state == "stopped"
    assert stopped.epoch < 4
    train_run(run.paths, dataset=tiny_dataset)
    assert (Run(run.paths).status().state, Run(run.paths).status().epoch) == ("finished", 4)


def test_labels_and_volumes(tmp_path, on_gpu, label_volumes):
    config = replace(on_gpu, model="small_cnn_3d", dataset="slabs")
    run = trained(tmp_path, config, label_volumes)
    assert run.status().state == "finished"


def test_networks_trained_together_are_those_trained_alone(on_gpu, data):
    configs = [replace(on_gpu, seed=seed, batch_size=16, precision="float32") for seed in (0, 1)]
    rows = [np.arange(0, 40), np.arange(20, 60)]
    together = train_stacked_targets(data, rows, configs)
    alone = [train_target(data, kept, config) for kept, config in zip(rows, configs, strict=True)]
    for ours, theirs in zip(together, alone, strict=True):
        assert np.abs(ours.test - theirs.test).max() < 1e-2


def test_co_teaching(on_gpu, data):
    found = co_teach(data, replace(on_gpu, epochs=7), noise_rate=0.2, ramp_epochs=2)
    assert np.isfinite(found.loss).all()
    assert found.is_noisy.sum() == round(0.2 * len(found.loss))


def test_images_that_stay_with_the_host(tiny_dataset, on_gpu, data, monkeypatch):
    expected = train_target(data, np.arange(60), replace(on_gpu, precision="float32"))
    monkeypatch.setattr("coreset_lib.training.device.has_room", lambda *_: False)
    streamed = ResidentDataset.place(tiny_dataset, GPU)
    assert streamed.train.images.device.type == "cpu"
    found = train_target(streamed, np.arange(60), replace(on_gpu, precision="float32"))
    assert np.array_equal(found.test, expected.test)


def test_little_memory_makes_smaller_batches(on_gpu, tiny_dataset):
    """The device is filled up to a little, so that a large batch has no room."""
    network = loop.Trainer.prepare(*_network_and(on_gpu, tiny_dataset)).network
    many = ResidentSplit(
        torch.zeros(4096, 1, 64, 64, device=GPU), torch.zeros(4096, dtype=torch.long, device=GPU)
    )
    total = torch.cuda.get_device_properties(GPU).total_memory
    used = torch.cuda.memory_allocated()
    torch.cuda.set_per_process_memory_fraction((used + 200 * 2**20) / total)
    try:
        logits = torch.cat([found for _, found, _ in loop.predict(network, many)])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(logits) == 4096


def _network_and(config, dataset):
    from coreset_lib.training.networks.registry import build_network

    network = build_network("resnet18", n_classes=3, n_channels=1, image_size=64, seed=0)
    split = ResidentSplit.place(dataset.train, GPU)
    return network, config, split, split
