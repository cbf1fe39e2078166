"""How good predictions are: accuracy, balanced accuracy, AUC; recall, precision, F1 per class."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import Split


@dataclass(frozen=True, kw_only=True)
class ClassificationMetrics:
    """Figures of one network on one split; shares in [0, 1].

    ``balanced_accuracy`` is the mean recall of the classes that the split holds;
    ``macro_auc`` the mean one-against-rest area under the ROC curve of these (NaN where
    the split holds one class); ``recall`` is per class, NaN for an absent class; ``precision``
    is NaN for a class that is never predicted, and ``f1`` where both hold. ``macro_f1`` and
    ``macro_precision`` are means over the classes that the split holds, of which one that is
    never predicted counts 0.
    """

    accuracy: float
    balanced_accuracy: float
    macro_auc: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    f1: tuple[float, ...]
    macro_precision: float
    macro_f1: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, None for NaN."""
        return {
            name: [_plain(each) for each in value] if isinstance(value, tuple) else _plain(value)
            for name, value in asdict(self).items()
        }


def classification_metrics(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]
) -> ClassificationMetrics:
    """Compute all figures of one split.

    Parameters
    ----------
    probabilities : float array, shape (samples, classes)
    labels : int64 array, shape (samples,)

    Returns
    -------
    ClassificationMetrics
    """
    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    is_correct = predicted == labels
    counts = np.bincount(labels, minlength=n_classes)
    hits = np.bincount(labels[is_correct], minlength=n_classes)
    recall = np.where(counts > 0, hits / np.maximum(counts, 1), np.nan)
    areas = [area_under_roc(probabilities[:, k], labels == k) for k in range(n_classes)]
    return ClassificationMetrics(
        accuracy=float(is_correct.mean()),
        balanced_accuracy=float(np.nanmean(recall)),
        macro_auc=_mean_of_defined(areas),
        recall=tuple(recall.tolist()),
        **_precision_and_f1(hits, counts, np.bincount(predicted, minlength=n_classes)),
    )


def multi_label_metrics(
    probabilities: NDArray[np.floating[Any]], multi_hot: NDArray[np.uint8]
) -> ClassificationMetrics:
    """Compute all figures of one split whose samples carry any number of labels.

    A label counts as predicted above 0.5. ``accuracy`` is the share of samples whose whole set
    of labels is right; ``balanced_accuracy`` the mean over the labels of (sensitivity +
    specificity) / 2, and ``macro_auc`` the mean area under the ROC curve, over the labels that
    some samples of the split carry and some do not; ``recall`` is the sensitivity of each
    label, and last the share of samples without labels that are given none.

    Parameters
    ----------
    probabilities : float array, shape (samples, labels)
    multi_hot : uint8 array, shape (samples, labels)

    Returns
    -------
    ClassificationMetrics
    """
    is_given, is_predicted = multi_hot > 0, probabilities > 0.5
    columns = list(zip(is_given.T, is_predicted.T, strict=True))
    sensitivity = [_share(predicted[given]) for given, predicted in columns]
    specificity = [_share(~predicted[~given]) for given, predicted in columns]
    areas = [
        area_under_roc(scores, given)
        for scores, given in zip(probabilities.T, is_given.T, strict=True)
    ]
    halves = [(a + b) / 2 for a, b in zip(sensitivity, specificity, strict=True)]
    is_plain, is_called_plain = ~is_given.any(axis=1), ~is_predicted.any(axis=1)
    columns.append((is_plain, is_called_plain))
    hits, counts, n_predicted = np.array(
        [[(a & b).sum(), a.sum(), b.sum()] for a, b in columns], dtype=np.int64
    ).T
    return ClassificationMetrics(
        accuracy=float((is_given == is_predicted).all(axis=1).mean()),
        balanced_accuracy=_mean_of_defined(halves),
        macro_auc=_mean_of_defined(areas),
        recall=(*sensitivity, _share(is_called_plain[is_plain])),
        **_precision_and_f1(hits, counts, n_predicted),
    )


def split_metrics(probabilities: NDArray[np.floating[Any]], split: Split) -> ClassificationMetrics:
    """Compute all figures of a split, whatever kind of labels it has."""
    if split.multi_hot is None:
        return classification_metrics(probabilities, split.labels)
    return multi_label_metrics(probabilities, split.multi_hot)


def _precision_and_f1(
    hits: NDArray[np.int64], counts: NDArray[np.int64], n_predicted: NDArray[np.int64]
) -> dict[str, Any]:
    """Return precision and F1 of each class and their means over the classes that there are."""
    both = counts + n_predicted
    precision = np.where(n_predicted > 0, hits / np.maximum(n_predicted, 1), np.nan)
    f1 = np.where(both > 0, 2 * hits / np.maximum(both, 1), np.nan)
    held = counts > 0
    return {
        "precision": tuple(precision.tolist()),
        "f1": tuple(f1.tolist()),
        "macro_precision": float(np.nan_to_num(precision[held]).mean()),
        "macro_f1": float(f1[held].mean()),
    }


def _share(is_right: NDArray[np.bool_]) -> float:
    """Return the share of what is true; NaN of nothing."""
    return float(is_right.mean()) if len(is_right) else float("nan")


def area_under_roc(score: NDArray[Any], is_positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by rank sums (ties count half); NaN without both kinds.

    Parameters
    ----------
    score : float array, shape (samples,)
        Higher = more likely positive; may hold infinities.
    is_positive : bool array, shape (samples,)
    """
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    from scipy.stats import rankdata

    rank_sum = float(rankdata(score)[is_positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def _mean_of_defined(values: list[float]) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    defined = [value for value in values if value == value]
    return float(np.mean(defined)) if defined else float("nan")


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return None if value != value else value
