"""What a linear model makes of samples that it was not shown: five folds, one penalty."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
FOLDS = 5
FEWEST_SAMPLES = 20
# A model is shown at most so many samples, spread evenly over the others.
MOST_SHOWN = 5_000
# Inverse strengths; at the weakest end hardly anything but the frequency of the classes is left.
PENALTIES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
LEAST_PROBABILITY = 1e-6
TRUST_STEPS = 20


def out_of_fold_shares(
    features: NDArray[Any], labels: NDArray[np.int64], n_classes: int
) -> Float64s | None:
    """Return the probabilities of the classes by logistic regression on the other four fifths.

    Parameters
    ----------
    features : float array, shape (samples, features)
    labels : int64 array, shape (samples,)
    n_classes : int

    Returns
    -------
    float64 array, shape (samples, classes), or None
        Rows add up to 1, or to 0 where the sample's class was not among the shown ones. None
        with fewer than 20 samples, or without two classes of at least two samples.

    Notes
    -----
    Features are scaled to a variance of 1. Folds are dealt out inside each class in the order
    of the features, so that they do not hang on the order of the samples. The penalty is the one
    of `PENALTIES` with the smallest mean of -log p(label) over all samples out of fold: where the
    features tell nothing the strongest wins, and what is left is how frequent a class is.
    """
    counts = np.bincount(labels, minlength=n_classes)
    if len(labels) < FEWEST_SAMPLES or (counts > 1).sum() < 2:
        return None
    features = np.asarray(features, dtype=np.float64)
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    order = np.lexsort((*scaled.T[::-1], labels))
    found = np.zeros((len(PENALTIES), len(labels), n_classes))
    for fold in range(FOLDS):
        is_out = np.zeros(len(labels), dtype=bool)
        is_out[order[fold::FOLDS]] = True
        shown = order[~is_out[order]]
        shown = shown[:: max(-(-len(shown) // MOST_SHOWN), 1)]
        _predict_all_penalties(scaled, labels, shown, np.flatnonzero(is_out), found)
    is_known = found.sum(axis=(0, 2)) > 0
    surprises = [_surprise(shares[is_known], labels[is_known]) for shares in found]
    return found[int(np.argmin(surprises))]


def trusted_shares(shares: NDArray[Any], labels: NDArray[np.int64]) -> Float64s:
    """Mix out-of-fold probabilities with how frequent the classes are, as much as serves them.

    Parameters
    ----------
    shares : float array, shape (samples, classes)
        By models that had not seen the sample.
    labels : int64 array, shape (samples,)

    Returns
    -------
    float64 array, shape (samples, classes)
        t * shares + (1 - t) * frequency, t of 0, 0.05, .., 1 with the smallest mean of
        -log p(label): networks that learned wrong labels by heart are sure, and often wrong.
    """
    given = shares.astype(np.float64)
    frequency = np.bincount(labels, minlength=given.shape[1]) / max(len(labels), 1)
    mixed = [
        step / TRUST_STEPS * given + (1 - step / TRUST_STEPS) * frequency
        for step in range(TRUST_STEPS + 1)
    ]
    return min(mixed, key=lambda each: _surprise(each, labels))


def _surprise(shares: Float64s, labels: NDArray[np.int64]) -> float:
    """Return the mean of -log p(label)."""
    own = shares[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, LEAST_PROBABILITY)).mean())


def _predict_all_penalties(
    features: Float64s,
    labels: NDArray[np.int64],
    shown: NDArray[np.int64],
    asked: NDArray[np.int64],
    found: Float64s,
) -> None:
    """Fit on the shown samples, penalty by penalty, and write what is said of those asked."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=200, warm_start=True)
    is_known = np.isin(labels[asked], labels[shown])
    if len(np.unique(labels[shown])) < 2 or not is_known.any():
        return
    rows = asked[is_known]
    for number, penalty in enumerate(PENALTIES):
        model.set_params(C=penalty)
        model.fit(features[shown], labels[shown])
        found[number][np.ix_(rows, model.classes_)] = model.predict_proba(features[rows])
