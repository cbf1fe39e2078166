"""What a score is: its formula, direction, options and source, and the values it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores.needs import check_needs
from coreset_lib.windows import Window, default_windows

Direction = Literal["harder", "easier"]
Float64s = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a score or strategy, with what it may be.

    ``default_of`` takes the place of ``default`` where a short run must shrink it: it gets
    the number of epochs. ``words`` may stand in the place of a number. ``before`` is what held
    before there was the option: records of then lack it, and so do those where it has that value.
    """

    kind: Literal["window", "whole", "real", "choice"]
    help: str
    default: Any = None
    default_of: Callable[[int], Any] | None = None
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    least: float = 0
    most: float = float("inf")
    before: Any = None

    def default_for(self, n_epochs: int) -> Any:
        """Return the default in a run of this many epochs."""
        return self.default if self.default_of is None else self.default_of(n_epochs)

    def read(self, name: str, value: Any) -> Any:
        """Return ``value``, possibly written as text, in the option's type.

        Raises
        ------
        CoresetError
            If it is not of the type or out of range.
        """
        if str(value) in self.words:
            return str(value)
        if self.kind == "window":
            return value if isinstance(value, Window) else Window.parse(str(value))
        if self.kind == "choice":
            return check_choice(f"option {name}", str(value), self.choices)
        return self._read_number(name, value)

    def _read_number(self, name: str, value: Any) -> int | float:
        """Read a number in [least, most]."""
        kind = "a whole number" if self.kind == "whole" else "a number"
        words = "".join(f"{word} or " for word in self.words)
        span = f"from {self.least:g} to {self.most:g}"
        rule = f"option {name} must be {words}{kind} {span}, got {value}."
        try:
            number = int(str(value)) if self.kind == "whole" else float(value)
        except ValueError:
            raise CoresetError(rule) from None
        if not self.least <= number <= self.most:
            raise CoresetError(rule)
        return number


@dataclass(frozen=True, eq=False)
class ScoreValues:
    """A score of every training sample.

    Attributes
    ----------
    name : str
    values : float64 array, shape (samples,)
    direction : {"harder", "easier"}
        What a higher value means.
    options : mapping
        The options that were used, defaults filled in.
    is_excluded : bool array, shape (samples,)
        Samples that the score refuses to rank; they come last.
    """

    name: str
    values: Float64s
    direction: Direction
    options: Mapping[str, Any] = field(default_factory=dict)
    is_excluded: NDArray[np.bool_] | None = None

    @property
    def difficulty(self) -> Float64s:
        """The values turned so that higher = harder; -inf for excluded samples."""
        difficulty = self.values if self.direction == "harder" else -self.values
        if self.is_excluded is None:
            return difficulty
        return np.where(self.is_excluded, -np.inf, difficulty)

    def order(self) -> NDArray[np.intp]:
        """Return sample indices from hardest to easiest; ties by index."""
        return self._order

    def ranks(self) -> NDArray[np.int64]:
        """Return the rank of each sample, 1 = hardest."""
        ranks = np.empty(len(self.values), dtype=np.int64)
        ranks[self.order()] = np.arange(1, len(self.values) + 1)
        return ranks

    @cached_property
    def tie_note(self) -> str:
        """One sentence if most samples share their value with another one; else empty."""
        _, counts = np.unique(self.difficulty, return_counts=True)
        n_tied, n_samples = int(counts[counts > 1].sum()), len(self.values)
        if 2 * n_tied <= n_samples:
            return ""
        return (
            f"Score {self.name} ties {n_tied} of {n_samples} samples, which share "
            f"{int((counts > 1).sum())} values: among equals the order is that of the file."
        )

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """The order, computed once; many views ask for it."""
        order = np.argsort(-self.difficulty, kind="stable")
        order.flags.writeable = False
        return order

    def plain_options(self) -> dict[str, Any]:
        """Return the options as values for JSON, without those that are left open."""
        given = {name: value for name, value in self.options.items() if value is not None}
        return {k: str(v) if isinstance(v, Window) else v for k, v in given.items()}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One way to turn training dynamics into one number per sample.

    ``compute(dynamics, **options)`` returns float64 values, shape (samples,), or these
    together with a bool array of samples it refuses to rank.
    """

    title: str
    summary: str
    direction: Direction
    needs: tuple[str, ...]
    source: str
    compute: Callable[..., Any]
    options: Mapping[str, Option] = field(default_factory=dict)

    def read_options(self, name: str, given: Mapping[str, Any], n_epochs: int) -> dict[str, Any]:
        """Return all options in their types, defaults filled in for a run of ``n_epochs``."""
        return read_options(f"score {name}", self.options, given, n_epochs=n_epochs)


def read_options(
    owner: str, options: Mapping[str, Option], given: Mapping[str, Any], *, n_epochs: int
) -> dict[str, Any]:
    """Return all options of a score or strategy in their types, defaults filled in.

    Raises
    ------
    CoresetError
        If one is unknown to the ``owner``, not of its type or out of range.
    """
    for option in given:
        if option not in options:
            known = ", ".join(options) or "none"
            raise CoresetError(f"{owner} has no option {option!r}. Its options are: {known}.")
    return {
        option: spec.read(option, given[option])
        if given.get(option) is not None
        else spec.default_for(n_epochs)
        for option, spec in options.items()
    }


def early_window_option() -> Option:
    """The early window of a dual-window score."""
    return Option(
        kind="window",
        help="early window of epochs, first-last",
        default_of=lambda n_epochs: default_windows(n_epochs)[0],
    )


def late_window_option() -> Option:
    """The late window of a dual-window score."""
    return Option(
        kind="window",
        help="late window of epochs, first-last",
        default_of=lambda n_epochs: default_windows(n_epochs)[1],
    )


def compute_values(
    scores: Mapping[str, Score],
    name: str,
    dynamics: TrainingDynamics,
    options: Mapping[str, Any],
) -> ScoreValues:
    """Compute one score of a registry; see :func:`coreset_lib.scores.compute_score`."""
    check_choice("score", name, scores)
    score = scores[name]
    if dynamics.n_epochs == 0:
        raise CoresetError(
            f"score {name} needs at least one complete epoch, got 0. Wait for the first epoch."
        )
    check_needs(f"score {name}", score.needs, dynamics)
    used = score.read_options(name, options, dynamics.n_epochs)
    # Gaps, and what a damaged file holds, are told below and not by NumPy.
    with np.errstate(invalid="ignore", over="ignore"):
        result = score.compute(dynamics, **used)
    values, is_excluded = result if isinstance(result, tuple) else (result, None)
    if np.shape(values) != (dynamics.n_samples,) or not np.isfinite(values).all():
        for plane in {*score.needs} & {*dynamics.planes}:
            dynamics.check_recorded(plane)
        raise CoresetError(
            f"score {name} must give {dynamics.n_samples} finite numbers, one per sample, got an "
            f"array of shape {np.shape(values)} that is not that. Its code is at fault."
        )
    return ScoreValues(
        name, np.asarray(values, dtype=np.float64), score.direction, used, is_excluded
    )
