"""Two rankings of the same samples, as two runs or two scores give them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.scores.ducs import mean_ranks
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import HARDEST


@dataclass(frozen=True, eq=False)
class Contrast:
    """What two rankings have in common, and where they differ.

    Attributes
    ----------
    first, second : int64 array, shape (samples,)
        Ranks, 1 = hardest, ties by position.
    n_hardest : int
        Samples in the hardest part of each.
    n_both, expected_both : int, float
        Samples in both hardest parts, and how many two random parts would share.
    rank_correlation : float
        Spearman's, samples of equal score sharing their rank; NaN where one side ties them all.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    n_hardest: int
    n_both: int
    expected_both: float
    rank_correlation: float

    def farthest(self) -> NDArray[np.intp]:
        """Return the samples, those first whose ranks differ most; ties by position."""
        return np.argsort(-np.abs(self.first - self.second), kind="stable")


def contrast(first: ScoreValues, second: ScoreValues, *, share: float = HARDEST) -> Contrast:
    """Compare two rankings.

    Parameters
    ----------
    first, second : ScoreValues
        Of the same samples.
    share : float
        How much of the samples counts as the hardest part, in (0, 1].

    Raises
    ------
    CoresetError
        If they are not of as many samples.
    """
    n_samples = len(first.values)
    if n_samples != len(second.values):
        raise CoresetError(
            f"two rankings must be of the same samples, got {n_samples} and "
            f"{len(second.values)}. Choose runs of one dataset."
        )
    n_hardest = max(round(share * n_samples), 1)
    tops = [score.order()[:n_hardest] for score in (first, second)]
    own, other = mean_ranks(first.difficulty), mean_ranks(second.difficulty)
    is_told_apart = np.ptp(own) > 0 and np.ptp(other) > 0
    return Contrast(
        first=first.ranks(),
        second=second.ranks(),
        n_hardest=n_hardest,
        n_both=len(np.intersect1d(*tops, assume_unique=True)),
        expected_both=n_hardest**2 / n_samples,
        rank_correlation=float(np.corrcoef(own, other)[0, 1]) if is_told_apart else float("nan"),
    )
