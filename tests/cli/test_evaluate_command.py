"""What ``evaluate`` makes of its options: nothing that was given is dropped."""

import pytest

from coreset_lib.cli import _run
from coreset_lib.errors import CoresetError


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def run(cache, make_run):
    return make_run(cache, epochs=24)


@pytest.fixture
def planned(run, cache, tmp_path, monkeypatch, capsys):
    """Return the plan that a command would train, and what it said; or its refusal."""
    plans = []

    def stop(_, plan, *__):
        plans.append(plan)
        raise CoresetError("trained nothing.")

    monkeypatch.setattr("coreset_lib.cli.evaluating._work", stop)

    def make(*options):
        out = tmp_path / "out.csv"
        arguments = ["evaluate", run.run_id, *options, "--out", out, "--cache", cache]
        assert _run([*map(str, arguments)]) == 2
        said = capsys.readouterr().err
        return (plans.pop() if plans else None), said

    return make


def names(plan):
    return [arm.name for arm in plan.arms]


SMALL = ("--rates", "0.2", "--seeds", 2)


@pytest.mark.parametrize(
    "options",
    [
        ("--strategy", "coverage", "--strategy", "random"),
        ("--strategy", "coverage,random"),
        ("--strategy", "coverage", "--strategy", "random,coverage"),
    ],
)
def test_repeated_strategies_and_commas_mean_the_same(planned, options):
    plan, _ = planned(*options, *SMALL)
    assert names(plan) == ["coverage", "random (proportional)"]


def test_scores_rates_cuts_and_windows_may_be_repeated(planned):
    plan, _ = planned(
        *("--score", "eva", "--score", "el2n", "--rates", "0.1", "--rates", "0.2,0.3"),
        *("--noise-cut", 0, "--noise-cut", "0.2", "--early", "1-4", "--early", "2-5"),
        *("--late", "9-12", "--seeds", 2),
    )
    assert names(plan) == ["top eva", "top el2n"]
    assert plan.rates == (0.1, 0.2, 0.3)
    eva, el2n = plan.arms
    assert {(v.noise_cut, v.score_options["early"]) for v in eva.variants} == {
        (cut, early) for cut in (0.0, 0.2) for early in ("1-4", "2-5")
    }
    assert {v.noise_cut for v in el2n.variants} == {0.0, 0.2}


def test_options_of_scores_and_strategies_reach_the_plan(planned):
    plan, _ = planned(
        *("--strategy", "top,diversity", "--score", "eva,forgetting"),
        *("--option", "never_learned=zero", "--option", "aggregation=l1"),
        *("--strategy-option", "k=3", *SMALL),
    )
    options = {arm.name: arm.variants[0] for arm in plan.arms}
    assert options["top eva"].score_options == {"aggregation": "l1"}
    assert options["top forgetting"].score_options == {"never_learned": "zero"}
    assert options["diversity"].read_strategy_options()["k"] == 3
    assert options["top eva"].strategy_options == {}


def test_several_values_of_an_option_are_variants_that_validation_chooses_from(planned):
    plan, said = planned(
        *("--score", "eva", "--option", "aggregation=sum", "--option", "aggregation=l1", *SMALL)
    )
    (arm,) = plan.arms
    assert [v.score_options["aggregation"] for v in arm.variants] == ["sum", "l1"]
    assert "8 trainings; " in said  # 2 variants, random and the full set, 2 seeds each


def test_draws_of_random_and_the_first_seed_reach_the_plan(planned):
    plan, said = planned(*SMALL, "--random-seeds", 7, "--first-seed", 3)
    assert (plan.n_random, plan.first_seed) == (7, 3)
    assert "11 trainings; " in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--option", "colour=red"), "no score of this comparison has an option 'colour'"),
        (("--strategy-option", "k=3"), "no strategy of this comparison has an option 'k'"),
        (("--option", "aggregation"), "--option must look like name=value"),
        (("--option", "aggregation=mean"), "option aggregation must be one of"),
        (("--strategy", "top", "--strategy", "best"), "--strategy must be one of"),
        (("--figure", "speed"), "--figure must be one of balanced_accuracy, accuracy"),
        (("--random-seeds", 0), "draws of random must be"),
        (("--first-seed", -1), "first seed must be"),
        (("--preset", "ducs", "--option", "a=b"), "decides --option itself"),
        (("--strategy", "coverage", "--option", "aggregation=l1"), "Their options are: none."),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(planned, options, words):
    plan, said = planned(*options, *SMALL)
    assert plan is None
    assert words in said
    assert len(said.splitlines()) == 1


def test_one_coreset_takes_one_value_of_an_option(run, cache, tmp_path, capsys):
    arguments = ["select", run.run_id, "--score", "eva", "--rate", "0.2", "--cache", str(cache)]
    twice = ["--option", "aggregation=sum", "--option", "aggregation=l1"]
    assert _run([*arguments, *twice, "--out", str(tmp_path / "out.csv")]) == 2
    assert "--option aggregation must be given once, got sum and l1" in capsys.readouterr().err
