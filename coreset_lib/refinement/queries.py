"""Which of the labels judged wrong an expert is asked about first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.seeds import stream

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
BLOCK_CELLS = 8_000_000
BALD = "bald"


@dataclass(frozen=True, eq=False)
class QueryPool:
    """What a query strategy may look at.

    Attributes
    ----------
    candidates : int64 array, shape (candidates,)
        Rows of the training split that may be asked about, ascending.
    settled : int64 array, shape (settled,)
        Rows whose labels are trusted: guessed clean, or relabelled.
    probabilities : float64 array, shape (samples, classes)
        Of the network trained last.
    embedding : float array, shape (samples, features)
        Its penultimate layer.
    seed : int
        For strategies that draw.
    n_round : int
        1 for the first round.
    committee : float array, shape (networks, samples, classes)
        Probabilities of several networks: the co-teaching pair, and after a round the one
        trained last. Empty for strategies that do not ask them.
    """

    candidates: Rows
    settled: Rows
    probabilities: Floats
    embedding: NDArray[np.floating[Any]]
    seed: int
    n_round: int
    committee: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))


def by_entropy(pool: QueryPool, n: int) -> Rows:
    """Largest entropy of the probabilities first."""
    return _largest(pool, _entropy(pool.probabilities[pool.candidates]), n)


def by_least_confidence(pool: QueryPool, n: int) -> Rows:
    """Smallest probability of the predicted class first."""
    return _largest(pool, -pool.probabilities[pool.candidates].max(axis=1), n)


def by_margin(pool: QueryPool, n: int) -> Rows:
    """Smallest lead of the predicted class over the second first."""
    top = np.partition(pool.probabilities[pool.candidates], -2, axis=1)[:, -2:]
    return _largest(pool, -(top[:, 1] - top[:, 0]), n)


def by_disagreement(pool: QueryPool, n: int) -> Rows:
    """Largest mutual information of label and network first: each is sure, of different classes.

    References
    ----------
    Houlsby et al., Bayesian active learning for classification and preference learning (2011),
    Eq. 2 (BALD), with a committee of networks in the place of the posterior.
    """
    p = pool.committee[:, pool.candidates]
    return _largest(pool, _entropy(p.mean(axis=0)) - _entropy(p).mean(axis=0), n)


def by_k_center(pool: QueryPool, n: int) -> Rows:
    """The sample farthest from all settled ones and all chosen before it, again and again.

    References
    ----------
    Sener and Savarese, Active learning for convolutional neural networks: a core-set approach
    (2018), Algorithm 1.
    """
    points = np.asarray(pool.embedding[pool.candidates], dtype=np.float64)
    centres = np.asarray(pool.embedding[pool.settled], dtype=np.float64)
    nearest = _distance_to_nearest(points, centres)
    chosen: list[int] = []
    for _ in range(min(n, len(points))):
        row = int(nearest.argmax())
        chosen.append(row)
        nearest = np.minimum(nearest, np.sum((points - points[row]) ** 2, axis=1))
        nearest[row] = -1.0  # below every distance: copies of a chosen one come before it
    return pool.candidates[np.array(chosen, dtype=np.int64)]


def by_chance(pool: QueryPool, n: int) -> Rows:
    """Each candidate as likely as the next."""
    rng = stream(pool.seed, "refinement queries", pool.n_round)
    return rng.permutation(pool.candidates)[:n]


QUERIES: dict[str, Callable[[QueryPool, int], Rows]] = {
    "entropy": by_entropy,
    "least_confidence": by_least_confidence,
    "margin": by_margin,
    "k_center": by_k_center,
    BALD: by_disagreement,
    "random": by_chance,
}


def choose_queries(strategy: str, pool: QueryPool, n: int) -> Rows:
    """Return the rows to ask about, in the order of their worth.

    Parameters
    ----------
    strategy : str
        A key of :data:`QUERIES`; the three that look at probabilities take the most uncertain
        first.
    pool : QueryPool
    n : int
        Fewer are returned where there are fewer candidates.

    Returns
    -------
    int64 array, shape (at most n,)
        Ties by row.
    """
    check_choice("query strategy", strategy, QUERIES)
    if n <= 0 or not len(pool.candidates):
        return np.empty(0, dtype=np.int64)
    return QUERIES[strategy](pool, n)


def _entropy(p: Floats) -> Floats:
    """Entropy over the last axis, nats."""
    return -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=-1)


def _largest(pool: QueryPool, value: Floats, n: int) -> Rows:
    """Return the candidates with the largest values, ties by row."""
    return pool.candidates[np.argsort(-value, kind="stable")[:n]]


def _distance_to_nearest(points: Floats, centres: Floats) -> Floats:
    """Squared distance of each point to its nearest centre; infinite without centres."""
    nearest = np.full(len(points), np.inf)
    if not len(centres):
        return nearest
    squares = np.sum(centres**2, axis=1)
    width = max(BLOCK_CELLS // len(centres), 1)
    for start in range(0, len(points), width):
        block = points[start : start + width]
        away = np.sum(block**2, axis=1)[:, None] + squares - 2 * block @ centres.T
        nearest[start : start + width] = np.maximum(away.min(axis=1), 0.0)
    return nearest
