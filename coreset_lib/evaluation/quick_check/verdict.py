"""What a quick check found: each figure with its interval, and whether it tells anything."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.paired import CONFIDENCE
from coreset_lib.evaluation.quick_check.plan import SIDES

SAME = "cannot be told apart"
BETTER, WORSE = "better", "worse"
FIGURES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "worst_class": "recall of the worst class",
}


@dataclass(frozen=True, kw_only=True)
class FoundDifference:
    """One figure on the validation split, coreset beside random; shares in [0, 1].

    Attributes
    ----------
    coreset, random : float
        Means over the networks.
    coreset_spread, random_spread : float
        Half the 95 % interval of each mean; NaN where it is not known.
    low, high : float
        95 % interval of coreset minus random; NaN where it is not known.
    verdict : str
        ``better``, ``worse`` or ``cannot be told apart``.
    n : int
        Networks on each side.
    """

    coreset: float
    random: float
    coreset_spread: float
    random_spread: float
    low: float
    high: float
    verdict: str
    n: int

    @property
    def difference(self) -> float:
        """Coreset minus random."""
        return self.coreset - self.random


def compare_means(coreset: ArrayLike, random: ArrayLike) -> FoundDifference:
    """Compare two groups of networks by Welch's interval of the difference of their means.

    Parameters
    ----------
    coreset, random : float arrays, shape (networks,)
        A figure where more is better.

    Returns
    -------
    FoundDifference
        Equal seeds are not taken for pairs: the samples differ, and with them nearly everything.
        Where either side does not vary at all, its spread is not known and there is no verdict.

    Raises
    ------
    CoresetError
        If a side is empty or holds values that are not finite.

    References
    ----------
    Welch (1947), The generalization of Student's problem; degrees of freedom by Satterthwaite.
    """
    a, b = np.asarray(coreset, dtype=np.float64), np.asarray(random, dtype=np.float64)
    if not len(a) or not len(b) or not np.isfinite([*a, *b]).all():
        raise CoresetError(
            f"a quick check compares finite numbers, got {len(a)} and {len(b)} networks, or a "
            "figure that is not defined. Check with another coreset."
        )
    variances = _variance_of_mean(a), _variance_of_mean(b)
    low = high = math.nan
    if min(variances) > 0:
        half = _quantile(_degrees_of_freedom(variances, len(a), len(b))) * math.sqrt(sum(variances))
        low, high = a.mean() - b.mean() - half, a.mean() - b.mean() + half
    return FoundDifference(
        coreset=float(a.mean()),
        random=float(b.mean()),
        coreset_spread=_half_width(variances[0], len(a)),
        random_spread=_half_width(variances[1], len(b)),
        low=float(low),
        high=float(high),
        verdict=BETTER if low > 0 else WORSE if high < 0 else SAME,
        n=min(len(a), len(b)),
    )


def found_differences(pairs: Sequence[Mapping[str, Any]]) -> dict[str, FoundDifference]:
    """Return every figure that is defined, by its name in :data:`FIGURES`.

    Parameters
    ----------
    pairs : sequence of mapping
        From :func:`coreset_lib.evaluation.quick_check.plan.finished_pairs`; may be empty.
    """
    found: dict[str, FoundDifference] = {}
    for figure in FIGURES if pairs else ():
        coreset, random = (_figures(pairs, side, figure) for side in SIDES)
        if len(coreset) == len(random) == len(pairs):
            found[figure] = compare_means(coreset, random)
    return found


def difference_in_words(found: FoundDifference) -> str:
    """Say one difference: in points with its interval, and what it tells."""
    points = f"{100 * found.difference:+.1f} points"
    if math.isnan(found.low):
        return f"{points}; {SAME}: the spread is not known"
    interval = f"{points}, 95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}"
    if found.verdict == SAME:
        return f"{SAME} ({interval})"
    return f"{found.verdict} than random ({interval})"


def conclusion_in_words(found: Mapping[str, FoundDifference]) -> str:
    """Say in one sentence what the figures tell together."""
    better = [FIGURES[name] for name, each in found.items() if each.verdict == BETTER]
    worse = [FIGURES[name] for name, each in found.items() if each.verdict == WORSE]
    if not better and not worse:
        return "This coreset and random ones of its size cannot be told apart by this check."
    parts = [f"better in {_and(better)}"] if better else []
    parts += [f"worse in {_and(worse)}"] if worse else []
    return f"The small network does {' but '.join(parts)} on this coreset than on random ones."


def _and(names: Sequence[str]) -> str:
    """Join names for a sentence."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _figures(pairs: Sequence[Mapping[str, Any]], side: str, figure: str) -> list[float]:
    """Return one figure of the networks of one side, of those that have it."""
    values = [_figure(pair[side], figure) for pair in pairs]
    return [value for value in values if value is not None]


def _figure(metrics: Mapping[str, Any], figure: str) -> float | None:
    """Return one figure of a network; None where it is not defined."""
    if figure != "worst_class":
        return metrics[figure]
    recalls = [value for value in metrics["recall"] if value is not None]
    return min(recalls, default=None)


def _variance_of_mean(values: Any) -> float:
    """Estimate the variance of the mean; 0 for one value, and for values equal up to rounding."""
    if len(values) < 2 or np.ptp(values) <= 4 * np.spacing(np.abs(values).max()):
        return 0.0
    return float(values.var(ddof=1)) / len(values)


def _degrees_of_freedom(variances: tuple[float, float], n_first: int, n_second: int) -> float:
    """Approximate them after Satterthwaite, from the variances of two means."""
    first, second = variances
    return (first + second) ** 2 / (first**2 / (n_first - 1) + second**2 / (n_second - 1))


def _half_width(variance: float, n: int) -> float:
    """Half the interval of one mean; NaN where its spread is not known."""
    return _quantile(n - 1) * math.sqrt(variance) if variance else math.nan


def _quantile(degrees_of_freedom: float) -> float:
    """Return the quantile of Student's t that bounds the interval."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, degrees_of_freedom))
