"""Slices of a set by a column of one's own table: scanner, site, age; how each was learned."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_SLICES = 12
FEWEST_NUMBERS = 9
QUARTERS = (0.25, 0.5, 0.75)
OTHERS = "others"
LEVEL = 0.95
FEWEST_OF_CLASS = 5


@dataclass(frozen=True, eq=False)
class Slices:
    """Which slice every sample is in: ``codes`` of shape (samples,) count ``names``, -1 none."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]

    def members(self, number: int) -> NDArray[np.intp]:
        """Return the samples of a slice."""
        return np.flatnonzero(self.codes == number)

    def holds(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return which samples are in one of the named slices, shape (samples,)."""
        numbers = [number for number, name in enumerate(self.names) if name in names]
        return np.isin(self.codes, numbers)


@dataclass(frozen=True, kw_only=True)
class SliceFigures:
    """One slice: its size, its classes, and how its samples were learned.

    Attributes
    ----------
    name : str
    n_samples : int
    class_shares : float array, shape (classes,)
        Share of each class in the slice, 0 to 1.
    right : float
        Share of its samples that were right, 0 to 1.
    low, high : float
        The 95 % interval of that share.
    expected : float
        What the share would be if each class were as often right in the slice as in the whole set.
    verdict : str
        "lower" or "higher" where the slice differs from ``expected`` by more than chance, "" where
        that cannot be told.
    """

    name: str
    n_samples: int
    class_shares: NDArray[np.float64]
    right: float
    low: float
    high: float
    expected: float
    verdict: str


def slices_of(values: "pd.Series[Any]") -> Slices:
    """Return the slices that the cells of a column make.

    Parameters
    ----------
    values : Series, shape (samples,)
        Numbers or texts; an empty cell is in no slice.

    Returns
    -------
    Slices
        Four of about the same size where every cell is a number and there are 9 different ones or
        more. Otherwise one for each of the commonest 12 texts, and one for all others.
    """
    texts = np.array([str(cell).strip() for cell in values.fillna("")], dtype=object)
    is_there = np.array([bool(text) for text in texts], dtype=np.bool_)
    parsed: Any = pd.to_numeric(pd.Series(texts[is_there], dtype=object), errors="coerce")
    numbers = np.asarray(parsed, dtype=np.float64)
    if np.isfinite(numbers).all() and len(np.unique(numbers)) >= FEWEST_NUMBERS:
        return _quarters(numbers, is_there)
    counts = Counter(texts[is_there].tolist())
    names = [name for name, _ in counts.most_common(MOST_SLICES)]
    code_of = {name: code for code, name in enumerate(names)}
    last = len(names)
    codes = np.array([code_of.get(t, last) if t else -1 for t in texts], dtype=np.int64)
    return Slices((*names, OTHERS)[: codes.max(initial=-1) + 1], codes)


def _quarters(numbers: NDArray[np.float64], is_there: NDArray[np.bool_]) -> Slices:
    """Cut numbers into four slices of about the same size, each named by its ends."""
    inner = np.unique(np.quantile(numbers, QUARTERS))
    found = np.searchsorted(inner, numbers, side="left")
    _, found = np.unique(found, return_inverse=True)
    names = tuple(
        f"{own.min():g} to {own.max():g}"
        for own in (numbers[found == code] for code in range(found.max() + 1))
    )
    codes = np.full(len(is_there), -1, dtype=np.int64)
    codes[is_there] = found
    return Slices(names, codes)


def compare_slices(
    slices: Slices, labels: NDArray[np.int64], is_right: NDArray[np.bool_], *, n_classes: int
) -> list[SliceFigures]:
    """Compare how the slices of a set were learned, class mix taken into account.

    Parameters
    ----------
    slices : Slices
    labels : int64 array, shape (samples,)
        From 0 to ``n_classes`` - 1.
    is_right : bool array, shape (samples,)
        For example whether a sample was right in most of the first ten epochs.
    n_classes : int

    Returns
    -------
    list of SliceFigures
        One for each slice that has a sample, in order.

    Notes
    -----
    Intervals are Wilson's. A slice is called lower or higher where ``expected`` lies outside of
    the interval at 1 - 0.05 / slices (Bonferroni): with no difference at all, one verdict in
    twenty tables is wrong. ``expected`` is taken as known, though it is estimated from the set;
    the slice is a part of that set, so small differences are rather missed.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference (1927), Eq. for
    the limits of p.
    """
    rate = np.array([_share(is_right[labels == k]) for k in range(n_classes)])
    found: list[SliceFigures] = []
    for number, name in enumerate(slices.names):
        members = slices.members(number)
        if not len(members):
            continue
        shares = np.bincount(labels[members], minlength=n_classes) / len(members)
        n_right, n_samples = int(is_right[members].sum()), len(members)
        low, high = wilson_interval(n_right, n_samples)
        expected = float(shares @ rate)
        sure = wilson_interval(n_right, n_samples, level=1 - (1 - LEVEL) / len(slices.names))
        found.append(
            SliceFigures(
                name=name,
                n_samples=n_samples,
                class_shares=shares,
                right=n_right / n_samples,
                low=low,
                high=high,
                expected=expected,
                verdict="lower" if sure[1] < expected else "higher" if sure[0] > expected else "",
            )
        )
    return found


def classes_of_one_slice(
    slices: Slices, labels: NDArray[np.int64], *, n_classes: int
) -> list[tuple[int, int]]:
    """Return the classes whose samples are all in one slice, though others have samples too.

    A network may tell such a class by its scanner or site instead of by what it shows.

    Returns
    -------
    list of (class, slice)
        Classes with five samples or more, of those that have a slice.
    """
    present = np.unique(slices.codes[slices.codes >= 0])
    if len(present) < 2:
        return []
    found: list[tuple[int, int]] = []
    for number in range(n_classes):
        codes = slices.codes[(labels == number) & (slices.codes >= 0)]
        if len(codes) >= FEWEST_OF_CLASS and (codes == codes[0]).all():
            found.append((number, int(codes[0])))
    return found


def wilson_interval(n_right: int, n_samples: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Return the Wilson interval of a share: ``n_right`` of ``n_samples``, at least one sample."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, more = n_right / n_samples, z * z / n_samples
    middle = (share + more / 2) / (1 + more)
    half = z * sqrt(share * (1 - share) / n_samples + more / (4 * n_samples)) / (1 + more)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _share(values: NDArray[np.bool_]) -> float:
    """Return the share that is true; 0 of none."""
    return float(values.mean()) if len(values) else 0.0
