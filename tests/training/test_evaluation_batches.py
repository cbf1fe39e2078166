"""Outputs of a network come in batches that fit into the memory of a device."""

import pytest
import torch

from coreset_lib.training import device as placing
from coreset_lib.training import loop, precision
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.loop import embed, predict
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.targets.target import ResidentDataset, train_target

CPU = torch.device("cpu")


@pytest.fixture
def network():
    return build_network("small_cnn", n_classes=3, n_channels=1, image_size=12, seed=0)


@pytest.fixture
def split(tiny_dataset):
    return ResidentSplit.place(tiny_dataset.train, CPU)


def outputs(network, split):
    return torch.cat([logits for _, logits, _ in predict(network, split)])


def hold_at_most(monkeypatch, network, most):
    """Let the network run out of memory on more samples than ``most``; note what it was shown."""
    shown, forward = [], network.features.forward

    def limited(images):
        shown.append(len(images))
        if len(images) > most:
            raise torch.OutOfMemoryError("no room")
        return forward(images)

    monkeypatch.setattr(network.features, "forward", limited)
    return shown


@pytest.mark.parametrize("most", [1, 7, 20])
def test_a_batch_for_which_there_is_no_room_is_halved(network, split, monkeypatch, most):
    expected = outputs(network, split), embed(network, split)
    shown = hold_at_most(monkeypatch, network, most)
    found = outputs(network, split)
    assert torch.allclose(found, expected[0], atol=1e-5)
    assert torch.allclose(embed(network, split), expected[1], atol=1e-5)
    fitting = [n for n in shown if n <= most]
    assert sum(fitting) == 2 * len(split)
    assert min(fitting[:-1]) > most // 2


def test_where_one_sample_has_no_room_it_is_said(network, split, monkeypatch):
    hold_at_most(monkeypatch, network, 0)
    with pytest.raises(torch.OutOfMemoryError):
        outputs(network, split)


def test_on_a_gpu_the_first_batch_follows_its_free_memory(split, monkeypatch):
    class OnGPU:
        images = split.images
        labels = torch.empty(0, device="meta")

    monkeypatch.setattr(OnGPU, "labels", type("Labels", (), {"device": torch.device("cuda", 0)}))
    pixel_bytes = loop.BYTES_BEHIND_A_NUMBER * split.images[0].numel()
    for free, size in ((10 * pixel_bytes, 10), (0, 1), (10**15, loop.EVALUATION_BATCH)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 10**15))
        assert loop.evaluation_batch(OnGPU) == size


def test_a_split_too_large_for_a_gpu_stays_with_the_host(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 10**6))
    assert placing.has_room(torch.device("cuda", 0), 500)
    assert not placing.has_room(torch.device("cuda", 0), 501)
    assert placing.has_room(CPU, 10**15)


def test_images_of_the_host_train_the_same_network(tiny_dataset, tiny_config, monkeypatch):
    """As on a GPU that has no room, with a device of another name for the images."""
    data = ResidentDataset.place(tiny_dataset, CPU)
    rows = torch.arange(0, 60, 2).numpy()
    expected = train_target(data, rows, tiny_config)
    copied = []
    monkeypatch.setattr(
        ResidentSplit,
        "_images_of",
        lambda self, indices: copied.append(len(indices)) or self.images[indices.to("cpu")],
    )
    found = train_target(data, rows, tiny_config)
    assert copied
    assert (found.test == expected.test).all()


@pytest.mark.parametrize(("capability", "is_on"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_bfloat16_where_the_gpu_has_units_for_it(monkeypatch, capability, is_on):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert precision.has_fast_bfloat16(torch.device("cuda", 0)) is is_on
    assert not precision.has_fast_bfloat16(CPU)


def test_float32_is_whole_inside_the_block_and_as_before_behind_it():
    torch.backends.cudnn.allow_tf32 = True
    try:
        with precision.whole_float32():
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cudnn.allow_tf32 = False
