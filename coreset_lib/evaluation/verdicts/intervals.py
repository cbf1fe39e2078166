"""Intervals over draws and test images: of one mean, and of the difference of two."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError

CONFIDENCE = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Draws:
    """One figure of networks that were trained on several draws of a coreset.

    Attributes
    ----------
    values : float64 array, shape (draws,)
        The figure of each network, in [0, 1]; more is better.
    contributions : float array, shape (draws, images), or None
        How far each test image moves the figure, so that the mean over the images estimates
        the figure's error (see :mod:`coreset_lib.evaluation.verdicts.contributions`). None
        where predictions were not kept: then intervals are over the draws alone.
    """

    values: Floats
    contributions: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        values = self.values
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise CoresetError(
                "results must be a list of finite numbers, one for each draw, got an array of "
                f"shape {values.shape}. Finish the missing trainings first."
            )
        moved = self.contributions
        if moved is not None and (moved.ndim != 2 or len(moved) != len(values)):
            raise CoresetError(
                f"contributions must have one row for each of the {len(values)} draws, got "
                f"shape {moved.shape}. Finish the missing trainings first."
            )

    @property
    def n_draws(self) -> int:
        """Networks trained."""
        return len(self.values)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Where the error of a mean, or of a difference of means, comes from.

    Attributes
    ----------
    seeds : tuple of float
        Variance that the draws bring, of each side; what one more draw lessens.
    images : float
        Variance that the finite test set brings; no draw lessens it. 0 where unknown.
    degrees : float
        Degrees of freedom of the sum (Satterthwaite).
    """

    seeds: tuple[float, ...]
    images: float
    degrees: float

    @property
    def standard_error(self) -> float:
        """Standard error; NaN where the draws of a side are too few to tell."""
        return math.sqrt(sum(self.seeds) + self.images)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over draws; shares in [0, 1].

    Attributes
    ----------
    mean, standard_deviation : float
        Over draws (n − 1); the deviation is NaN for one draw.
    low, high : float
        95 % interval of the mean over draws and, if known, test images; NaN where the spread
        is not known.
    worst : float
        The lowest of the draws: who uses a coreset draws once.
    n_draws : int
    covers_images : bool
        Whether the interval speaks of other test images too.
    """

    mean: float
    standard_deviation: float
    low: float
    high: float
    worst: float
    n_draws: int
    covers_images: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean of one side minus that of a reference; shares in [-1, 1].

    Attributes
    ----------
    mean : float
    low, high : float
        95 % interval; NaN where the spread is not known (one draw, or nothing ever differs).
    p_value : float
        Two-sided, of a true difference of 0; NaN where the spread is not known.
    spread : Spread
    n_draws : tuple of int
        Of both sides.
    covers_images : bool
        Whether the interval speaks of other test images too.
    """

    mean: float
    low: float
    high: float
    p_value: float
    spread: Spread
    n_draws: tuple[int, int]
    covers_images: bool

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval with another confidence; NaN where unknown."""
        return _interval(self.mean, self.spread, confidence)


def estimate(draws: Draws) -> Estimate:
    """Return mean, spread and interval of a figure over its draws.

    Parameters
    ----------
    draws : Draws

    Returns
    -------
    Estimate

    Notes
    -----
    The squares of the half-widths over draws (Student) and over images are added: with one side
    and few draws, Satterthwaite's interval, as of :func:`difference`, is too short. Of three
    draws it is rather too long.

    References
    ----------
    Zou and Donner, Stat. Methods Med. Res. 17 (2008): variance estimates recovery.
    """
    mean, spread = float(draws.values.mean()), _spread(draws)
    half = _half_of_one(spread, draws.n_draws)
    is_one = draws.n_draws < 2
    return Estimate(
        mean=mean,
        standard_deviation=math.nan if is_one else float(draws.values.std(ddof=1)),
        low=mean - half,
        high=mean + half,
        worst=float(draws.values.min()),
        n_draws=draws.n_draws,
        covers_images=draws.contributions is not None,
    )


def difference(ours: Draws, reference: Draws) -> Difference:
    """Compare a figure with that of a reference, tested on the same images.

    Parameters
    ----------
    ours, reference : Draws
        They may differ in the number of draws. Contributions count where both have them.

    Returns
    -------
    Difference

    Raises
    ------
    CoresetError
        If the contributions are of different images.

    Notes
    -----
    Draws and images are crossed: every network is tested on every image. With A the variance
    that a side's draws show over their number, B that of the mean contributions of the images
    over theirs, and C what both hold (chance of a single network on a single image, from the
    residuals of the two-way layout), the variance of the difference is A₁ + A₂ + B − C₁ − C₂,
    where no part may fall below the C within it. Draws of the two sides are independent: equal
    seeds hardly pair (correlation 0.07 measured), so nothing is gained by pairing them and half
    of the degrees of freedom would be lost. ``tests/evaluation/verdicts`` simulates the
    coverage of the interval.

    References
    ----------
    Gallas, Bandos, Samuelson, Wagner, "A framework for random-effects ROC analysis",
    Commun. Stat. Theory Methods 38 (2009): readers are our draws, cases our test images.
    Satterthwaite, Biometrics 2 (1946): degrees of freedom.
    """
    mean = float(ours.values.mean() - reference.values.mean())
    spread = _spread(ours, reference)
    low, high = _interval(mean, spread, CONFIDENCE)
    return Difference(
        mean=mean,
        low=low,
        high=high,
        p_value=_p_value(mean, spread),
        spread=spread,
        n_draws=(ours.n_draws, reference.n_draws),
        covers_images=ours.contributions is not None and reference.contributions is not None,
    )


def _spread(*sides: Draws) -> Spread:
    """Return where the error of a mean, or of a difference of two, comes from."""
    if any(side.n_draws < 2 for side in sides):
        return Spread(seeds=(math.nan,) * len(sides), images=math.nan, degrees=math.nan)
    seeds = [_variance(side.values) / side.n_draws for side in sides]
    moved = [side.contributions for side in sides]
    if any(each is None for each in moved):
        return _with_degrees(sides, seeds, 0.0, math.inf)
    known = [np.asarray(each, dtype=np.float64) for each in moved if each is not None]
    _check_same_images(known)
    both = [_interaction(each) for each in known]
    images, degrees = _image_variance(known)
    rest = max(images - sum(both), 0.0)
    seeds = [max(own, shared) for own, shared in zip(seeds, both, strict=True)]
    return _with_degrees(sides, seeds, rest, degrees)


def _variance(values: Floats) -> float:
    """Variance over draws (n − 1); 0 where they differ by rounding alone."""
    is_equal = np.ptp(values) <= 4 * np.spacing(np.abs(values).max())
    return 0.0 if is_equal else float(values.var(ddof=1))


def _with_degrees(
    sides: tuple[Draws, ...], seeds: list[float], images: float, image_degrees: float
) -> Spread:
    """Add Satterthwaite's degrees of freedom."""
    parts = [part**2 / (side.n_draws - 1) for part, side in zip(seeds, sides, strict=True)]
    weight = sum(parts) + images**2 / image_degrees
    total = sum(seeds) + images
    degrees = total**2 / weight if weight > 0 else math.nan
    return Spread(seeds=tuple(seeds), images=images, degrees=degrees)


def _interaction(moved: Floats) -> float:
    """Variance of the mean that single networks on single images bring: C of the Notes."""
    n_draws, n_images = moved.shape
    if n_images < 2:
        return 0.0
    by_draw, by_image = moved.mean(axis=1, keepdims=True), moved.mean(axis=0)
    residual = moved - by_draw - by_image + moved.mean()
    return float((residual**2).sum()) / ((n_draws - 1) * (n_images - 1) * n_draws * n_images)


def _image_variance(moved: list[Floats]) -> tuple[float, float]:
    """Variance of the mean that the images bring (B of the Notes), and its degrees of freedom.

    The fewer images differ at all, the fewer the degrees.
    """
    profile = moved[0].mean(axis=0) - (moved[1].mean(axis=0) if len(moved) > 1 else 0.0)
    n_images = len(profile)
    squares = (profile - profile.mean()) ** 2
    total = float(squares.sum())
    if n_images < 2 or total == 0:
        return 0.0, math.inf
    excess = float((squares**2).sum()) / total**2 - 1 / n_images
    return total / (n_images * (n_images - 1)), 2 / excess if excess > 0 else n_images - 1.0


def _check_same_images(moved: list[Floats]) -> None:
    """Raise CoresetError for sides that were tested on different images."""
    counts = {each.shape[1] for each in moved}
    if len(counts) > 1:
        raise CoresetError(
            f"both sides must be tested on the same images, got {sorted(counts)}. "
            "Compare trainings of one comparison."
        )


def _interval(mean: float, spread: Spread, confidence: float) -> tuple[float, float]:
    """Return the ends of Student's interval; NaN where nothing is known of the spread."""
    from scipy.special import stdtrit

    error = spread.standard_error
    if not error > 0:
        return math.nan, math.nan
    half = float(stdtrit(spread.degrees, (1 + confidence) / 2)) * error
    return mean - half, mean + half


def _half_of_one(spread: Spread, n_draws: int) -> float:
    """Return half the interval of a single mean; NaN where nothing is known of its spread."""
    from scipy.special import stdtrit

    if not spread.standard_error > 0:
        return math.nan
    of_draws, of_images = stdtrit([n_draws - 1, math.inf], (1 + CONFIDENCE) / 2)
    return math.sqrt(of_draws**2 * spread.seeds[0] + of_images**2 * spread.images)


def _p_value(mean: float, spread: Spread) -> float:
    """Return the two-sided p-value of a true difference of 0; NaN where unknown."""
    from scipy.special import stdtr

    error = spread.standard_error
    return 2 * float(stdtr(spread.degrees, -abs(mean) / error)) if error > 0 else math.nan
