"""The images that a network finds most alike, and whether they carry the same label."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.seeds import stream

N_NEIGHBOURS = 10
# Beyond this many, neighbours are sought among a random part of the samples.
MOST_REFERENCES = 20_000
FEWEST_ROWS = 2


def find_neighbours(
    features: NDArray[Any],
    *,
    n_neighbours: int = N_NEIGHBOURS,
    most_references: int = MOST_REFERENCES,
) -> NDArray[np.int64]:
    """Return the nearest other samples of every sample.

    Parameters
    ----------
    features : float array, shape (samples, features)
    n_neighbours : int
    most_references : int
        Neighbours are sought among at most so many samples, drawn with a fixed seed.

    Returns
    -------
    int64 array, shape (samples, n_neighbours)
        Nearest first (Euclidean); -1 where there are not so many others.

    Notes
    -----
    Cost: samples times references times features; 10 s for 50,000 samples of 64 features.
    """
    from sklearn.neighbors import NearestNeighbors

    n_samples = len(features)
    found = np.full((n_samples, n_neighbours), -1, dtype=np.int64)
    if n_samples < FEWEST_ROWS:
        return found
    references = np.arange(n_samples)
    if n_samples > most_references:
        draw = stream(0, "neighbours").choice(n_samples, most_references, replace=False)
        references = np.sort(draw)
    wanted = min(n_neighbours + 1, len(references))
    search = NearestNeighbors(n_neighbors=wanted, algorithm="brute").fit(features[references])
    near = references[search.kneighbors(features, return_distance=False)]
    for row, others in enumerate(near):
        others = others[others != row][:n_neighbours]
        found[row, : len(others)] = others
    return found


def label_disagreement(
    neighbours: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of each sample's neighbours with another label, in [0, 1].

    Parameters
    ----------
    neighbours : int64 array, shape (samples, neighbours)
        As `find_neighbours` returns them.
    labels : int64 array, shape (samples,)

    Returns
    -------
    float64 array, shape (samples,)
        0 for a sample without neighbours. Higher = more suspicious.
    """
    is_there = neighbours >= 0
    differs = (labels[neighbours] != labels[:, None]) & is_there
    return differs.sum(axis=1) / np.maximum(is_there.sum(axis=1), 1)
