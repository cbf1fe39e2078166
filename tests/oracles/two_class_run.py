"""A small run of two classes whose margins and features a test chooses."""

import numpy as np

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.selection import SelectionConfig, select_coreset

LABELS = np.repeat([0, 1], [40, 20])


def dynamics_with(margins):
    """Margins of each epoch, or six times the same; the other planes follow from them loosely."""
    margin = np.asarray(margins, np.float32)
    margin = margin if margin.ndim == 2 else np.tile(margin, (6, 1))
    planes = {
        "error_norm": 1 - margin,
        "label_probability": (1 + margin) / 2,
        "margin": margin,
        "entropy": np.ones_like(margin),
        "prediction": np.zeros(margin.shape, np.uint8),
    }
    return TrainingDynamics(planes, LABELS, len(margin), ("large", "small"))


def blobs(n_blobs, seed=0):
    """Features in well separated blobs, and the blob of each sample."""
    blob = np.arange(len(LABELS)) % n_blobs
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(len(LABELS), 5))
    return (10 * np.eye(5)[blob] + noise).astype(np.float32), blob


def choose(dynamics, features, early=None, **config):
    config = {"score": None, "balance": "proportional"} | config
    choice = SelectionConfig(**config)
    return select_coreset(dynamics, choice, features=features, early_features=early)
