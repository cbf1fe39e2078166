"""What every network promises, whichever file it lies in; the list comes from the registry."""

from pathlib import Path

import pytest
import torch

from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS, networks_for
from coreset_lib.training.networks.registry import build_network

METHODS = Path(__file__).parents[3] / "docs" / "methods.md"
PICTURES, VOLUMES = networks_for(0), networks_for(1)
OWN = NETWORKS.built_in_names

pytestmark = pytest.mark.usefixtures("one_thread")


def build(model, *, n_channels=1, image_size=28, seed=0):
    return build_network(
        model, n_classes=3, n_channels=n_channels, image_size=image_size, seed=seed
    )


def samples_of(model, n_channels, side, count=2):
    sides = (side, side) if NETWORKS[model].samples == "pictures" else (side + 1, side, side + 2)
    return torch.randn(count, n_channels, *sides, generator=torch.Generator().manual_seed(1))


class TestEveryNetwork:
    @pytest.mark.parametrize("model", OWN)
    def test_has_a_line_in_the_methods(self, model):
        network = NETWORKS[model]
        assert f"| `{model}` |" in METHODS.read_text(), f"docs/methods.md has no row of {model}"
        assert network.title
        assert network.summary.endswith(".")
        assert network.source

    @pytest.mark.parametrize(
        ("model", "side"),
        [
            *((model, side) for model in PICTURES for side in (8, 28, 64, 224)),
            *((model, side) for model in VOLUMES for side in (8, 12, 40)),
        ],
    )
    def test_gives_logits_and_an_embedding_of_every_size(self, model, side):
        n_channels = 1 if side == 28 else 3
        network = build(model, n_channels=n_channels, image_size=side).eval()
        images = samples_of(model, n_channels, side)
        with torch.no_grad():
            embedding = network.features(images)
            logits = network(images)
        assert embedding.shape == (2, network.head.in_features)
        assert logits.shape == (2, 3)
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, network.head(embedding))
        assert torch.isfinite(logits).all()

    @pytest.mark.parametrize("model", OWN)
    def test_tells_samples_apart_whatever_stands_beside_them(self, model):
        network = build(model)
        images = samples_of(model, 1, 12, count=6)
        with torch.no_grad():
            for module in network.modules():
                if hasattr(module, "running_mean"):
                    module.momentum = None
            network(images)  # so that batch norm knows them
            logits = network.eval()(images)
            torch.testing.assert_close(logits[:1], network(images[:1]), atol=1e-4, rtol=1e-4)
        assert not torch.allclose(logits[0], logits[1])

    @pytest.mark.parametrize("model", OWN)
    def test_every_weight_learns_from_a_batch_of_two(self, model):
        network = build(model)
        images, labels = samples_of(model, 1, 28), torch.tensor([0, 2])
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        gradients = [p.grad for p in network.parameters()]
        assert all(g is not None and torch.isfinite(g).all() for g in gradients)
        assert network.head.weight.grad.abs().sum() > 0

    @pytest.mark.parametrize("model", OWN)
    def test_has_the_weights_of_its_seed_and_leaves_the_global_generator_alone(self, model):
        before = torch.random.get_rng_state()
        a, b, c = (build(model, seed=seed).state_dict() for seed in (0, 0, 1))
        assert torch.equal(before, torch.random.get_rng_state())
        assert all(torch.equal(a[name], b[name]) for name in a)
        assert not torch.equal(a["head.weight"], c["head.weight"])


def convolutions_of(network):
    return [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]


@pytest.mark.parametrize(
    ("model", "n_convolutions", "n_features"),
    [("resnet18", 20, 512), ("resnet50", 53, 2048), ("mobilenet_v2", 52, 1280), ("vgg16", 13, 512)],
)
def test_networks_of_the_literature_have_its_layers(model, n_convolutions, n_features):
    network = build(model)
    assert len(convolutions_of(network)) == n_convolutions
    assert network.head.in_features == n_features


def test_cnn14_has_fourteen_layers_of_weights():
    network = build("cnn14")
    dense = [m for m in network.modules() if isinstance(m, torch.nn.Linear)]
    assert len(convolutions_of(network)) + len(dense) == 14


@pytest.mark.parametrize("model", ["resnet18", "resnet50", "mobilenet_v2"])
def test_small_images_keep_their_size_in_the_stem(model):
    small, large = (convolutions_of(build(model, image_size=side))[0] for side in (64, 128))
    assert (small.kernel_size, small.stride) == ((3, 3), (1, 1))
    assert large.stride == (2, 2)


def test_listing_networks_loads_no_torch(subprocess_environment):
    import subprocess
    import sys

    code = (
        "import sys; from coreset_lib.networks import NETWORKS; "
        "print([n.title for n in NETWORKS.values()]); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=subprocess_environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"


def test_stackable_networks_are_what_they_would_be_alone_and_others_are_refused(
    tiny_dataset, tiny_config
):
    from dataclasses import replace

    import numpy as np

    from coreset_lib.training.targets.stacked import train_stacked_targets
    from coreset_lib.training.targets.target import ResidentDataset, train_target

    data = ResidentDataset.place(tiny_dataset, torch.device("cpu"))
    kept = np.arange(24)
    for model in PICTURES:
        configs = [replace(tiny_config, model=model, epochs=1, seed=seed) for seed in (0, 1)]
        if NETWORKS[model].is_stackable:
            results = train_stacked_targets(data, [kept, kept], configs)
            for found, config in zip(results, configs, strict=True):
                assert found.test == pytest.approx(train_target(data, kept, config).test, abs=2e-4)
        else:
            with pytest.raises(CoresetError, match=f"must be small_cnn.*, got {model}"):
                train_stacked_targets(data, [kept, kept], configs)
