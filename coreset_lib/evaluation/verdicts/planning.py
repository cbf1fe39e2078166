"""How many draws a difference of a given size needs before it can be told."""

import math

from coreset_lib.evaluation.verdicts.intervals import CONFIDENCE, Difference

POWER = 0.8
MOST_DRAWS = 1000


def draws_needed(
    size: float,
    *,
    deviations: tuple[float, float],
    image_variance: float = 0.0,
    power: float = POWER,
) -> int | None:
    """Return how many draws on each side would find a true difference of a given size.

    Parameters
    ----------
    size : float
        True difference, in the unit of the deviations.
    deviations : tuple of float
        Standard deviation over the draws of each side.
    image_variance : float
        Variance of the difference that the test images bring and no draw lessens.
    power : float
        Chance, in (0, 1), that the 95 % interval excludes 0.

    Returns
    -------
    int or None
        From 2 to 1000; None where more would be needed or the test set is too small for it.

    Notes
    -----
    The size must reach (t₀.₉₇₅ + t_power) standard errors with 2n − 2 degrees of freedom, as
    usual in planning; exact enough from three draws on.
    """
    if size == 0 or not math.isfinite(size):
        return None
    variance = deviations[0] ** 2 + deviations[1] ** 2

    def is_enough(n_draws: int) -> bool:
        error = math.sqrt(variance / n_draws + image_variance)
        return _quantiles(2 * n_draws - 2, power) * error <= abs(size)

    if not is_enough(MOST_DRAWS):
        return None
    few, many = 1, MOST_DRAWS
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if is_enough(middle) else (middle, many)
    return many


def draws_to_tell(found: Difference, *, margin: float) -> int | None:
    """Return how many draws on each side would decide, if things stayed as they are.

    Parameters
    ----------
    found : Difference
        Of which nothing could be told yet.
    margin : float
        Largest difference that counts as none.

    Returns
    -------
    int or None
        Draws of each side that would find the difference seen, or prove it to be within the
        margin, whichever takes fewer; None where no number up to 1000 would.
    """
    if not found.is_known:
        return None
    deviations = (
        math.sqrt(found.spread.seeds[0] * found.n_draws[0]),
        math.sqrt(found.spread.seeds[1] * found.n_draws[1]),
    )
    sizes = (found.mean, max(margin - abs(found.mean), 0.0))
    counts = [
        draws_needed(size, deviations=deviations, image_variance=found.spread.images)
        for size in sizes
    ]
    known = [count for count in counts if count is not None]
    return max(min(known), *(n + 1 for n in found.n_draws)) if known else None


def smallest_difference(
    n_draws: int, *, deviations: tuple[float, float], image_variance: float = 0.0
) -> float:
    """Return the true difference that so many draws on each side would find in 4 of 5 cases.

    Parameters
    ----------
    n_draws : int
        At least 2.
    deviations : tuple of float
        Standard deviation over the draws of each side.
    image_variance : float
        Variance of the difference that the test images bring.
    """
    variance = (deviations[0] ** 2 + deviations[1] ** 2) / n_draws + image_variance
    return _quantiles(2 * n_draws - 2, POWER) * math.sqrt(variance)


def _quantiles(degrees: int, power: float) -> float:
    """Standard errors that a difference must reach to be found with this power."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2) + stdtrit(degrees, power))
