"""Verdicts: better, equivalent, worse or undecided, and which class pays."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coreset_lib.evaluation.verdicts.intervals import Difference
from coreset_lib.evaluation.verdicts.planning import draws_to_tell

Word = Literal["better", "equivalent", "worse", "undecided"]
MARGIN = 0.01
SIGNIFICANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A figure that is significantly worse, whatever the verdict.

    Attributes
    ----------
    figure : object
        As it was named to :func:`judge_all`.
    difference : Difference
    q_value : float
        Adjusted for all guarded figures of the comparison.
    """

    figure: Hashable
    difference: Difference
    q_value: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether it stands among all that were looked at."""
        return self.q_value <= SIGNIFICANCE


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a strategy did at one rate.

    Attributes
    ----------
    word : str
        ``better`` or ``worse`` (the 95 % interval excludes 0), ``equivalent`` (within the
        margin by two one-sided tests at 5 %), or ``undecided``.
    difference : Difference
        Of the figure that is judged on.
    q_value : float
        Its p-value adjusted for all cells of the comparison; NaN without an interval.
    losses : tuple of Loss
        Guarded figures that are significantly worse: none of these may hide behind ``better``.
    draws_to_tell : int or None
        Draws of each side that would decide, where it is undecided.
    """

    word: Word
    difference: Difference
    q_value: float
    losses: tuple[Loss, ...] = ()
    draws_to_tell: int | None = None

    @property
    def is_plainly_better(self) -> bool:
        """Whether it is better and nothing pays for it."""
        return self.word == "better" and not self.losses


@dataclass(frozen=True, kw_only=True)
class Headroom:
    """What all data would bring beyond random, and how much of it is won.

    Attributes
    ----------
    size : float
        Figure of the full set minus that of random.
    share_won : float
        Difference of the strategy over it; NaN where the headroom is no more than 0.
    """

    size: float
    share_won: float


def judge(found: Difference, *, margin: float = MARGIN) -> Word:
    """Say in a word what an interval tells.

    Parameters
    ----------
    found : Difference
    margin : float
        Largest difference that counts as none, as a share.

    Returns
    -------
    str
        See :class:`Verdict`. A difference that is certain is called better or worse, however
        small: equivalence is claimed only where neither is.
    """
    if found.low > 0:
        return "better"
    if found.high < 0:
        return "worse"
    low, high = found.interval(1 - 2 * SIGNIFICANCE)
    return "equivalent" if -margin < low and high < margin else "undecided"


def judge_all(
    judged: Sequence[Difference],
    guarded: Sequence[Mapping[Any, Difference]],
    *,
    margin: float = MARGIN,
) -> list[Verdict]:
    """Judge all cells of a comparison together.

    Parameters
    ----------
    judged : sequence of Difference
        One for each cell (strategy and rate), of the figure that is judged on.
    guarded : sequence of mappings
        For each cell the figures that must not be worse, by any name.
    margin : float

    Returns
    -------
    list of Verdict
        A loss is named wherever its own 95 % interval lies below 0; whether it stands among
        all guarded figures of all cells is said beside it.
    """
    q_values = benjamini_hochberg([found.p_value for found in judged])
    flat = [(number, name) for number, each in enumerate(guarded) for name in each]
    adjusted = benjamini_hochberg([guarded[number][name].p_value for number, name in flat])
    losses: list[list[Loss]] = [[] for _ in judged]
    for (number, name), q_value in zip(flat, adjusted.tolist(), strict=True):
        found = guarded[number][name]
        if found.high < 0:
            losses[number].append(Loss(figure=name, difference=found, q_value=q_value))
    return [
        _verdict(found, q_value, lost, margin)
        for found, q_value, lost in zip(judged, q_values.tolist(), losses, strict=True)
    ]


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that those up to 0.05 hold at most 5 % false ones, on average.

    Parameters
    ----------
    p_values : float array, shape (tests,)
        NaN where there was no test.

    Returns
    -------
    float64 array, shape (tests,)
        In [0, 1]; NaN stays NaN and does not count.

    References
    ----------
    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995), step-up procedure.
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    if len(tested):
        order = tested[np.argsort(values[tested], kind="stable")]
        scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
        adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted


def headroom(full: float, random: float, gain: float) -> Headroom:
    """Return what the full set gains over random, and the share of it that a strategy wins."""
    size = full - random
    return Headroom(size=size, share_won=gain / size if size > 0 else math.nan)


def _verdict(found: Difference, q_value: float, losses: list[Loss], margin: float) -> Verdict:
    """Put a verdict together; the gravest loss first."""
    word = judge(found, margin=margin)
    return Verdict(
        word=word,
        difference=found,
        q_value=q_value,
        losses=tuple(sorted(losses, key=lambda loss: loss.difference.mean)),
        draws_to_tell=draws_to_tell(found, margin=margin) if word == "undecided" else None,
    )
