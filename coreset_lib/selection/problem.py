"""What a strategy is asked, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import Option, ScoreValues, read_options
from coreset_lib.selection.budget import quotas_left

Indices = NDArray[np.intp]
Features = NDArray[np.float32]


class Part(NamedTuple):
    """Candidates among which a strategy chooses ``quota``: all of them, or those of a class."""

    title: str
    members: Indices
    quota: int


@dataclass(frozen=True, eq=False)
class SelectionProblem:
    """One choice of ``n_keep`` samples among the candidates.

    Attributes
    ----------
    labels : int64 array, shape (samples,)
    n_classes : int
    n_keep : int
        Samples to choose, at most the number of candidates: the budget M without the forced ones.
    is_candidate : bool array, shape (samples,)
        False for samples dropped by the noise cut, excluded by the score, kept out by a person
        or forced in.
    balance : {"global", "proportional", "equal"}
    seed : int
    score : ScoreValues or None
    features : float32 array, shape (samples, features), or None
    early_features : float32 array, shape (samples, features), or None
        An embedding that has not learned the labels by heart.
    class_names : tuple of str
        For reports and messages; numbers stand in where it is empty.
    forced : int array, shape (forced,)
        Samples that a person has forced in; they count towards the quotas of their classes.
    """

    labels: NDArray[np.int64]
    n_classes: int
    n_keep: int
    is_candidate: NDArray[np.bool_]
    balance: str
    seed: int
    score: ScoreValues | None = None
    features: Features | None = None
    early_features: Features | None = None
    class_names: tuple[str, ...] = ()
    forced: Indices = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @property
    def n_total(self) -> int:
        """Budget M, forced samples included."""
        return self.n_keep + len(self.forced)

    def n_forced(self) -> NDArray[np.int64]:
        """Return how many samples of each class are forced in."""
        return np.bincount(self.labels[self.forced], minlength=self.n_classes)

    def n_available(self) -> NDArray[np.int64]:
        """Return how many samples of each class are candidates or forced in."""
        free = np.bincount(self.labels[self.is_candidate], minlength=self.n_classes)
        return free + self.n_forced()

    def candidates(self) -> Indices:
        """Return the positions of the candidates, ascending."""
        return np.flatnonzero(self.is_candidate)

    def parts(self) -> list[Part]:
        """Return what to choose from and how many: one part, or one per class with a quota."""
        candidates = self.candidates()
        if self.balance == "global":
            return [Part("all classes", candidates, self.n_keep)]
        labels = self.labels[candidates]
        return [
            Part(self.class_title(klass), candidates[labels == klass], int(quota))
            for klass, quota in enumerate(self.quotas())
            if quota
        ]

    def class_title(self, klass: int) -> str:
        """Return the name of a class."""
        return self.class_names[klass] if self.class_names else f"class {klass}"

    def quotas(self) -> NDArray[np.int64]:
        """Return how many samples of each class to choose (not for ``global``)."""
        return quotas_left(
            self.n_total,
            class_counts=np.bincount(self.labels, minlength=self.n_classes),
            available=self.n_available(),
            taken=self.n_forced(),
            balance=self.balance,
        )


@dataclass(frozen=True, eq=False)
class Coreset:
    """The coreset and how it came about.

    Attributes
    ----------
    indices : int array, shape (budget,)
        Positions in the full training split, in the order of choice, each once; those that
        were forced in come first.
    report : mapping
        What was done, in plain values: cut, quotas, strata.
    clusters : int64 array, shape (samples,), or None
        Cluster of each sample where the strategy clustered, numbered over all classes;
        -1 for samples that were not candidates.
    forced : int array, shape (forced,)
        Those among ``indices`` that a person has forced in.
    """

    indices: Indices
    report: Mapping[str, Any]
    clusters: NDArray[np.int64] | None = None
    forced: Indices = field(default_factory=lambda: np.empty(0, dtype=np.intp))


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way to choose a coreset.

    ``own_score(dynamics, options)`` gives the score that it works with, whatever was chosen.
    ``needs_early(options)`` says whether it looks at the early embedding, if there is one.
    ``choose(problem, **options)`` returns indices and report, and as third where it clustered
    the cluster of every sample.
    """

    title: str
    summary: str
    source: str
    choose: Callable[..., tuple[Any, ...]]
    needs_score: bool = True
    own_score: Callable[[TrainingDynamics, Mapping[str, Any]], ScoreValues] | None = None
    needs_features: bool = False
    needs_early: Callable[[Mapping[str, Any]], bool] = lambda options: False
    options: Mapping[str, Option] = field(default_factory=dict)

    def read_options(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options in their types, defaults filled in."""
        return read_options(f"strategy {name}", self.options, given, n_epochs=0)
