"""A score: how far the error of a sample has moved."""

import numpy as np

from coreset_lib.scores.score import Score
from coreset_lib.windows import Window


def spread(dynamics):
    """Largest minus smallest error norm over all epochs; higher = harder."""
    values = np.empty(dynamics.n_samples)
    for part, (block,) in dynamics.blocks(("error_norm",), Window(1, dynamics.n_epochs)):
        values[part] = block.max(axis=0) - block.min(axis=0)
    return values


SPREAD = Score(
    title="Spread",
    summary="Largest minus smallest error norm.",
    direction="harder",
    needs=("error_norm",),
    source="an example",
    compute=spread,
)
