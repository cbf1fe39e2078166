"""Mean silhouette of a clustering from its distance matrix."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.clustering.points import Distances

_BLOCK = 2048


def mean_silhouette(distances: Distances, labels: NDArray[np.int64]) -> float | None:
    """Mean over samples of (b - a) / max(a, b), in [-1, 1].

    a is a sample's mean distance to the others of its cluster, b the smallest mean distance to
    another cluster. A sample alone in its cluster counts 0 (Rousseeuw's convention).

    Parameters
    ----------
    distances : float32 array, shape (samples, samples)
        Symmetric, diagonal 0.
    labels : int64 array, shape (samples,)
        Cluster of each sample.

    Returns
    -------
    float or None
        None where all samples lie in one cluster: there is no other cluster to compare with.

    Notes
    -----
    The sums of distances per cluster are one matrix product, samples² × clusters, in float32:
    the mean agrees with a float64 computation to about 1e-6.
    """
    _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return None
    members = np.zeros((len(labels), len(counts)), np.float32)
    members[np.arange(len(labels)), labels] = 1
    total = 0.0
    for top in range(0, len(labels), _BLOCK):
        block = slice(top, top + _BLOCK)
        sums = (distances[block] @ members).astype(np.float64)
        total += _silhouettes(sums, labels[block], counts).sum()
    return float(total / len(labels))


def _silhouettes(
    sums: NDArray[np.float64], labels: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Silhouette of each sample from its summed distance to every cluster."""
    own = np.arange(len(labels)), labels
    within = sums[own] / np.maximum(counts[labels] - 1, 1)
    means = sums / counts
    means[own] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    is_defined = (counts[labels] > 1) & (larger > 0)
    return np.where(is_defined, between - within, 0) / np.where(is_defined, larger, 1)
