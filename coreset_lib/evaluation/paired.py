"""Is a strategy better than random? Paired differences over seeds, and a plain verdict."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coreset_lib.errors import CoresetError

CONFIDENCE = 0.95
MOST_SEEDS = 1000


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Differences (strategy minus reference) over paired seeds.

    Attributes
    ----------
    mean, standard_deviation : float
        Of the differences; the deviation with n − 1, NaN for one seed.
    low, high : float
        Ends of the 95 % confidence interval of the mean; NaN for one seed, and where all
        differences are equal, because then nothing is known of their spread.
    n_seeds : int
    verdict : str
        ``better``, ``worse``, ``no difference seen``, or ``too few seeds``.
    seeds_to_tell : int or None
        How many seeds would exclude 0 if mean and deviation stayed as they are;
        None where that is already so, or would take more than 1000.
    """

    mean: float
    standard_deviation: float
    low: float
    high: float
    n_seeds: int
    verdict: str
    seeds_to_tell: int | None


def compare_paired(strategy: ArrayLike, reference: ArrayLike) -> PairedComparison:
    """Compare a strategy with its reference, seed by seed.

    Parameters
    ----------
    strategy, reference : float arrays, shape (seeds,)
        A figure where more is better, for example accuracy; the same seeds in both.

    Returns
    -------
    PairedComparison
        Student's t interval of the mean difference, n − 1 degrees of freedom. Differences
        that are all equal have none: figures of a few hundred test images often agree by chance.

    Raises
    ------
    CoresetError
        If the shapes differ, are empty, or hold values that are not finite.
    """
    a, b = np.asarray(strategy, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a) or not np.isfinite(a - b).all():
        raise CoresetError(
            f"paired results must be two equally long lists of finite numbers, got shapes "
            f"{a.shape} and {b.shape}. Finish the missing cells first."
        )
    return _describe(a - b, rounding=4 * np.spacing(max(np.abs(a).max(), np.abs(b).max())))


def _describe(differences: NDArray[np.float64], rounding: float) -> PairedComparison:
    """Build mean, interval and verdict; differences closer than ``rounding`` are equal."""
    n_seeds = len(differences)
    mean = float(differences.mean())
    if n_seeds < 2 or np.ptp(differences) <= rounding:
        return _without_interval(mean, n_seeds, is_zero=n_seeds > 1 and abs(mean) <= rounding)
    deviation = float(differences.std(ddof=1))
    half = deviation * float(_half_widths()[n_seeds])
    low, high = mean - half, mean + half
    verdict = "better" if low > 0 else "worse" if high < 0 else "no difference seen"
    return PairedComparison(
        mean=mean,
        standard_deviation=deviation,
        low=low,
        high=high,
        n_seeds=n_seeds,
        verdict=verdict,
        seeds_to_tell=_seeds_to_tell(mean, deviation, n_seeds) if low <= 0 <= high else None,
    )


def _without_interval(mean: float, n_seeds: int, *, is_zero: bool) -> PairedComparison:
    """Describe differences whose spread is not known."""
    return PairedComparison(
        mean=mean,
        standard_deviation=0.0 if n_seeds > 1 else math.nan,
        low=math.nan,
        high=math.nan,
        n_seeds=n_seeds,
        verdict="no difference seen" if is_zero else "too few seeds",
        seeds_to_tell=None,
    )


@cache
def _half_widths() -> NDArray[np.float64]:
    """Half the width of the interval of a mean per standard deviation, by number of seeds.

    Numbers of seeds from 0; infinite below 2.
    """
    from scipy.stats import t

    n = np.arange(2, MOST_SEEDS + 1)
    widths = t.ppf((1 + CONFIDENCE) / 2, n - 1) / np.sqrt(n)
    return np.concatenate([[np.inf, np.inf], widths])


def _seeds_to_tell(mean: float, deviation: float, n_seeds: int) -> int | None:
    """Smallest number of seeds whose interval would exclude 0."""
    if mean == 0:
        return None
    is_enough = deviation * _half_widths()[n_seeds + 1 :] < abs(mean)
    return n_seeds + 1 + int(is_enough.argmax()) if is_enough.any() else None
