"""What speaks for which class: the network early on, the neighbours, the pixels, held-out networks.

Each source gives every sample a share for each class. Networks and neighbours lean to the larger
classes; seen that way alone, suspicion is mostly a detector of the rarer class. That is right for
an order over all, where labels of the rarer class are wrong more often; to call a label suspect
every share is also judged inside its class: divided by what the class gets on average.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics, not_recorded
from coreset_lib.review.neighbours import find_neighbours
from coreset_lib.review.out_of_fold import out_of_fold_shares, trusted_shares
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.windows import Window

Float64s = NDArray[np.float64]
VOTERS = 50
EARLY_EPOCHS = 10
LEAST_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class ClassEvidence:
    """The shares that the sources of evidence give to the classes.

    Attributes
    ----------
    sources : mapping of name to float64 array, shape (samples, classes)
        ``early``, ``neighbours``, ``pixels``, ``held_out``, as far as they are there; rows add
        up to 1, or to 0 where a source says nothing.
    labels : int64 array, shape (samples,)
    neighbours : int64 array, shape (samples, 50), or None
        The nearest other samples by the early embedding, nearest first, -1 where there are
        fewer.
    n_early : int
        Epochs that ``early`` looks at, from the first.
    """

    sources: Mapping[str, Float64s]
    labels: NDArray[np.int64]
    neighbours: NDArray[np.int64] | None
    n_early: int

    def against(self, source: str) -> Float64s:
        """Return the share of the other classes by a source, shape (samples,), in [0, 1]."""
        shares = self.sources[source]
        own = shares[np.arange(len(self.labels)), self.labels]
        return np.where(shares.sum(axis=1) == 0, 0.0, 1 - own)

    def combined(self) -> Float64s:
        """Return the mean of all shares, over all and inside each class, (samples, classes)."""
        parts = [shares + inside_classes(shares) for shares in self.sources.values()]
        total = np.sum(parts, axis=0)
        return total / np.maximum(total.sum(axis=1, keepdims=True), np.finfo(float).tiny)

    def suggested(self) -> NDArray[np.int64]:
        """Return the class that most speaks for; the label itself where that is no other one."""
        combined = self.combined()
        best = combined.argmax(axis=1).astype(np.int64)
        own = combined[np.arange(len(best)), self.labels]
        return np.where(combined.max(axis=1) > own, best, self.labels)


def class_evidence(
    dynamics: TrainingDynamics,
    *,
    early_features: NDArray[np.float32] | None = None,
    pixels: NDArray[np.float32] | None = None,
    held_out: NDArray[np.float32] | None = None,
) -> ClassEvidence:
    """Collect what speaks for which class.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With at least one epoch.
    early_features : float array, shape (samples, features), optional
        An embedding that has not learned the labels by heart.
    pixels : float array, shape (samples, components), optional
        See :func:`coreset_lib.datasets.pixels.pixel_components`.
    held_out : float array, shape (samples, classes), optional
        Probabilities by networks that had not seen the sample.
    """
    sources = {"early": early_shares(dynamics)}
    neighbours = None
    if early_features is not None and len(early_features) > 1:
        neighbours = find_neighbours(directions(early_features), n_neighbours=VOTERS)
        sources["neighbours"] = vote_shares(neighbours, dynamics.labels, dynamics.n_classes)
    if pixels is not None:
        by_pixels = out_of_fold_shares(pixels, dynamics.labels, dynamics.n_classes)
        sources |= {} if by_pixels is None else {"pixels": by_pixels}
    if held_out is not None and held_out.shape[1] == dynamics.n_classes:
        sources["held_out"] = trusted_shares(held_out, dynamics.labels)
    n_early = min(EARLY_EPOCHS, dynamics.n_epochs)
    return ClassEvidence(sources, dynamics.labels, neighbours, n_early)


def early_shares(dynamics: TrainingDynamics) -> Float64s:
    """Return the mean probabilities over the first ten epochs, shape (samples, classes).

    Without recorded probabilities, or with any number of labels a sample: half of one plus the
    mean margin for the label (with two classes, that is its probability), and the rest for the
    other classes, by how often each was named in these epochs.
    """
    n_early = min(EARLY_EPOCHS, dynamics.n_epochs)
    if dynamics.has("probabilities") and not dynamics.is_multi_label:
        rows = dynamics.plane("probabilities")[:n_early]
        mean = np.nan_to_num(np.nanmean(rows, axis=0, dtype=np.float64))
        return np.clip(mean, 0, 1)  # a damaged file may hold anything
    recorded = np.array(dynamics.plane("prediction")[:n_early])
    is_there = recorded != not_recorded(recorded.dtype)
    named = dynamics.predicted_class(np.where(is_there, recorded, 0))
    counts = [((named == k) & is_there).sum(axis=0) for k in range(dynamics.n_classes)]
    margin = windowed_mean(dynamics, "margin", Window(1, n_early))
    return _shares_by_margin(margin, np.stack(counts, axis=1), dynamics.labels)


def _shares_by_margin(
    margin: Float64s, counts: NDArray[np.int64], labels: NDArray[np.int64]
) -> Float64s:
    """Give the label its share by the margin, and the others the rest by how often named."""
    rows = np.arange(len(labels))
    own = (1 + margin) / 2
    others = counts.astype(np.float64)
    others[rows, labels] = 0
    is_unnamed = others.sum(axis=1) == 0
    others[is_unnamed] = 1.0
    others[rows, labels] = 0
    total = np.maximum(others.sum(axis=1), 1.0)
    shares = others * ((1 - own) / total)[:, None]
    shares[rows, labels] = own
    return shares


def vote_shares(
    neighbours: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int
) -> Float64s:
    """Return the share of each sample's neighbours that carry each label, (samples, classes)."""
    is_there = neighbours >= 0
    votes = np.stack(
        [((labels[neighbours] == k) & is_there).sum(axis=1) for k in range(n_classes)], axis=1
    )
    return votes / np.maximum(is_there.sum(axis=1), 1)[:, None]


def inside_classes(shares: Float64s) -> Float64s:
    """Divide each class's shares by its mean share, and make rows add up to 1 again.

    Parameters
    ----------
    shares : float64 array, shape (samples, classes)

    Notes
    -----
    One percent is added to share and mean, so that a class that hardly anything speaks for
    does not win by a trace.
    """
    relative = (shares + LEAST_SHARE) / (shares.mean(axis=0) + LEAST_SHARE)
    return relative / relative.sum(axis=1, keepdims=True)


def directions(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length 1, among which near means: at a small angle."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(length, np.finfo(np.float32).tiny)
