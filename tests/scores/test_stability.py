"""How stable a ranking is over seeds: counts, overlaps, correlations, both means."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from coreset_lib.errors import CoresetError
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import average_scores, overlaps, rank_stability


def score(*values, excluded=None, direction="harder", **options):
    is_excluded = None if excluded is None else np.array(excluded)
    return ScoreValues("eva", np.array(values, float), direction, options, is_excluded)


def test_the_hardest_of_each_run_are_counted():
    scores = [score(9, 8, 1, 0), score(9, 1, 8, 0), score(0, 8, 1, 9)]
    found = rank_stability(scores, share=0.5)
    assert found.n_hardest == 2
    assert found.times_hardest.tolist() == [2, 2, 1, 1]
    assert found.in_words(1) == "2 of 3 runs"
    assert found.overlaps.tolist() == [0.5, 0.5, 0.0]
    assert found.average.values.tolist() == [6, 17 / 3, 10 / 3, 3]
    assert found.average.order().tolist() == [0, 1, 2, 3]


def test_rank_correlations_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 50))
    found = rank_stability([score(*row) for row in values])
    expected = [spearmanr(values[a], values[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found.rank_correlations == pytest.approx(expected)
    assert found.n_hardest == 5


def test_low_values_are_the_hardest_where_the_score_says_so():
    easier = [score(0, 5, 9, 7, direction="easier"), score(1, 5, 9, 7, direction="easier")]
    assert rank_stability(easier, share=0.25).times_hardest.tolist() == [2, 0, 0, 0]


def test_what_one_run_refuses_to_rank_is_excluded_from_the_mean():
    found = average_scores([score(1, 2, excluded=[True, False]), score(3, 4)])
    assert found.values.tolist() == [2, 3]
    assert found.is_excluded is not None
    assert found.is_excluded.tolist() == [True, False]
    assert average_scores([score(1, 2), score(3, 4)]).is_excluded is None


def test_sets_of_different_size_share_a_part_of_the_smaller_one():
    sets = [np.array([1, 2, 3]), np.array([2, 3, 4, 5])]
    assert overlaps(sets).tolist() == [2 / 3]


@pytest.mark.parametrize(
    "scores", [[], [score(1, 2)], [score(1, 2), score(1, 2, 3)], [score(1), score(1, early="1-2")]]
)
def test_too_few_or_different_runs_are_refused(scores):
    with pytest.raises(CoresetError, match="at least two runs"):
        rank_stability(scores)
