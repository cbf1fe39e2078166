"""Every strategy against one contract, and each against what it should do by hand."""

import json
import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategy_references import ccs_loops, farthest_loops, herding_loops

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import BALANCES, STRATEGIES, SelectionConfig, select_coreset
from coreset_lib.selection.ccs import find_strata
from coreset_lib.selection.class_clusters import cluster_within_classes
from coreset_lib.selection.groups import even_quotas, take_per_group
from coreset_lib.selection.herding import herd
from coreset_lib.selection.k_center import farthest_first
from coreset_lib.selection.problem import Coreset

N_SAMPLES = 40
CLASS_SIZES = (22, 12, 5, 1)
# Every option that draws or clusters, so that the contract holds for these too.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in STRATEGIES),
    ("ccs", {"strata": 3}),
    ("diversity", {"medoids_first": "yes", "most_clusters": 4}),
    ("diversity", {"k": 1}),
    ("hybrid", {"metric": "manhattan"}),
    ("k_center", {"start": "random"}),
]


def dynamics_of(labels: NDArray[np.int64], seed: int = 0) -> TrainingDynamics:
    """Random planes of twelve epochs."""
    rng = np.random.default_rng(seed)
    shape = (12, len(labels))
    planes = {
        "error_norm": rng.random(shape, dtype=np.float32),
        "label_probability": rng.random(shape, dtype=np.float32),
        "margin": rng.random(shape, dtype=np.float32) * 2 - 1,
        "entropy": rng.random(shape, dtype=np.float32),
        "prediction": rng.integers(0, 4, shape).astype(np.uint8),
    }
    return TrainingDynamics(planes, labels, 12, ("one", "two", "three", "four"))


LABELS = np.random.default_rng(1).permutation(np.repeat(np.arange(4), CLASS_SIZES))
DYNAMICS = dynamics_of(LABELS)
FEATURES = np.random.default_rng(2).normal(size=(N_SAMPLES, 6)).astype(np.float32)


def choose(features: NDArray[Any] = FEATURES, **config: Any) -> Coreset:
    """Select from the shared run."""
    return select_coreset(DYNAMICS, SelectionConfig(**config), features=features)


class TestEveryStrategy:
    @pytest.mark.parametrize(("name", "options"), VARIANTS)
    @pytest.mark.parametrize("balance", BALANCES)
    def test_keeps_exactly_the_budget_of_unique_samples_at_every_rate(
        self, name: str, options: dict[str, Any], balance: str
    ):
        least = 4 if balance == "equal" else 1
        for n_keep in (least, 5, 11, 25, 39, 40):
            coreset = choose(
                strategy=name, strategy_options=options, balance=balance, rate=n_keep / N_SAMPLES
            )
            assert coreset.indices.shape == (n_keep,)
            assert len(set(coreset.indices.tolist())) == n_keep
            assert set(coreset.indices.tolist()) <= set(range(N_SAMPLES))

    @pytest.mark.parametrize(("name", "options"), VARIANTS)
    @pytest.mark.parametrize("balance", BALANCES)
    def test_repeats_itself_and_reports_in_plain_values(
        self, name: str, options: dict[str, Any], balance: str
    ):
        config = {"strategy": name, "strategy_options": options, "balance": balance, "rate": 0.5}
        first, again = choose(**config, seed=7), choose(**config, seed=7)
        np.testing.assert_array_equal(first.indices, again.indices)
        assert json.loads(json.dumps(first.report, allow_nan=False)) == first.report
        assert first.report["n_keep"] == 20

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_meets_the_class_quotas_of_an_equal_balance(self, name: str):
        coreset = choose(strategy=name, balance="equal", rate=0.4)
        # 16 samples over 4 classes of 22, 12, 5 and 1: the smallest gives all it has.
        assert np.bincount(LABELS[coreset.indices]).tolist() == [5, 5, 5, 1]

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_never_keeps_what_the_noise_cut_dropped(self, name: str):
        margin = DYNAMICS.plane("margin").mean(axis=0)
        dropped = set(np.argsort(margin, kind="stable")[:20].tolist())
        coreset = choose(strategy=name, noise_cut=0.5, rate=0.5)
        assert set(coreset.indices.tolist()) == set(range(N_SAMPLES)) - dropped
        assert coreset.report["noise_cut_samples"] == 20

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_refuses_fewer_samples_than_classes_under_equal(self, name: str):
        with pytest.raises(CoresetError, match="at least one sample per class, got 3 samples"):
            choose(strategy=name, balance="equal", rate=3 / N_SAMPLES)

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_manages_one_sample_and_identical_samples(self, name: str):
        one = dynamics_of(np.array([2]))
        config = SelectionConfig(strategy=name, rate=1.0)
        assert select_coreset(one, config, features=np.zeros((1, 3))).indices.tolist() == [0]
        coreset = choose(np.ones((N_SAMPLES, 3)), strategy=name, rate=0.5)
        assert len(set(coreset.indices.tolist())) == 20

    @pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if s.needs_features])
    def test_asks_for_features_in_one_sentence(self, name: str):
        for nothing in (None, lambda: None):
            with pytest.raises(
                CoresetError, match=f"^strategy {name} needs an embedding of the samples"
            ):
                select_coreset(DYNAMICS, SelectionConfig(strategy=name), features=nothing)
        with pytest.raises(CoresetError, match=r"each of the 40 samples .* got shape \(39, 6\)"):
            choose(FEATURES[:39], strategy=name)
        spoilt = FEATURES.copy()
        spoilt[3, 2] = np.nan
        with pytest.raises(CoresetError, match="features must be finite"):
            choose(spoilt, strategy=name)

    @pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if not s.needs_features])
    def test_never_asks_for_features_that_it_does_not_need(self, name: str):
        def refuse() -> None:
            raise AssertionError

        config = SelectionConfig(strategy=name, rate=0.2)
        assert len(select_coreset(DYNAMICS, config, features=refuse).indices) == 8

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_refuses_unknown_options(self, name: str):
        with pytest.raises(CoresetError, match=f"^strategy {name} has no option 'colour'"):
            SelectionConfig(strategy=name, strategy_options={"colour": 1})

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_options_survive_a_trip_through_json(self, name: str):
        config = SelectionConfig(strategy=name)
        fields = json.loads(json.dumps(config.as_dict()))
        assert SelectionConfig(**fields).as_dict() == config.as_dict()


@pytest.mark.parametrize(
    ("name", "option", "value", "sentence"),
    [
        ("ccs", "strata", 0, "option strata must be a whole number from 1 to 10000, got 0"),
        ("diversity", "k", "many", "option k must be auto or a whole number from 1 to 1000"),
        ("diversity", "variance", 1, "option variance must be a number from 0.01 to 0.9999, got 1"),
        ("diversity", "metric", "chess", "option metric must be one of euclidean"),
        ("k_center", "start", "left", "option start must be one of center, random"),
    ],
)
def test_options_out_of_range_are_refused(name: str, option: str, value: Any, sentence: str):
    with pytest.raises(CoresetError) as raised:
        SelectionConfig(strategy=name, strategy_options={option: value})
    assert sentence in str(raised.value)


@given(counts=st.lists(st.integers(0, 9), min_size=1, max_size=12), data=st.data())
@settings(max_examples=100, deadline=None)
def test_even_quotas_fill_the_budget_and_differ_by_one_at_most(
    counts: list[int], data: st.DataObject
):
    total = data.draw(st.integers(0, sum(counts)))
    quotas = even_quotas(total, np.array(counts))
    assert quotas.sum() == total
    assert (quotas <= counts).all()
    not_full = quotas[quotas < counts]
    if len(not_full):
        assert quotas.max() - not_full.min() <= 1


def test_even_quotas_of_a_small_group_go_to_the_others():
    assert even_quotas(10, np.array([1, 9, 2, 9])).tolist() == [1, 3, 2, 4]
    assert even_quotas(2, np.array([3, 1, 8, 2])).tolist() == [1, 0, 1, 0]


def test_taking_per_group_keeps_the_first_members():
    groups = np.array([2, 0, 2, 2, 0, 1])
    assert take_per_group(groups, np.array([1, 0, 2])).tolist() == [0, 1, 2]
    assert take_per_group(groups, np.array([0, 0, 0, 0])).tolist() == []


@pytest.mark.parametrize("n_strata", [1, 5, 50])
@pytest.mark.parametrize("n_keep", [1, 7, 20, 33, 40])
def test_ccs_equals_plain_loops(n_keep: int, n_strata: int):
    values = np.random.default_rng(3).gamma(1.0, size=N_SAMPLES)
    score = ScoreValues("eva", values, "harder")
    config = SelectionConfig(
        strategy="ccs", strategy_options={"strata": n_strata}, rate=n_keep / N_SAMPLES
    )
    coreset = select_coreset(DYNAMICS, config, score=score)
    strata, budgets = ccs_loops(values.tolist(), n_keep, n_strata)
    chosen = set(coreset.indices.tolist())
    for s, members in enumerate(strata):
        assert len(chosen & set(members)) == budgets.get(s, 0)
    (report,) = coreset.report["strata"]
    assert report["counts"] == [len(members) for members in strata]
    assert report["quotas"] == [budgets.get(s, 0) for s in range(n_strata)]


def test_ccs_per_class_has_the_strata_of_each_class():
    values = np.random.default_rng(3).gamma(1.0, size=N_SAMPLES)
    score = ScoreValues("eva", values, "harder")
    config = SelectionConfig(
        strategy="ccs", strategy_options={"strata": 4}, balance="proportional", rate=0.5
    )
    coreset = select_coreset(DYNAMICS, config, score=score)
    chosen = set(coreset.indices.tolist())
    for klass, title in enumerate(DYNAMICS.class_names):
        members = np.flatnonzero(klass == LABELS)
        report = next(part for part in coreset.report["strata"] if part["part"] == title)
        strata, budgets = ccs_loops(values[members].tolist(), sum(report["quotas"]), 4)
        for s, rows in enumerate(strata):
            assert len(chosen & set(members[rows].tolist())) == budgets.get(s, 0)


def test_ccs_draws_other_samples_with_another_seed():
    drawn = {tuple(sorted(choose(strategy="ccs", rate=0.3, seed=s).indices)) for s in range(5)}
    assert len(drawn) == 5


def test_strata_of_equal_scores_are_one():
    assert find_strata(np.full(5, 0.3), 50).tolist() == [0] * 5
    assert find_strata(np.array([0.0, 0.5, 1.0]), 2).tolist() == [0, 1, 1]


BLOBS = np.concatenate(
    [
        np.random.default_rng(k).normal(c, 0.1, size=(n, 2))
        for k, (c, n) in enumerate(
            [((0, 0), 12), ((9, 0), 10), ((0, 9), 8), ((9, 9), 6), ((4, 18), 4)]
        )
    ]
).astype(np.float32)
BLOB_OF = np.repeat(np.arange(5), [12, 10, 8, 6, 4])
BLOB_DYNAMICS = dynamics_of(np.repeat([0, 1], [22, 18]))


def test_diversity_draws_evenly_from_the_clusters_of_each_class():
    config = SelectionConfig(strategy="diversity", rate=15 / 40)
    coreset = select_coreset(BLOB_DYNAMICS, config, features=BLOBS)
    assert np.bincount(BLOB_OF[coreset.indices]).tolist() == [3] * 5
    assert [record["k"] for record in coreset.report["clusters"]] == [2, 3]
    assert coreset.clusters is not None
    for blob in range(5):
        assert len(set(coreset.clusters[blob == BLOB_OF].tolist())) == 1
    assert sorted(set(coreset.clusters.tolist())) == [0, 1, 2, 3, 4]


def test_diversity_redistributes_what_a_small_cluster_lacks():
    config = SelectionConfig(strategy="diversity", rate=30 / 40)
    coreset = select_coreset(BLOB_DYNAMICS, config, features=BLOBS)
    assert np.bincount(BLOB_OF[coreset.indices]).tolist() == [7, 7, 6, 6, 4]


def test_medoids_come_first_when_asked():
    config = SelectionConfig(
        strategy="diversity", strategy_options={"medoids_first": "yes"}, rate=5 / 40
    )
    coreset = select_coreset(BLOB_DYNAMICS, config, features=BLOBS)
    medoids = [m for record in coreset.report["clusters"] for m in record["medoids"]]
    assert sorted(coreset.indices.tolist()) == sorted(medoids)


def test_the_hybrid_keeps_the_hardest_of_every_cluster():
    values = np.random.default_rng(5).random(40)
    config = SelectionConfig(strategy="hybrid", rate=10 / 40)
    coreset = select_coreset(
        BLOB_DYNAMICS, config, features=BLOBS, score=ScoreValues("eva", values, "harder")
    )
    expected = []
    for blob in range(5):
        members = np.flatnonzero(blob == BLOB_OF)
        expected += sorted(members, key=lambda i: -values[i])[:2]
    assert sorted(coreset.indices.tolist()) == sorted(expected)


def test_samples_cut_as_noise_have_no_cluster():
    coreset = choose(strategy="diversity", noise_cut=0.25, rate=0.1)
    assert coreset.clusters is not None
    assert (coreset.clusters == -1).sum() == 10
    assert (coreset.clusters[coreset.indices] >= 0).all()


def test_more_clusters_than_a_class_has_samples_is_refused_by_name():
    with pytest.raises(CoresetError) as raised:
        choose(strategy="diversity", strategy_options={"k": 6}, rate=0.5)
    assert str(raised.value) == (
        "k must be at most the number of samples of every class, got 6 for class 'three', "
        "which has 5 to cluster. Lower k or write auto."
    )


def test_constant_features_with_a_fixed_k_name_the_class():
    with pytest.raises(CoresetError, match="class 'one' cannot be clustered: features must differ"):
        cluster_within_classes(np.ones((6, 2)), np.zeros(6, np.int64), ("one",), k=2)


def test_classes_without_samples_have_no_clusters():
    found = cluster_within_classes(FEATURES[:5], np.full(5, 1), ("one", "two", "three"), k=2)
    assert [record["class"] for record in found.records] == ["two"]
    assert found.class_of.tolist() == [1, 1]
    assert found.n_clusters == 2


@given(seed=st.integers(0, 999), n_keep=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_farthest_first_equals_plain_loops(seed: int, n_keep: int):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 6, size=(30, 2)).astype(np.float64)
    first = int(rng.integers(30))
    rows, radius = farthest_first(points, n_keep, first=first)
    assert rows.tolist() == farthest_loops(points.tolist(), n_keep, first)
    gaps = [min(math.dist(p, points[c]) for c in rows) for p in points]
    assert radius == pytest.approx(max(gaps))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_keep", [2, 3, 4])
def test_the_radius_is_at_most_twice_the_best_of_all_choices(seed: int, n_keep: int):
    points = np.random.default_rng(seed).normal(size=(8, 2))
    _, radius = farthest_first(points, n_keep, first=0)
    best = min(
        max(min(math.dist(p, points[c]) for c in centres) for p in points)
        for centres in combinations(range(8), n_keep)
    )
    assert best <= radius <= 2 * best


def test_k_center_takes_the_ends_of_a_line_after_its_middle():
    features = np.array([[0.0], [1.0], [2.0], [3.0], [4.5]])
    dynamics = dynamics_of(np.zeros(5, np.int64))
    config = SelectionConfig(strategy="k_center", rate=0.6)
    coreset = select_coreset(dynamics, config, features=features)
    # The mean is 2.1; 4.5 lies 2.5 from sample 2, 0 lies 2 from it.
    assert coreset.indices.tolist() == [2, 4, 0]
    assert coreset.report["parts"][0]["radius"] == pytest.approx(1.5 - 0.5)


def test_herding_by_hand():
    # Mean 4: sample 4 first; 3 then 6 leave the sum of differences nearest to 0.
    points = np.array([[0.0], [3.0], [4.0], [6.0], [7.0]])
    rows, gap = herd(points, 3)
    assert rows.tolist() == [2, 1, 3]
    assert gap == pytest.approx(1 / 3)


@given(seed=st.integers(0, 999), n_keep=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_herding_equals_plain_loops(seed: int, n_keep: int):
    points = np.random.default_rng(seed).normal(size=(12, 3))
    assert herd(points, n_keep)[0].tolist() == herding_loops(points.tolist(), n_keep)


def test_moderate_keeps_samples_at_the_median_distance():
    # Distances from the mean 2: 2, 1, 0, 1, 2 (class 0) and 0 (class 1).
    features = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [9.0]])
    dynamics = dynamics_of(np.array([0, 0, 0, 0, 0, 1]))
    config = SelectionConfig(strategy="moderate", rate=2 / 6)
    coreset = select_coreset(dynamics, config, features=features)
    assert coreset.indices.tolist() == [1, 3]
    assert coreset.report["parts"][0]["median"] == pytest.approx(1)
    by_class = SelectionConfig(strategy="moderate", rate=3 / 6, balance="proportional")
    kept = select_coreset(dynamics, by_class, features=features)
    assert sorted(kept.indices.tolist()) == [1, 3, 5]
