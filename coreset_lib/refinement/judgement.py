"""How right the flags on noisy labels were, where the true ones are known."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FlagFigures:
    """How right the flags were; shares in [0, 1], None where there is nothing to divide by.

    Attributes
    ----------
    n_noisy, n_wrong : int
        Labels called wrong, and labels that are wrong.
    precision, recall : float or None
        Share of wrong ones among those called wrong, and the reverse.
    clean_called_noisy : float or None
        Share of the rightly labelled samples that is called wrong.
    minority, majority : float or None
        The same for the classes with fewer given labels than the mean class, and for the
        others.
    by_class : tuple of float or None
        The same for each class.
    """

    n_noisy: int
    n_wrong: int
    precision: float | None
    recall: float | None
    clean_called_noisy: float | None
    minority: float | None
    majority: float | None
    by_class: tuple[float | None, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"by_class": list(self.by_class)}


def judge_flags(
    is_noisy: Flags, labels: Labels, true_labels: Labels, n_classes: int
) -> FlagFigures:
    """Compare flags with the truth.

    Parameters
    ----------
    is_noisy : bool array, shape (samples,)
        Labels called wrong.
    labels, true_labels : int64 arrays, shape (samples,)
        Given and true ones.
    n_classes : int

    Returns
    -------
    FlagFigures
    """
    is_wrong = labels != true_labels
    is_clean = ~is_wrong
    is_minority = minority_classes(labels, n_classes)[labels]
    return FlagFigures(
        n_noisy=int(is_noisy.sum()),
        n_wrong=int(is_wrong.sum()),
        precision=_share(is_wrong, is_noisy),
        recall=_share(is_noisy, is_wrong),
        clean_called_noisy=_share(is_noisy, is_clean),
        minority=_share(is_noisy, is_clean & is_minority),
        majority=_share(is_noisy, is_clean & ~is_minority),
        by_class=tuple(_share(is_noisy, is_clean & (labels == k)) for k in range(n_classes)),
    )


def minority_classes(labels: Labels, n_classes: int) -> Flags:
    """Return which classes have fewer labels than the mean of the classes that are there."""
    counts = np.bincount(labels, minlength=n_classes)
    return counts < counts.sum() / max(int((counts > 0).sum()), 1)


def _share(flags: Flags, among: Flags) -> float | None:
    """Share of the flagged among some samples."""
    return float(flags[among].mean()) if among.any() else None
