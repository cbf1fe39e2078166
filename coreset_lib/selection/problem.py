"""What a strategy is asked, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.scores.score import Option, ScoreValues
from coreset_lib.selection.budget import class_quotas

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SelectionProblem:
    """One choice of ``n_keep`` samples among the candidates.

    Attributes
    ----------
    labels : int64 array, shape (samples,)
    n_classes : int
    n_keep : int
        Budget M, at most the number of candidates.
    is_candidate : bool array, shape (samples,)
        False for samples dropped by the noise cut or excluded by the score.
    balance : {"global", "proportional", "equal"}
    seed : int
    score : ScoreValues or None
    """

    labels: NDArray[np.int64]
    n_classes: int
    n_keep: int
    is_candidate: NDArray[np.bool_]
    balance: str
    seed: int
    score: ScoreValues | None = None

    def quotas(self) -> NDArray[np.int64]:
        """Return how many samples of each class to keep (not for ``global``)."""
        return class_quotas(
            self.n_keep,
            class_counts=np.bincount(self.labels, minlength=self.n_classes),
            available=np.bincount(self.labels[self.is_candidate], minlength=self.n_classes),
            balance=self.balance,
        )


@dataclass(frozen=True, eq=False)
class Selection:
    """The coreset and how it came about.

    Attributes
    ----------
    indices : int array, shape (budget,)
        Positions in the full training split, in the order of choice, each once.
    report : mapping
        What was done, in plain values: cut, quotas, strata.
    """

    indices: Indices
    report: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way to choose a coreset; ``choose(problem, **options)`` returns indices and report."""

    title: str
    summary: str
    source: str
    choose: Callable[..., tuple[Indices, dict[str, Any]]]
    needs_score: bool = True
    options: Mapping[str, Option] = field(default_factory=dict)
