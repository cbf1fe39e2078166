"""How far each test image moves a figure: what intervals over test images are made of.

The mean of the contributions over the images is 0, and their variance over the number of images
is the variance of the figure if other images were drawn (delta method).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Figures of the whole test set, and those of each class.
OVERALL = ("accuracy", "balanced_accuracy", "macro_auc", "macro_f1", "macro_precision")
PER_CLASS = ("recall", "precision", "f1")
THRESHOLD = 0.5  # above it, a label of a set counts as predicted


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one network said of the test images, beside the truth.

    Attributes
    ----------
    given, predicted : bool arrays, shape (images, classes)
        One true entry in each row; of samples with any number of labels, any number, and the
        last column says that there is none.
    scores : float array, shape (images, classes or labels)
        Probabilities.
    is_multi_label : bool
    """

    given: Bools
    predicted: Bools
    scores: NDArray[np.floating[Any]]
    is_multi_label: bool = False

    @classmethod
    def read(cls, probabilities: NDArray[np.floating[Any]], truth: NDArray[Any]) -> "Predictions":
        """Take probabilities beside labels, shape (images,), or multi-hot, (images, labels)."""
        if truth.ndim == 1:
            numbers = np.arange(probabilities.shape[1])
            winners = probabilities.argmax(axis=1)
            return cls(truth[:, None] == numbers, winners[:, None] == numbers, probabilities)
        sides = (_with_none(truth > 0), _with_none(probabilities > THRESHOLD))
        return cls(*sides, probabilities, is_multi_label=True)

    @property
    def n_images(self) -> int:
        """Test images."""
        return len(self.given)


def contributions(predictions: Predictions, figure: str, klass: int | None = None) -> Floats:
    """Return how far each image moves a figure of one network.

    Parameters
    ----------
    predictions : Predictions
    figure : str
        One of ``OVERALL``, or of ``PER_CLASS`` with a class.
    klass : int, optional

    Returns
    -------
    float64 array, shape (images,)
        0 throughout where the figure is not defined.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), for the area under the ROC curve.
    """
    if figure in PER_CLASS:
        assert klass is not None
        return _OF_CLASS[figure](predictions, klass)
    if figure == "accuracy":
        is_right = (predictions.given == predictions.predicted).all(axis=1)
        return is_right - is_right.mean()
    if figure == "balanced_accuracy" and predictions.is_multi_label:
        return _mean_of(_halves, predictions, _labels_with_both(predictions))
    if figure == "macro_auc":
        return _mean_of(_area, predictions, _labels_with_both(predictions))
    part = {"balanced_accuracy": _recall, "macro_f1": _f1, "macro_precision": _precision}[figure]
    return _mean_of(part, predictions, np.flatnonzero(predictions.given.any(axis=0)))


def _with_none(is_there: Bools) -> Bools:
    """Add the column that says that there is no label."""
    return np.column_stack([is_there, ~is_there.any(axis=1)])


def _labels_with_both(predictions: Predictions) -> NDArray[np.intp]:
    """Classes that some images belong to and some do not."""
    given = predictions.given[:, : predictions.scores.shape[1]]
    return np.flatnonzero(given.any(axis=0) & ~given.all(axis=0))


def _mean_of(part: Any, predictions: Predictions, classes: NDArray[np.intp]) -> Floats:
    """Average a contribution over classes."""
    total = np.zeros(predictions.n_images)
    for klass in classes.tolist():
        total += part(predictions, klass)
    return total / max(len(classes), 1)


def _share_within(members: Bools, is_right: Bools) -> Floats:
    """Contributions to the share of members that are right.

    Scaled so that the variance within the members counts their number less one: a class may
    have few of the images.
    """
    n_members = int(members.sum())
    if not n_members:
        return np.zeros(len(members))
    scale = math.sqrt(n_members / max(n_members - 1, 1)) * len(members) / n_members
    return np.where(members, (is_right - is_right[members].mean()) * scale, 0.0)


def _recall(predictions: Predictions, klass: int) -> Floats:
    return _share_within(predictions.given[:, klass], predictions.predicted[:, klass])


def _precision(predictions: Predictions, klass: int) -> Floats:
    return _share_within(predictions.predicted[:, klass], predictions.given[:, klass])


def _f1(predictions: Predictions, klass: int) -> Floats:
    """F1 = 2 TP / (given + predicted)."""
    given, predicted = predictions.given[:, klass], predictions.predicted[:, klass]
    weight = given.astype(np.float64) + predicted
    if not weight.any():
        return np.zeros(len(given))
    hits = 2.0 * (given & predicted)
    return (hits - hits.sum() / weight.sum() * weight) * (len(given) / weight.sum())


def _halves(predictions: Predictions, klass: int) -> Floats:
    """Mean of sensitivity and specificity."""
    given, predicted = predictions.given[:, klass], predictions.predicted[:, klass]
    return (_share_within(given, predicted) + _share_within(~given, ~predicted)) / 2


def _area(predictions: Predictions, klass: int) -> Floats:
    """Area under the ROC curve, one against the rest; ties count half."""
    from scipy.stats import rankdata

    score, positive = predictions.scores[:, klass], predictions.given[:, klass]
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    among_all = rankdata(score)
    below = np.empty(len(score))
    below[positive] = (among_all[positive] - rankdata(score[positive])) / n_negative
    below[~positive] = 1 - (among_all[~positive] - rankdata(score[~positive])) / n_positive
    area = below[positive].mean()
    sizes = np.where(positive, n_positive, n_negative)
    scale = np.sqrt(sizes / np.maximum(sizes - 1, 1)) * len(score) / sizes
    return (below - area) * scale


_OF_CLASS = {"recall": _recall, "precision": _precision, "f1": _f1}
