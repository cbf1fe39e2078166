"""Query strategies against plain loops, and what they may never do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.refinement import queries
from coreset_lib.refinement.queries import QUERIES, QueryPool, choose_queries


def pool_of(seed=0, n=12, n_candidates=7, **changes):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(n)
    fields = {
        "candidates": np.sort(rows[:n_candidates]),
        "settled": np.sort(rows[n_candidates:]),
        "probabilities": rng.dirichlet(np.ones(3), n),
        "embedding": rng.normal(size=(n, 2)),
        "seed": seed,
        "n_round": 1,
        "committee": rng.dirichlet(np.ones(3), (2, n)),
    }
    return QueryPool(**fields | changes)


SURE, TORN, TWO = [0.98, 0.01, 0.01], [0.34, 0.33, 0.33], [0.49, 0.48, 0.03]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [("entropy", [1, 2, 0]), ("least_confidence", [1, 2, 0]), ("margin", [1, 2, 0])],
)
def test_the_most_uncertain_come_first(strategy, order):
    p = np.array([SURE, TORN, TWO])
    pool = pool_of(n=3, n_candidates=3, probabilities=p)
    assert choose_queries(strategy, pool, 3).tolist() == order


def test_margin_and_confidence_look_at_different_things():
    wide, narrow = [0.4, 0.2, 0.2, 0.2], [0.5, 0.49, 0.005, 0.005]
    pool = pool_of(n=2, n_candidates=2, probabilities=np.array([wide, narrow]))
    assert choose_queries("least_confidence", pool, 1).tolist() == [0]
    assert choose_queries("margin", pool, 1).tolist() == [1]


def test_bald_asks_where_sure_networks_differ_not_where_all_are_torn():
    sure_of_first, sure_of_second = [0.98, 0.01, 0.01], [0.01, 0.98, 0.01]
    committee = np.array(
        [[SURE, TORN, sure_of_first, TWO], [SURE, TORN, sure_of_second, sure_of_first]]
    )
    pool = pool_of(n=4, n_candidates=4, committee=committee)
    order = choose_queries("bald", pool, 4).tolist()
    assert order[:2] == [2, 3]
    assert sorted(order[2:]) == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_bald_equals_the_divergence_from_the_mean(seed):
    pool = pool_of(seed)
    gains = {}
    for row in pool.candidates.tolist():
        middle = pool.committee[:, row].mean(axis=0)
        gains[row] = np.mean(
            [sum(p * np.log(p / m) for p, m in zip(each[row], middle, strict=True))
             for each in pool.committee]
        )  # fmt: skip
    expected = sorted(gains, key=gains.get, reverse=True)
    assert choose_queries("bald", pool, len(gains)).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_k_center_equals_the_plain_greedy_loop(seed, monkeypatch):
    monkeypatch.setattr(queries, "BLOCK_CELLS", 6)
    pool = pool_of(seed)
    centres, expected = pool.settled.tolist(), []
    for _ in range(4):
        left = [row for row in pool.candidates.tolist() if row not in expected]
        gap = [
            min(np.linalg.norm(pool.embedding[r] - pool.embedding[c]) for c in centres)
            for r in left
        ]
        expected.append(left[int(np.argmax(gap))])
        centres.append(expected[-1])
    assert choose_queries("k_center", pool, 4).tolist() == expected


def test_k_center_works_without_settled_samples_and_among_copies():
    pool = pool_of(settled=np.empty(0, dtype=np.int64), embedding=np.ones((12, 2)))
    assert sorted(choose_queries("k_center", pool, 7)) == pool.candidates.tolist()


def test_random_queries_follow_the_seed_and_differ_between_rounds():
    first = choose_queries("random", pool_of(n=200, n_candidates=100), 20)
    again = choose_queries("random", pool_of(n=200, n_candidates=100), 20)
    later = choose_queries("random", pool_of(n=200, n_candidates=100, n_round=2), 20)
    assert first.tolist() == again.tolist()
    assert first.tolist() != later.tolist()


@given(st.sampled_from(list(QUERIES)), st.integers(0, 50), st.integers(0, 15))
def test_only_candidates_are_asked_about_each_at_most_once(strategy, seed, n):
    pool = pool_of(seed)
    chosen = choose_queries(strategy, pool, n).tolist()
    assert len(chosen) == len(set(chosen)) == min(n, len(pool.candidates))
    assert set(chosen) <= set(pool.candidates.tolist())


def test_nobody_left_means_no_queries():
    pool = pool_of(candidates=np.empty(0, dtype=np.int64))
    assert [choose_queries(name, pool, 3).tolist() for name in QUERIES] == [[]] * len(QUERIES)


def test_an_unknown_strategy_is_refused_with_all_names():
    with pytest.raises(CoresetError, match="margin, k_center, bald, random"):
        choose_queries("margn", pool_of(), 1)
