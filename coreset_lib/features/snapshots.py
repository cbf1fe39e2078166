"""What the surrogate's embedding was like after a few epochs, and which epoch to go by.

A network learns what most labels agree on first and the others by heart later. Once it has, its
embedding puts a wrong label among its new like, and neither map nor neighbours tell it any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.seeds import stream

EARLY_EPOCHS = (2, 3, 4, 6, 10, 20, 50, 100)
MOST_DIRECTIONS = 64
NEIGHBOURS = 50
MOST_QUERIES = 2_000
MOST_REFERENCES = 20_000
LEAST_SHARE = 0.01
FEWEST_VAL = 10
BLOCK = 10_000
Half = NDArray[np.float16]


class Snapshot(NamedTuple):
    """The embedding of both splits after an epoch, in the same directions and unit.

    Attributes
    ----------
    train : float16 array, shape (samples, directions)
    val : float16 array, shape (val samples, directions)
    """

    train: Half
    val: Half


@dataclass(frozen=True, kw_only=True)
class EarlyChoice:
    """The epoch whose embedding a run goes by, and why.

    Attributes
    ----------
    epoch : int
        1-based.
    why : str
        One sentence for people.
    surprise : mapping of epoch to float
        What was compared: mean nats per sample, lower = better; empty where nothing could be.
    """

    epoch: int
    why: str
    surprise: Mapping[int, float]


def snapshot_epochs(n_epochs: int) -> tuple[int, ...]:
    """Return the epochs after which a training keeps its embedding, 1-based."""
    return tuple(epoch for epoch in EARLY_EPOCHS if epoch <= n_epochs) or (n_epochs,)


def compact(features: NDArray[Any], val_features: NDArray[Any]) -> Snapshot:
    """Turn an embedding on its strongest directions and keep at most 64 of them, in 16 bits.

    Parameters
    ----------
    features : float array, shape (samples, features)
        Of the training split: it decides the directions and the unit.
    val_features : float array, shape (val samples, features)

    Returns
    -------
    Snapshot
        Distances and angles are kept, but for what lies outside the strongest 64 directions
        (next to nothing early in training). Rows of ``train`` have a length of 1 on average.

    Notes
    -----
    The directions are those of the second moments, not of the variance: angles would not
    survive centring. Cost: samples times features squared.
    """
    moments = np.zeros((features.shape[1], features.shape[1]))
    for start in range(0, len(features), BLOCK):
        rows = features[start : start + BLOCK].astype(np.float64)
        moments += rows.T @ rows
    strongest = np.linalg.eigh(moments)[1][:, ::-1][:, :MOST_DIRECTIONS]
    # A direction and its opposite are equally good: the largest entry of each is positive.
    peaks = strongest[np.abs(strongest).argmax(axis=0), np.arange(strongest.shape[1])]
    length = np.sqrt(np.trace(moments) / max(len(features), 1))
    turn = (strongest * np.where(peaks < 0, -1.0, 1.0) / (length or 1.0)).astype(np.float32)
    return Snapshot(_turned(features, turn), _turned(val_features, turn))


def choose_early(
    snapshots: Mapping[int, Snapshot],
    labels: NDArray[np.int64],
    val_labels: NDArray[np.int64],
    *,
    n_classes: int,
) -> EarlyChoice:
    """Choose the epoch whose neighbours foretell the validation labels best.

    For each validation sample the 50 training samples at the smallest angle vote with their
    labels; the votes of a class count by its rarity. The surprise is minus the logarithm of the
    share of votes for the label: too early the network has not learned enough, too late the
    neighbours are those that it put together by heart. Taken is the first epoch that is no
    worse than the best by more than one standard error of the difference. No label has to be
    true for that: wrong ones among the validation labels cost every epoch alike.

    Parameters
    ----------
    snapshots : mapping of epoch (1-based) to Snapshot
        At least one.
    labels : int64 array, shape (samples,)
    val_labels : int64 array, shape (val samples,)
    n_classes : int

    Returns
    -------
    EarlyChoice
        With fewer than 10 validation samples the first snapshot at or behind epoch 3.

    Notes
    -----
    This rule is the project's own; docs/embeddings.md shows how near it comes to the best
    epoch. At most 2,000 validation and 20,000 training samples are compared.
    """
    epochs = sorted(snapshots)
    if len(epochs) == 1:
        return EarlyChoice(epoch=epochs[0], why="the only one that was kept", surprise={})
    if len(val_labels) < FEWEST_VAL:
        epoch = next((e for e in epochs if e >= EARLY_EPOCHS[1]), epochs[-1])
        why = f"an early one: {len(val_labels)} validation samples are too few to choose by"
        return EarlyChoice(epoch=epoch, why=why, surprise={})
    surprise = {
        epoch: neighbour_surprise(snapshots[epoch], labels, val_labels, n_classes=n_classes)
        for epoch in epochs
    }
    means = {epoch: float(nats.mean()) for epoch, nats in surprise.items()}
    best = min(epochs, key=lambda epoch: means[epoch])
    worse = {epoch: nats - surprise[best] for epoch, nats in surprise.items()}
    error = {epoch: nats.std() / np.sqrt(len(nats)) for epoch, nats in worse.items()}
    first = next(epoch for epoch in epochs if worse[epoch].mean() <= error[epoch])
    why = "the first whose neighbours foretell the validation labels as well as any"
    return EarlyChoice(epoch=first, why=why, surprise=means)


def neighbour_surprise(
    snapshot: Snapshot,
    labels: NDArray[np.int64],
    val_labels: NDArray[np.int64],
    *,
    n_classes: int,
) -> NDArray[np.float64]:
    """Return how much each validation label surprises the nearest training samples, in nats.

    Lower = better, shape (at most 2,000,); see :func:`choose_early`. A share of votes counts as
    at least 1 %.
    """
    rng = stream(0, "early epoch")
    queries = _some(len(val_labels), MOST_QUERIES, rng)
    references = _some(len(labels), MOST_REFERENCES, rng)
    known = labels[references]
    near = _nearest(_unit(snapshot.val[queries]), _unit(snapshot.train[references]))
    votes = np.stack([(known[near] == k).mean(axis=1) for k in range(n_classes)], axis=1)
    votes /= np.maximum(np.bincount(known, minlength=n_classes) / len(known), 1e-12)
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    own = votes[np.arange(len(queries)), val_labels[queries]]
    return -np.log(np.maximum(own, LEAST_SHARE))


def _turned(features: NDArray[Any], turn: NDArray[np.float32]) -> Half:
    """Multiply block by block."""
    found = np.empty((len(features), turn.shape[1]), np.float16)
    for start in range(0, len(features), BLOCK):
        rows = features[start : start + BLOCK]
        found[start : start + BLOCK] = rows.astype(np.float32) @ turn
    return found


def _some(n_samples: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return all positions, or a drawn part of them."""
    if n_samples <= most:
        return np.arange(n_samples)
    return np.sort(rng.choice(n_samples, most, replace=False))


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows of length 1; zeros stay zeros."""
    wide = rows.astype(np.float32)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.maximum(length, np.finfo(np.float32).tiny)


def _nearest(queries: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the references at the smallest angle of each query, in no order."""
    n_near = min(NEIGHBOURS, len(references))
    parts = [
        np.argpartition(-(queries[start : start + 500] @ references.T), n_near - 1, axis=1)
        for start in range(0, len(queries), 500)
    ]
    return np.concatenate(parts)[:, :n_near]
