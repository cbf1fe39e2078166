"""What the samples that look alike early on say of a label."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.seeds import stream
from coreset_lib.selection.problem import Features

NEIGHBOURS = 50
LARGEST_SHARE = 10  # of few samples no more than a tenth are near
# Beyond this many, neighbours are sought among a random part of the samples.
MOST_REFERENCES = 5_000


def neighbour_votes(
    features: Features,
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    n_neighbours: int | None = None,
) -> NDArray[np.float64]:
    """Return the share that each class has of the votes on each sample, counted by rarity.

    With A(i) the ``n_neighbours`` other samples at the smallest angle from sample i and n_c(i)
    the number of others in class c: v_ic = |{j in A(i): y_j = c}| / n_c(i), divided by its sum
    over c. Without n_c the larger class would outvote the smaller one wherever they meet.

    Parameters
    ----------
    features : float32 array, shape (samples, features)
        Of an embedding that has not learned the labels by heart; one that has puts every
        sample among its own class.
    labels : int64 array, shape (samples,)
    n_classes : int
    n_neighbours : int, optional
        By default 50, and no more than a tenth of the samples.

    Returns
    -------
    float64 array, shape (samples, classes)
        Rows sum to 1. A sample that is alone has all votes for its own class.

    Notes
    -----
    Beyond 5,000 samples the neighbours are sought among 5,000 of them, drawn with a fixed seed.
    One thread: the sums of several would differ in their last bits from run to run. Cost:
    samples times references times features.
    """
    n_samples = len(labels)
    if n_samples == 1:
        return np.eye(n_classes)[labels]
    references = np.arange(n_samples)
    if n_samples > MOST_REFERENCES:
        drawn = stream(0, "neighbour votes").choice(n_samples, MOST_REFERENCES, replace=False)
        references = np.sort(drawn)
    if n_neighbours is None:
        n_neighbours = min(NEIGHBOURS, max(n_samples // LARGEST_SHARE, 1))
    near, is_counted = _nearest(_directions(features), references, n_neighbours)
    others = np.tile(np.bincount(labels[references], minlength=n_classes), (n_samples, 1))
    others[references, labels[references]] -= 1
    counts = [((labels[near] == k) & is_counted).sum(axis=1) for k in range(n_classes)]
    votes = np.stack(counts, axis=1) / np.maximum(others, 1)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), dtype=np.float64)


def _nearest(
    directions: Features, references: NDArray[np.intp], n_neighbours: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return references near each sample, one more than wanted, and which of them count.

    A sample is not its own neighbour, and copies of it may take its place among the nearest.
    """
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    wanted = min(n_neighbours, len(references) - 1)
    with threadpool_limits(limits=1):
        search = NearestNeighbors(n_neighbors=wanted + 1, algorithm="brute")
        search.fit(directions[references])
        near = references[search.kneighbors(directions, return_distance=False)]
    is_other = near != np.arange(len(directions))[:, None]
    return near, is_other & (np.cumsum(is_other, axis=1) <= wanted)


def _directions(features: Features) -> Features:
    """Return rows of length 1, among which near means: at a small angle."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(length, np.finfo(np.float32).tiny)
