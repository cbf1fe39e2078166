"""Samples with any number of labels: sets as numbers, and the one class that stands for a set.

A set is written as a whole number whose bit l is 1 if label l is in it, so that two sets are
equal if their numbers are. Where one class per sample is needed (balance, clusters, colours) a
sample counts under its rarest label; without any label under `NO_LABEL`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError

NO_LABEL = "no finding"
JOINED = "|"
MOST_LABELS = 62
EXACT_MATCH = (
    "Images carry any number of labels. Right means exactly these labels, each predicted above "
    "0.5; forgetting counts such exact matches. Where one class is needed (balance, clusters, "
    "colours), an image counts under its rarest label."
)
MultiHot = NDArray[np.uint8]


def rarest_first(multi_hot: MultiHot) -> NDArray[np.int64]:
    """Return the numbers of the labels, those of the fewest samples first; ties by number.

    Parameters
    ----------
    multi_hot : uint8 array, shape (samples, labels)
        1 where a sample carries a label: of the training split, which decides for all.
    """
    return np.argsort(multi_hot.sum(axis=0, dtype=np.int64), kind="stable")


def standing_class(multi_hot: NDArray[Any], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class that each sample counts under: its rarest label.

    Parameters
    ----------
    multi_hot : array, shape (samples, labels)
    order : int64 array, shape (labels,)
        From `rarest_first`.

    Returns
    -------
    int64 array, shape (samples,)
        Number of the label; the number of labels for a sample without any.
    """
    ordered = np.asarray(multi_hot)[:, order] > 0
    has_any = ordered.any(axis=1)
    return np.where(has_any, order[ordered.argmax(axis=1)], len(order)).astype(np.int64)


def set_codes(multi_hot: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of each sample's set, shape (samples,)."""
    weights = np.int64(1) << np.arange(multi_hot.shape[1], dtype=np.int64)
    return (np.asarray(multi_hot) > 0) @ weights


def code_dtype(n_labels: int) -> np.dtype[Any]:
    """Return the smallest unsigned type for all sets and one number more, "not recorded"."""
    for dtype, bits in ((np.uint8, 7), (np.uint16, 15), (np.uint32, 31)):
        if n_labels <= bits:
            return np.dtype(dtype)
    return np.dtype(np.uint64)


def multi_hot_of(codes: NDArray[Any], n_labels: int) -> MultiHot:
    """Return the sets of numbers from `set_codes`, shape (samples, labels)."""
    shifts = np.arange(n_labels, dtype=np.int64)
    return ((np.asarray(codes, dtype=np.int64)[:, None] >> shifts) & 1).astype(np.uint8)


def set_text(code: int, label_names: Sequence[str]) -> str:
    """Write a set as tables have it: its labels joined by "|", or `NO_LABEL`."""
    return JOINED.join(labels_in(code, label_names)) or NO_LABEL


def labels_in(code: int, label_names: Sequence[str]) -> list[str]:
    """Return the names of the labels in a set."""
    return [name for number, name in enumerate(label_names) if code >> number & 1]


def read_set(text: str, label_names: Sequence[str]) -> int:
    """Return the number of a set that is written as `set_text` does, in any order.

    Raises
    ------
    CoresetError
        If one of the labels is unknown, or "no finding" stands beside another.
    """
    names = [name.strip() for name in text.split(JOINED)]
    if names == [NO_LABEL]:
        return 0
    code = 0
    for name in names:
        if name not in label_names:
            raise CoresetError(
                f"labels must be some of {', '.join(label_names)}, joined by {JOINED}, or "
                f"{NO_LABEL}, got {name[:80]!r}. Correct the name."
            )
        code |= 1 << label_names.index(name)
    return code


def set_title(code: int, label_names: Sequence[str]) -> str:
    """Name a set for people: its labels joined by " + ", or `NO_LABEL`."""
    return " + ".join(labels_in(code, label_names)) or NO_LABEL
