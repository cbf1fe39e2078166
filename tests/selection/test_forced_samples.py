"""Samples that a person forces into a coreset or keeps out, whatever the strategy."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score
from coreset_lib.selection import BALANCES, STRATEGIES, SelectionConfig, select_coreset
from coreset_lib.selection.budget import class_quotas, quotas_left
from coreset_lib.selection.forced import say_forced

N_SAMPLES = 40
CLASS_SIZES = (22, 12, 5, 1)
LABELS = np.random.default_rng(1).permutation(np.repeat(np.arange(4), CLASS_SIZES))
IDS = [f"image {position:02}" for position in range(N_SAMPLES)]
FEATURES = np.random.default_rng(2).normal(size=(N_SAMPLES, 6)).astype(np.float32)
COUNTS = st.lists(st.integers(0, 30), min_size=1, max_size=6)


def make_dynamics():
    """Random planes of twelve epochs."""
    rng = np.random.default_rng(0)
    shape = (12, N_SAMPLES)
    planes = {
        "error_norm": rng.random(shape, dtype=np.float32),
        "label_probability": rng.random(shape, dtype=np.float32),
        "margin": rng.random(shape, dtype=np.float32) * 2 - 1,
        "entropy": rng.random(shape, dtype=np.float32),
        "prediction": rng.integers(0, 4, shape).astype(np.uint8),
    }
    return TrainingDynamics(planes, LABELS, 12, ("one", "two", "three", "four"))


DYNAMICS = make_dynamics()
MARGINS = np.argsort(DYNAMICS.plane("margin").mean(axis=0), kind="stable")


def choose(force_in=(), keep_out=(), **config):
    """Select from the shared run; samples are named by their positions."""
    return select_coreset(
        DYNAMICS,
        SelectionConfig(
            force_in=tuple(IDS[i] for i in force_in),
            keep_out=tuple(IDS[i] for i in keep_out),
            **config,
        ),
        features=FEATURES,
        early_features=FEATURES,
        sample_ids=lambda: IDS,
    )


def of_class(klass, n):
    """The first samples of a class."""
    return np.flatnonzero(klass == LABELS)[:n].tolist()


class TestEveryStrategy:
    @pytest.mark.parametrize("name", STRATEGIES)
    @pytest.mark.parametrize("balance", BALANCES)
    @pytest.mark.parametrize("n_keep", [8, 13, 25, 34])
    def test_keeps_the_forced_ones_and_no_other_and_exactly_the_budget(self, name, balance, n_keep):
        inside, outside = of_class(0, 4) + of_class(2, 2), of_class(1, 5)
        chosen = choose(
            inside, outside, strategy=name, balance=balance, rate=n_keep / N_SAMPLES, seed=3
        )
        kept = chosen.indices.tolist()
        assert len(kept) == len(set(kept)) == n_keep
        assert set(inside) <= set(kept)
        assert not set(outside) & set(kept)
        assert chosen.forced.tolist() == sorted(inside)
        assert chosen.report["forced"]["in"] == 6
        assert chosen.report["forced"]["out"] == 5
        assert json.loads(json.dumps(chosen.report, allow_nan=False)) == chosen.report

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_chooses_as_before_where_nobody_is_forced(self, name):
        config = SelectionConfig(strategy=name, rate=0.4, balance="proportional")
        plain = select_coreset(DYNAMICS, config, features=FEATURES, early_features=FEATURES)
        asked = choose(strategy=name, rate=0.4, balance="proportional")
        assert plain.indices.tolist() == asked.indices.tolist()
        assert plain.report == asked.report
        assert "forced" not in plain.report

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_forced_ones_may_be_the_whole_coreset(self, name):
        inside = of_class(0, 3) + of_class(1, 1)
        assert choose(inside, strategy=name, rate=0.1).indices.tolist() == sorted(inside)

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_everything_but_those_kept_out_may_be_the_coreset(self, name):
        outside = of_class(0, 10) + of_class(3, 1)
        kept = choose([], outside, strategy=name, rate=29 / N_SAMPLES).indices
        assert set(kept.tolist()) == set(range(N_SAMPLES)) - set(outside)

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_a_forced_sample_passes_the_noise_cut(self, name):
        inside = MARGINS[:3].tolist()
        chosen = choose(inside, strategy=name, noise_cut=0.5, rate=0.25)
        assert set(inside) <= set(chosen.indices.tolist())
        assert not set(MARGINS[3:20].tolist()) & set(chosen.indices.tolist())
        assert chosen.report["noise_cut_samples"] == 17

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_forced_samples_count_towards_the_quota_of_their_class(self, name):
        chosen = choose(of_class(1, 3), strategy=name, balance="equal", rate=0.4)
        assert np.bincount(LABELS[chosen.indices]).tolist() == [5, 5, 5, 1]
        assert chosen.report["forced"]["beyond_quota"] == {}

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_more_than_a_quota_takes_from_the_others_and_is_said(self, name):
        chosen = choose(of_class(0, 9), strategy=name, balance="equal", rate=0.4)
        assert np.bincount(LABELS[chosen.indices]).tolist() == [9, 3, 3, 1]
        assert chosen.report["forced"]["beyond_quota"] == {"one": [9, 5]}
        assert say_forced(chosen.report) == (
            "forced in: 9; kept out: 0; more than the share of the class: one 9 instead of 5, so "
            "that others have fewer"
        )


def test_top_fills_the_rest_with_the_hardest():
    order = compute_score(DYNAMICS, "aum").order().tolist()
    inside, outside = order[-2:], order[:1]
    kept = choose(inside, outside, score="aum", rate=0.2).indices.tolist()
    assert kept == [*sorted(inside), *order[1:7]]


def test_forcing_in_what_is_chosen_anyway_changes_nothing():
    order = compute_score(DYNAMICS, "aum").order().tolist()
    kept = choose(order[2:4], score="aum", rate=0.2).indices.tolist()
    assert sorted(kept) == sorted(order[:8])


class TestWhatCannotBe:
    def test_an_unknown_sample(self):
        config = SelectionConfig(force_in=("no such",), keep_out=("image 01",))
        with pytest.raises(CoresetError, match="'no such' is not among the 40 training samples"):
            select_coreset(DYNAMICS, config, sample_ids=IDS)

    def test_two_unknown_samples_are_counted(self):
        config = SelectionConfig(keep_out=("x", "y", "z"))
        with pytest.raises(CoresetError, match=r"sample 'x' \(and 2 more\) is not among"):
            select_coreset(DYNAMICS, config, sample_ids=IDS)

    def test_inside_and_outside_at_once(self):
        with pytest.raises(CoresetError, match="'image 03' must be forced in or kept out"):
            choose([3, 4], [3])

    def test_inside_and_outside_at_once_with_an_apostrophe(self):
        config = SelectionConfig(force_in=("image 03",), keep_out=("'image 03",))
        with pytest.raises(CoresetError, match="'image 03' must be forced in or kept out"):
            select_coreset(DYNAMICS, config, sample_ids=IDS)

    def test_more_than_the_budget(self):
        with pytest.raises(CoresetError, match="asks for 4 samples, got 5 that are forced in"):
            choose(range(5), rate=0.1)

    def test_too_few_left(self):
        with pytest.raises(CoresetError, match=r"asks for 36 samples, got 30 .* keep fewer out"):
            choose([], range(10), rate=0.9)

    def test_no_ids(self):
        with pytest.raises(CoresetError, match="needs the ids of all training samples"):
            select_coreset(DYNAMICS, SelectionConfig(force_in=("a",)))

    @pytest.mark.parametrize("given", ["image 03", 3, [3], [""], None, [None]])
    def test_what_is_no_list_of_ids(self, given):
        with pytest.raises(CoresetError, match="force_in must be a list of sample ids"):
            SelectionConfig(force_in=given)


def test_nothing_of_it_is_recorded_where_nobody_is_forced():
    assert not {"force_in", "keep_out"} & SelectionConfig().as_dict().keys()


def test_the_record_reads_back():
    config = SelectionConfig(force_in=["b", "a", "b"], keep_out=("c",))
    record = json.loads(json.dumps(config.as_dict()))
    assert record["force_in"] == ["a", "b"]
    assert SelectionConfig.from_record(record) == config


class TestQuotasLeft:
    def test_by_hand(self):
        # Ten of 60, 30 and 10 samples: 6, 3, 1. Five of the second leave five for 60 and 10.
        left = quotas_left(
            10,
            class_counts=np.array([60, 30, 10]),
            available=np.array([60, 30, 10]),
            taken=np.array([0, 5, 0]),
            balance="proportional",
        )
        assert left.tolist() == [4, 0, 1]

    @given(data=st.data(), sizes=COUNTS, balance=st.sampled_from(["proportional", "equal"]))
    @settings(max_examples=300, deadline=None)
    def test_fill_the_budget_and_never_more_than_there_are(self, data, sizes, balance):
        sizes = np.array(sizes)
        taken = np.array([data.draw(st.integers(0, int(size))) for size in sizes])
        least = max(int(taken.sum()), int((sizes > 0).sum()))
        total = data.draw(st.integers(least, max(least, int(sizes.sum()))))
        if total > sizes.sum():
            return
        kinds = {"class_counts": sizes, "available": sizes, "balance": balance}
        left = quotas_left(total, taken=taken, **kinds)
        quotas = class_quotas(total, **kinds)
        assert left.sum() == total - taken.sum()
        assert (left >= 0).all()
        assert (left + taken <= sizes).all()
        # Nobody gains by it, but for one sample that another remainder may round to a class.
        assert (left + taken <= np.maximum(quotas, taken) + 1).all()
        if (taken <= quotas).all():
            assert (left + taken).tolist() == quotas.tolist()
