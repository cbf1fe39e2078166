"""What a network is trained for and judged by: one class per sample, or any number of labels.

Labels of shape (samples,) are class numbers; labels of shape (samples, labels) are 0 or 1 for
each label by itself.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def mean_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean loss of a batch in nats: cross-entropy, or its mean over the labels.

    Parameters
    ----------
    logits : tensor, shape (samples, outputs)
    labels : tensor, shape (samples,) or (samples, labels)
    weights : tensor, optional
        From :func:`class_weights`.
    """
    if labels.ndim == 2:
        return functional.binary_cross_entropy_with_logits(
            logits, labels, weight=_weights_of(labels, weights)
        )
    if weights is None:
        return functional.cross_entropy(logits, labels)
    return functional.cross_entropy(logits, labels, weight=weights, reduction="sum") / len(labels)


def summed_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the sum over samples of the loss, without weights."""
    if labels.ndim == 2:
        return mean_loss(logits, labels) * len(labels)
    return functional.cross_entropy(logits, labels, reduction="sum")


def count_correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how many samples are right: the class, or the exact set of labels above 0.5."""
    if labels.ndim == 2:
        return ((logits > 0) == (labels > 0)).all(dim=1).sum().float()
    return (logits.argmax(dim=1) == labels).sum().float()


def probabilities_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return softmax probabilities of classes, or the sigmoid of each label."""
    return logits.sigmoid() if labels.ndim == 2 else logits.softmax(dim=1)


def class_weights(labels: Tensor, n_outputs: int) -> Tensor:
    """Return weights that sum to the same over every class present.

    Their mean over the samples is 1, so that the learning rate keeps its meaning; a class
    without samples has weight 0.

    Returns
    -------
    tensor, shape (classes,), or (2, labels): of a label's absence and of its presence
    """
    if labels.ndim == 2:
        present = labels.sum(dim=0)
        return _same_say(torch.stack([len(labels) - present, present]))
    return _same_say(torch.bincount(labels, minlength=n_outputs).float())


def mean_area_under_roc(scores: NDArray[np.floating[Any]], is_positive: NDArray[np.bool_]) -> float:
    """Return the mean over the labels of the area under the ROC curve.

    Parameters
    ----------
    scores : float array, shape (samples, labels)
    is_positive : bool array, shape (samples, labels)

    Returns
    -------
    float
        Labels that all samples carry, or none, are left out; NaN if no label remains.

    References
    ----------
    Hand and Till, A simple generalisation of the area under the ROC curve (2001), Eq. 3.
    """
    pairs = zip(scores.T, is_positive.T, strict=True)
    areas = [_area(score, positive) for score, positive in pairs if 0 < positive.sum() < len(score)]
    return float(np.mean(areas)) if areas else float("nan")


def _area(score: NDArray[np.floating[Any]], is_positive: NDArray[np.bool_]) -> float:
    """Area under one ROC curve by rank sums; ties count half."""
    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    n_positive = int(is_positive.sum())
    above = float(ranks[is_positive].sum()) - n_positive * (n_positive + 1) / 2
    return above / (n_positive * (len(score) - n_positive))


def _weights_of(labels: Tensor, weights: Tensor | None) -> Tensor | None:
    """Return the weight of every label of every sample."""
    return None if weights is None else torch.where(labels > 0, weights[1], weights[0])


def _same_say(counts: Tensor) -> Tensor:
    """Return weights inverse to the counts along the first axis, of mean 1 over the samples."""
    n_present = (counts > 0).sum(dim=0)
    share = counts.sum(dim=0) / n_present
    return torch.where(counts > 0, share / counts.clamp(min=1), 0.0)
