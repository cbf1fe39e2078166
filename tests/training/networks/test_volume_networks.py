"""Networks for volumes: shapes, seeds, and that pictures and volumes do not mix."""

from dataclasses import replace

import pytest
import torch

from coreset_lib.errors import CoresetError
from coreset_lib.networks import networks_for
from coreset_lib.runs.create import create_run
from coreset_lib.training.augmentation import MOST_SHIFT, shift
from coreset_lib.training.networks.registry import build_network

VOLUME_MODELS = networks_for(1)


@pytest.mark.parametrize("model", VOLUME_MODELS)
@pytest.mark.parametrize("side", [8, 12, 40])
def test_a_network_gives_one_row_per_volume(model, side):
    network = build_network(model, n_classes=3, n_channels=1, image_size=side, seed=0).eval()
    volumes = torch.randn(2, 1, side + 1, side, side + 2)
    with torch.no_grad():
        logits = network(volumes)
        assert network.features(volumes).shape == (2, network.head.in_features)
        torch.testing.assert_close(logits[:1], network(volumes[:1]), atol=1e-4, rtol=1e-4)
    assert logits.shape == (2, 3)


@pytest.mark.parametrize("model", VOLUME_MODELS)
def test_weights_follow_the_seed(model):
    a, b, c = (
        build_network(model, n_classes=2, n_channels=1, image_size=12, seed=seed).state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["head.weight"], c["head.weight"])


def test_resnet18_3d_has_the_layers_of_resnet18():
    network = build_network("resnet18_3d", n_classes=11, n_channels=1, image_size=28, seed=0)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv3d)]
    assert len(convolutions) == 17 + 3
    assert network.head.in_features == 512
    assert all(c.kernel_size in ((3, 3, 3), (1, 1, 1)) for c in convolutions)


def test_a_shift_moves_each_volume_as_a_whole_along_all_axes():
    volumes = torch.zeros(60, 1, 9, 10, 11)
    volumes[:, :, 4, 4, 5] = torch.arange(1, 61.0)[:, None]
    moved = shift(volumes, seed=0)
    steps = []
    for number in range(60):
        ((_, depth, height, width),) = torch.nonzero(moved[number]).tolist()
        assert moved[number, 0, depth, height, width] == number + 1
        steps.append((depth - 4, height - 4, width - 5))
    for axis in range(3):
        assert {step[axis] for step in steps} == set(range(-MOST_SHIFT, MOST_SHIFT + 1))


def test_pictures_and_volumes_need_networks_of_their_own(
    tiny_config, tiny_dataset, label_volumes, tmp_path
):
    with pytest.raises(CoresetError, match=r"for pictures, got resnet18_3d for tiny.*small_cnn or"):
        create_run(tmp_path, replace(tiny_config, model="resnet18_3d"), tiny_dataset)
    with pytest.raises(CoresetError, match=r"for volumes, got small_cnn for slabs.*_3d or"):
        create_run(tmp_path, tiny_config, label_volumes)
