import numpy as np
import pytest


@pytest.fixture
def blobs():
    """Return 90 points in three well separated groups of 30, and their true groups."""
    rng = np.random.default_rng(7)
    groups = np.repeat([0, 1, 2], 30)
    centres = np.array([[0.0, 0.0, 9.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]])
    return centres[groups] + rng.normal(size=(90, 3)), groups


def load_sets():
    """Return small sets of different nature, by name: features of shape (samples, features)."""
    rng = np.random.default_rng(3)
    centres = 2 * rng.normal(size=(6, 10))
    return {
        "one cloud": rng.normal(size=(200, 20)),
        "groups": centres[rng.integers(0, 6, 250)] + rng.normal(size=(250, 10)),
        "line": np.column_stack([rng.exponential(size=120), np.ones(120)]),
        "square": rng.random((300, 2)),
        "heavy tails": rng.standard_t(2, size=(200, 5)),
        "with copies": rng.integers(0, 4, size=(150, 3)).astype(float) + 1,
        "single precision": rng.normal(size=(150, 8)).astype(np.float32),
    }


@pytest.fixture(params=list(load_sets()))
def features(request):
    return load_sets()[request.param]
