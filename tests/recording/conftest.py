"""A small training set, and what a loop saw of it, to compare recordings with."""

import os

import numpy as np
import pytest
import torch

from coreset_lib.recording.recorder import describe_logits

os.environ.setdefault("KERAS_BACKEND", "torch")

N, CLASSES = 48, 3


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORESET_LENS_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def samples():
    """Return images (float32, channels first) and labels that a linear model can learn."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(N) % CLASSES)
    images = rng.normal(size=(N, 1, 8, 8)).astype(np.float32)
    images[np.arange(N), 0, labels] += 2
    return images, labels


class Witness:
    """Keeps the logits of every batch, as somebody beside the recorder."""

    def __init__(self):
        self.epochs = []

    def begin(self):
        self.epochs.append(np.full((N, CLASSES), np.nan, np.float32))

    def see(self, indices, logits):
        self.epochs[-1][np.asarray(indices)] = logits.detach().float().numpy()

    def check(self, run, labels):
        """Assert that the planes of a run follow from what was seen."""
        assert run.status().state == "finished"
        dynamics = run.dynamics()
        assert dynamics.n_epochs == len(self.epochs)
        for epoch, logits in enumerate(self.epochs):
            expected = describe_logits(torch.from_numpy(logits), torch.from_numpy(labels))
            for name in ("error_norm", "label_probability", "margin", "entropy", "prediction"):
                np.testing.assert_array_equal(
                    dynamics.plane(name)[epoch], expected[name].numpy(), err_msg=name
                )


@pytest.fixture
def witness():
    return Witness()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, CLASSES))
