"""How many samples to keep, and how many of each class."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_rate
from coreset_lib.errors import CoresetError

BALANCES = ("global", "proportional", "equal")
ROUNDING = Fraction(1, 10**9)  # far above what a float's rounding can add to a number of samples
Counts = NDArray[np.int64]


def budget(rate: float, n_samples: int) -> int:
    """Number of samples to keep, ``M = ceil(rate * N)``.

    The rate counts as the decimal number that was written: 0.07 of 100 is 7, although
    the nearest binary fraction lies above it. So does a share that was divided: 17/30 of
    30 is 17, although it is rounded up.

    References
    ----------
    EVA, sec. 3.2.
    """
    check_rate(rate)
    return max(math.ceil(exact_share(rate, n_samples) - ROUNDING), 1)


def exact_share(rate: float, n_samples: int) -> Fraction:
    """Return ``rate * n_samples`` for the rate as it was written, without rounding."""
    return Fraction(repr(float(rate))) * n_samples


def class_quotas(total: int, *, class_counts: Counts, available: Counts, balance: str) -> Counts:
    """Split a budget over the classes by largest remainder.

    Parameters
    ----------
    total : int
        Samples to keep, at most ``available.sum()``.
    class_counts : int array, shape (classes,)
        Samples per class in the training set, the weights of ``proportional``.
    available : int array, shape (classes,)
        Samples per class that may be chosen (after a noise cut).
    balance : {"proportional", "equal"}
        What a class gets shares of: its size, or one share each.

    Returns
    -------
    int array, shape (classes,)
        Sums to ``total``; never more than available; at least 1 for each class present
        when ``total`` allows. What a small class cannot fill goes to the others.

    Raises
    ------
    CoresetError
        If ``balance`` is equal and there are fewer samples to keep than classes.
    """
    is_present = available > 0
    if balance == "equal" and total < is_present.sum():
        raise CoresetError(
            f"equal balance needs at least one sample per class, got {total} samples for "
            f"{is_present.sum()} classes. Raise the rate or choose balance proportional."
        )
    return _quotas(total, class_counts, available, balance)


def quotas_left(
    total: int, *, class_counts: Counts, available: Counts, taken: Counts, balance: str
) -> Counts:
    """Return what each class has left of its quota beside the samples that are set already.

    Where more of a class are set than its quota, the other classes share what is left as if it
    were not there. As :func:`class_quotas` where nothing is set.

    Parameters
    ----------
    total, class_counts, available, balance
        As of :func:`class_quotas`; total and available count the samples that are set, too.
    taken : int array, shape (classes,)
        Samples that are set.

    Returns
    -------
    int array, shape (classes,)
        Sums to ``total - taken.sum()``.
    """
    quotas = class_quotas(total, class_counts=class_counts, available=available, balance=balance)
    is_over = taken > quotas
    while (taken > quotas).any():
        is_over |= taken > quotas
        left = total - int(taken[is_over].sum())
        others = np.where(is_over, 0, available)
        quotas = np.where(is_over, taken, _quotas(left, class_counts, others, balance))
    return quotas - taken


def _quotas(total: int, class_counts: Counts, available: Counts, balance: str) -> Counts:
    """Share a budget among the classes that have samples."""
    is_present = available > 0
    weights = np.where(is_present, class_counts if balance == "proportional" else 1, 0)
    shares = _fill(total, weights.astype(np.float64), available)
    quotas = _largest_remainder(total, shares, available)
    return _at_least_one_each(quotas, shares, is_present) if total >= is_present.sum() else quotas


def _fill(total: int, weights: NDArray[np.float64], available: Counts) -> NDArray[np.float64]:
    """Share ``total`` by weight; what a full class cannot take goes to the others."""
    shares = np.zeros(len(weights))
    is_open = weights > 0
    left = float(total)
    while is_open.any():
        ideal = left * weights / weights[is_open].sum()
        is_full = is_open & (ideal >= available)
        if not is_full.any():
            shares[is_open] = ideal[is_open]
            break
        shares[is_full] = available[is_full]
        left -= float(available[is_full].sum())
        is_open &= ~is_full
    return shares


def _largest_remainder(total: int, shares: NDArray[np.float64], available: Counts) -> Counts:
    """Round shares to whole numbers that sum to ``total``; ties go to the lower class."""
    quotas = np.floor(shares + 1e-9).astype(np.int64)
    remainder = np.where(quotas < available, shares - quotas, -1.0)
    for klass in np.argsort(-remainder, kind="stable")[: total - int(quotas.sum())]:
        quotas[klass] += 1
    return quotas


def _at_least_one_each(
    quotas: Counts, shares: NDArray[np.float64], is_present: NDArray[np.bool_]
) -> Counts:
    """Give every class present a sample, taken from the classes with the most.

    Among equals the one with the smallest share gives, so that a larger class never ends
    with fewer samples than a smaller one.
    """
    quotas = quotas.copy()
    for klass in np.flatnonzero(is_present & (quotas == 0)):
        most = np.flatnonzero(quotas == quotas.max())
        quotas[most[np.argmin(shares[most])]] -= 1
        quotas[klass] = 1
    return quotas
