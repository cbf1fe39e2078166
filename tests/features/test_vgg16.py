import json

import numpy as np
import pytest
import torch
from torchvision.models.vgg import cfgs, make_layers

from coreset_lib.cli import _run
from coreset_lib.errors import CoresetError
from coreset_lib.features.vgg16 import vgg16_features
from coreset_lib.runs.store import Run


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights in the form of torchvision's file, the classifier's names included."""
    torch.manual_seed(0)
    state = {f"features.{k}": v for k, v in make_layers(cfgs["D"]).state_dict().items()}
    state["classifier.6.bias"] = torch.zeros(1000)
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 20), dtype=np.uint8)


def test_the_last_pooling_layer_has_512_channels_and_a_32nd_of_the_side(weights, images):
    assert vgg16_features(images, weights=weights, side=32).shape == (3, 512)
    assert vgg16_features(images[:1], weights=weights, side=64).shape == (1, 2048)


def test_grey_images_equal_colour_images_with_three_equal_channels(weights, images):
    colour = np.repeat(images[..., None], 3, axis=-1)
    grey = vgg16_features(images, weights=weights, side=32)
    np.testing.assert_allclose(vgg16_features(colour, weights=weights, side=32), grey, atol=1e-5)


def test_a_constant_image_reaches_the_network_normalised_as_imagenet(weights):
    white = np.full((1, 8, 8), 255, dtype=np.uint8)
    network = make_layers(cfgs["D"]).eval()
    network.load_state_dict(
        {k.removeprefix("features."): v for k, v in torch.load(weights).items() if "feat" in k}
    )
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        expected = network(((torch.ones(3, 32, 32) - mean) / deviation)[None]).flatten(1)
    found = vgg16_features(white, weights=weights, side=32)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_absent_weights_offline_say_what_to_do(images, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(CoresetError, match=r"get vgg16-397923af\.pth .* --weights"):
        vgg16_features(images, side=32)


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04broken"])
def test_files_that_are_no_weights_are_refused(images, tmp_path, content):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(CoresetError, match="cannot be read"):
        vgg16_features(images, weights=path, side=32)


def test_weights_of_another_network_or_no_file_are_refused(images, tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, path)
    with pytest.raises(CoresetError, match="must be those of torchvision's VGG-16"):
        vgg16_features(images, weights=path, side=32)
    with pytest.raises(CoresetError, match="were not found"):
        vgg16_features(images, weights=tmp_path / "none.pth", side=32)


def test_a_side_that_vanishes_in_the_pooling_is_refused(images, weights):
    with pytest.raises(CoresetError, match="at least 32 pixels, got 16"):
        vgg16_features(images, weights=weights, side=16)


def test_the_command_keeps_them_with_the_run_and_select_uses_them(
    weights, save_npz, tiny_dataset, tiny_config, make_run, tmp_path, capsys
):
    run = make_run(tmp_path)
    data = save_npz(tmp_path / "tiny.npz", tiny_dataset)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(data)
    run.paths.manifest.write_text(json.dumps(manifest))
    select = ["select", run.run_id, "--strategy", "k_center", "--rate", "0.2"]
    select += ["--features", "vgg16", "--out", str(tmp_path / "c.csv"), "--cache", str(tmp_path)]
    assert _run(select) == 2
    assert "coreset-lens features" in capsys.readouterr().err
    command = ["features", run.run_id, "--weights", str(weights), "--side", "32"]
    assert _run([*command, "--device", "cpu", "--cache", str(tmp_path)]) == 0
    assert _run(select) == 0
    assert Run(run.paths).features("vgg16").shape == (60, 512)
    assert _run(["rebuild", str(tmp_path / "c.csv"), "--cache", str(tmp_path)]) == 0
    assert "same" in capsys.readouterr().out
