"""How much a ranking depends on chance: the same score on runs that differ in their seed only."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.scores.score import ScoreValues

HARDEST = 0.1
Float64s = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankStability:
    """A score of the same samples in several independent runs.

    Attributes
    ----------
    n_runs, n_hardest : int
        Runs, and samples in the hardest part of each.
    times_hardest : int64 array, shape (samples,)
        In how many runs a sample is among the ``n_hardest`` hardest.
    overlaps : float64 array, shape (pairs of runs,)
        Share of the hardest samples of one run that are among those of the other.
    rank_correlations : float64 array, shape (pairs of runs,)
        Spearman's, NaN where a run gives all samples one value.
    average : ScoreValues
        The mean of the score over the runs: the second reading of "multiple independent runs"
        (EVA, sec. 3.1); the first averages the errors of each epoch before scoring.
    """

    n_runs: int
    n_hardest: int
    times_hardest: NDArray[np.int64]
    overlaps: Float64s
    rank_correlations: Float64s
    average: ScoreValues

    def in_words(self, index: int) -> str:
        """Say how often a sample is among the hardest."""
        return f"{self.times_hardest[index]} of {self.n_runs} runs"


def rank_stability(scores: Sequence[ScoreValues], *, share: float = HARDEST) -> RankStability:
    """Compare one score over independent runs.

    Parameters
    ----------
    scores : sequence of ScoreValues
        The same score with the same options, one for each run; at least two.
    share : float
        How much of the samples counts as the hardest part, in (0, 1]; ties by position.

    Raises
    ------
    CoresetError
        If there are fewer than two runs, or they are not of the same score and samples.
    """
    _check_alike(scores)
    n_samples = len(scores[0].values)
    n_hardest = max(round(share * n_samples), 1)
    tops = [score.order()[:n_hardest] for score in scores]
    times = np.zeros(n_samples, dtype=np.int64)
    for top in tops:
        times[top] += 1
    ranks = [score.ranks() for score in scores]
    return RankStability(
        n_runs=len(scores),
        n_hardest=n_hardest,
        times_hardest=times,
        overlaps=overlaps(tops),
        rank_correlations=np.array([_spearman(a, b) for a, b in itertools.combinations(ranks, 2)]),
        average=average_scores(scores),
    )


def average_scores(scores: Sequence[ScoreValues]) -> ScoreValues:
    """Return the mean of a score over runs; what one of them refuses to rank is excluded.

    Raises
    ------
    CoresetError
        If the scores are not of the same kind and samples.
    """
    _check_alike(scores)
    first = scores[0]
    refused = [each.is_excluded for each in scores if each.is_excluded is not None]
    return ScoreValues(
        name=first.name,
        values=np.mean([each.values for each in scores], axis=0),
        direction=first.direction,
        options=first.options,
        is_excluded=np.any(refused, axis=0) if refused else None,
    )


def overlaps(sets: Sequence[NDArray[np.intp]]) -> Float64s:
    """Return what each two of some sets of samples share.

    Parameters
    ----------
    sets : sequence of int arrays
        Each without repetition, and not empty.

    Returns
    -------
    float64 array, shape (pairs,)
        Samples in both, as a share of the smaller one; in the order of
        :func:`itertools.combinations`.
    """
    return np.array(
        [
            len(np.intersect1d(a, b, assume_unique=True)) / min(len(a), len(b))
            for a, b in itertools.combinations(sets, 2)
        ]
    )


def _check_alike(scores: Sequence[ScoreValues]) -> None:
    """Raise CoresetError unless several runs were scored in the same way."""
    kinds = {(each.name, len(each.values), repr(each.plain_options())) for each in scores}
    if len(scores) < 2 or len(kinds) != 1:
        raise CoresetError(
            f"stability needs one score of the same samples in at least two runs, got "
            f"{len(scores)} of {len(kinds)} kinds. Train more seeds of the same recipe."
        )


def _spearman(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Return the correlation of two rankings without ties."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 else float("nan")
