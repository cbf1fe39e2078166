"""Two rankings beside each other: what they share, against plain loops."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from coreset_lib.errors import CoresetError
from coreset_lib.scores.contrast import contrast
from coreset_lib.scores.score import ScoreValues


def harder(values):
    return ScoreValues("eva", np.asarray(values, dtype=np.float64), "harder")


def test_shared_parts_ranks_and_correlation_are_those_of_plain_loops():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 30, 200)  # with ties
    second = first + rng.normal(0, 5, 200)
    found = contrast(harder(first), harder(second))
    tops = [sorted(range(200), key=lambda i, v=v: (-v[i], i))[:20] for v in (first, second)]
    assert (found.n_hardest, found.n_both) == (20, len(set(tops[0]) & set(tops[1])))
    assert found.expected_both == 2.0
    assert found.rank_correlation == pytest.approx(spearmanr(first, second).statistic)
    assert [int(np.flatnonzero(found.first == rank)[0]) for rank in range(1, 21)] == tops[0]


def test_easier_scores_are_turned_round():
    values = np.arange(10.0)
    easier = ScoreValues("aum", -values, "easier")
    found = contrast(harder(values), easier, share=0.2)
    assert (found.rank_correlation, found.n_both) == (pytest.approx(1.0), 2)


def test_the_farthest_come_first():
    found = contrast(harder([5, 4, 3, 2, 1]), harder([1, 4, 3, 2, 5]))
    assert found.farthest().tolist() == [0, 4, 1, 2, 3]


def test_without_an_order_there_is_no_correlation():
    assert math.isnan(contrast(harder([1, 1, 1]), harder([1, 2, 3])).rank_correlation)


def test_rankings_of_other_samples_are_refused():
    with pytest.raises(CoresetError, match="must be of the same samples, got 3 and 2"):
        contrast(harder([1, 2, 3]), harder([1, 2]))
