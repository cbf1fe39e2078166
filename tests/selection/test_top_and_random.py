"""The strategies top and random, with balances, noise cut and exclusions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coreset_lib.errors import CoresetError
from coreset_lib.selection import SelectionConfig, select_coreset

N_SAMPLES = 30


@pytest.fixture(scope="module")
def dynamics(make_dynamics):
    """Three classes of 15, 10 and 5; el2n falls with the index; AUM is lowest at the end."""
    index = np.arange(N_SAMPLES)
    return make_dynamics(
        labels=np.repeat([0, 1, 2], [15, 10, 5]),
        error_norm=np.tile(1 - index / 100, (4, 1)),
        margin=np.tile(1 - index / 50, (4, 1)),
        prediction=np.tile(np.where(index % 5 == 0, 9, np.repeat([0, 1, 2], [15, 10, 5])), (4, 1)),
    )


def choose(dynamics, **options):
    return select_coreset(dynamics, SelectionConfig(**{"score": "el2n"} | options))


def test_global_takes_the_hardest_hardest_first(dynamics):
    assert choose(dynamics, rate=0.1).indices.tolist() == [0, 1, 2]


def test_proportional_takes_the_hardest_of_each_class_by_its_size(dynamics):
    coreset = choose(dynamics, rate=0.2, balance="proportional")
    assert coreset.indices.tolist() == [0, 1, 2, 15, 16, 25]
    assert coreset.report["quotas"] == [3, 2, 1]


def test_equal_takes_the_same_number_of_each_class(dynamics):
    coreset = choose(dynamics, rate=0.2, balance="equal")
    assert coreset.indices.tolist() == [0, 1, 15, 16, 25, 26]


def test_the_noise_cut_drops_the_lowest_margins_first(make_dynamics):
    dynamics = make_dynamics(
        error_norm=[[0.9, 0.8, 0.7, 0.6, 0.5]], margin=[[-1, 0.5, -0.5, 0.5, 0.5]]
    )
    assert choose(dynamics, rate=0.4).indices.tolist() == [0, 1]
    coreset = choose(dynamics, rate=0.4, noise_cut=0.4)
    assert coreset.indices.tolist() == [1, 3]
    assert coreset.report["noise_cut_samples"] == 2


def test_the_noise_cut_rounds_down_and_takes_numpy_numbers(dynamics):
    coreset = choose(dynamics, rate=0.1, noise_cut=np.float64(0.07))
    assert coreset.report["noise_cut_samples"] == 2


def test_samples_that_the_score_excludes_are_never_chosen(dynamics):
    options = {"never_learned": "exclude"}
    coreset = choose(dynamics, score="forgetting", score_options=options, rate=0.8)
    assert len(coreset.indices) == 24
    assert not (coreset.indices % 5 == 0).any()
    assert coreset.report["excluded_by_score"] == 6


def test_a_budget_above_the_candidates_is_refused_with_both_numbers(dynamics):
    options = {"never_learned": "exclude"}
    with pytest.raises(CoresetError, match=r"asks for 25 samples, got 24 candidates"):
        choose(dynamics, score="forgetting", score_options=options, rate=0.81)
    with pytest.raises(CoresetError, match=r"Lower the rate or the noise cut"):
        choose(dynamics, rate=0.9, noise_cut=0.2)


@settings(deadline=None, max_examples=120)
@given(
    st.integers(1, N_SAMPLES),
    st.sampled_from(["top", "random"]),
    st.sampled_from(["global", "proportional", "equal"]),
    st.integers(0, 5),
)
def test_exactly_the_budget_of_unique_samples_at_every_rate(
    dynamics, keep, strategy, balance, seed
):
    config = {"strategy": strategy, "balance": balance, "seed": seed, "rate": keep / N_SAMPLES}
    if balance == "equal" and keep < 3:
        with pytest.raises(CoresetError, match="at least one sample per class"):
            choose(dynamics, **config)
        return
    indices = choose(dynamics, **config).indices
    assert len(indices) == len(set(indices.tolist())) == keep
    assert ((indices >= 0) & (indices < N_SAMPLES)).all()
    if balance != "global" and keep >= 3:
        assert set(dynamics.labels[indices]) == {0, 1, 2}


def test_random_depends_on_the_seed_alone(dynamics):
    first, again, other = (
        choose(dynamics, strategy="random", score=None, rate=0.5, seed=seed).indices.tolist()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_larger_random_coreset_holds_the_smaller_one(dynamics):
    small = choose(dynamics, strategy="random", rate=0.2).indices
    large = choose(dynamics, strategy="random", rate=0.4).indices
    assert set(small.tolist()) <= set(large.tolist())


def test_random_draws_every_sample_about_equally_often(dynamics):
    drawn = [choose(dynamics, strategy="random", rate=0.2, seed=s).indices for s in range(300)]
    counts = np.bincount(np.concatenate(drawn), minlength=N_SAMPLES)
    assert counts.min() > 30  # 60 expected, standard deviation 7
    assert counts.max() < 90


def test_a_sample_that_is_cut_is_not_drawn_at_random_either(dynamics):
    coreset = choose(dynamics, strategy="random", rate=0.5, noise_cut=0.5)
    assert sorted(coreset.indices.tolist()) == list(range(15))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "best"}, "strategy must be one of recommended, top, random"),
        ({"balance": "fair"}, "balance must be one of global, proportional, equal, got 'fair'"),
        ({"rate": 5}, "selection rate must be in (0, 1], got 5. For 5 % write 0.05."),
        ({"rate": float("nan")}, "selection rate must be in (0, 1], got nan"),
        ({"noise_cut": 1}, "noise cut must be at least 0 and below 1, got 1"),
        ({"noise_cut": float("nan")}, "noise cut must be at least 0 and below 1, got nan"),
        ({"seed": -1}, "seed must be from 0 to"),
        ({"score": None}, "strategy top needs a score"),
    ],
)
def test_bad_values_are_refused_in_words(options, message):
    with pytest.raises(CoresetError) as caught:
        SelectionConfig(**options)
    assert message in str(caught.value)
