"""What is said about a refinement: the judgement, and whether asking beat random, honestly."""

import math

import numpy as np
import pandas as pd
import pytest

from coreset_lib.evaluation.verdicts.intervals import Draws, difference
from coreset_lib.refinement.plan import JUDGED, PLAIN, RoundCell
from coreset_lib.refinement.report import curve_table
from coreset_lib.refinement.sentences import (
    comparison_in_words,
    judgement_in_words,
    strategy_findings,
)

SEEDS = (0, 1, 2)


def judged(**changes):
    row = {
        "seed": 0, "noise_rate": 0.25, "true_rate": 0.2, "n_noisy": 25, "n_wrong": 20,
        "precision": 0.6, "recall": 0.75, "clean_called_noisy": 0.125, "minority": 0.2,
        "majority": 0.1, "test_accuracy": 0.7,
    }  # fmt: skip
    return row | changes


def test_a_judgement_tells_its_rate_the_truth_and_both_rates_of_clean_samples():
    lines = judgement_in_words(pd.DataFrame([judged()]))
    assert lines == [
        "25 labels are called wrong: the noise rate is taken to be 25.0 %, and 20.0 % of the "
        "labels are truly wrong.",
        "Precision: 60.0 % of the labels called wrong are wrong. Recall: 75.0 % of the wrong "
        "labels are called wrong.",
        "Rightly labelled samples that are called wrong: 20.0 % in minority classes, 10.0 % in "
        "the others (one seed).",
    ]


@pytest.mark.parametrize(
    ("minority", "words"),
    [
        ((0.20, 0.21, 0.22), "Minority samples: more often (+11.0 points, 95 % interval +8.5"),
        ((0.01, 0.02, 0.03), "Minority samples: less often (-8.0 points"),
        ((0.0, 0.1, 0.2), "Minority samples: no difference seen (+0.0 points"),
    ],
)
def test_whether_minorities_are_called_wrong_more_often_is_paired_over_seeds(minority, words):
    rows = [judged(seed=seed, minority=share) for seed, share in enumerate(minority)]
    lines = judgement_in_words(pd.DataFrame(rows))
    assert "25 labels are called wrong (mean of 3 seeds)" in lines[0]
    assert words in lines[2]


def test_without_the_truth_a_judgement_says_that_nobody_knows():
    nothing = dict.fromkeys(("true_rate", "n_wrong", "precision", "recall", "minority", "majority"))
    (line,) = judgement_in_words(pd.DataFrame([judged(**nothing)]))
    assert line.endswith("taken to be 25.0 %. How right that is, nobody knows here.")
    assert judgement_in_words(pd.DataFrame([])) == []


def test_classes_of_one_size_have_no_minority_to_tell_of():
    assert len(judgement_in_words(pd.DataFrame([judged(minority=None)]))) == 2


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ([0.8, 0.81, 0.82], "Beats “random”: +11.0 points (95 % interval +8.7 to +13.3"),
        ([0.6, 0.61, 0.62], "Does not beat “random”, it is worse: -9.0 points"),
        ([0.5, 0.7, 0.95], "Undecided against “random”: +1.7 points (95 % interval "),
        ([0.5, 0.7, 0.95], "over 3 seeds of each)."),
        ([0.72, 0.7, 0.77], "over 3 seeds of each). About "),
        (
            [0.7, 0.7, 0.7],
            "3 seeds cannot tell whether it beats “random” (+0.0 points with each",
        ),
        ([0.8], "One seed cannot tell whether it beats “random” (+10.0 points). Take three."),
    ],
)
def test_a_comparison_says_plainly_whether_random_is_beaten(ours, words):
    is_spread = len(set(ours)) > 1
    theirs = [0.69, 0.7, 0.71] if is_spread else [0.7] * len(ours)
    sides = [Draws(np.array(values)) for values in (ours, theirs)]
    assert words in comparison_in_words(difference(*sides), "random")


def test_what_is_proven_to_be_within_a_point_is_called_equal():
    sides = [Draws(0.7 + np.array([-1, 0, 1]) / 1e4), Draws(0.7 + np.array([-1, 1, 0]) / 1e4)]
    assert "Equal to “random” within 1 point" in comparison_in_words(difference(*sides), "random")


def cells_of(plan, accuracy_of, n_wrong=20):
    cells = {}
    for seed in plan.seeds:
        for cell in plan.cells_of(seed):
            accuracy = accuracy_of(cell)
            wrong = None if n_wrong is None else n_wrong - 3 * cell.n_round - seed
            cells[cell] = {
                "test": {"accuracy": accuracy, "balanced_accuracy": accuracy},
                "n_labels": plan.labels_after(cell.n_round),
                "n_wrong": wrong,
                "n_wrong_trained": wrong,
            }
    return cells


def test_every_strategy_is_compared_with_the_references_that_came_along(make_plan):
    plan = make_plan(seeds=SEEDS)
    strength = {"entropy": 0.1, JUDGED: 0.0, "random": 0.0, PLAIN: 0.05}

    def accuracy_of(cell):
        return (
            0.5
            + strength[cell.arm]
            + cell.seed / 100
            + cell.seed / 1000 * (cell.arm in ("entropy", "random"))
            + (cell.seed == 1) / 1000 * (cell.arm == "entropy")
        )

    cells = cells_of(plan, accuracy_of)
    entropy, random, plain = strategy_findings(plan, cells, curve_table(plan, cells))
    assert entropy.result == (
        "61.1 % accuracy after 12 labels, 51.0 % before any; 13 of 19 wrong labels left."
    )
    assert [verdict for verdict, _ in entropy.comparisons] == ["better", "better"]
    (words,) = (sentence for _, sentence in random.comparisons)
    assert words.startswith(f"Does not beat “{PLAIN}”, it is worse")
    assert plain.comparisons == ()


def test_while_rounds_are_missing_no_verdict_is_given(make_plan):
    plan = make_plan(seeds=SEEDS)
    cells = cells_of(plan, lambda cell: 0.5)
    del cells[RoundCell(seed=2, arm="entropy", n_round=2)]
    entropy, random, _ = strategy_findings(plan, cells, curve_table(plan, cells))
    assert entropy.comparisons == ()
    assert "after 6 labels" in entropy.result
    assert len(random.comparisons) == 1


def test_people_have_no_reference_and_unknown_truth_no_count(make_plan):
    plan = make_plan(seeds=(0,), expert="people")
    cells = cells_of(plan, lambda cell: 0.5, n_wrong=None)
    (found,) = strategy_findings(plan, cells, curve_table(plan, cells))
    assert found.result == "50.0 % accuracy after 12 labels, 50.0 % before any."
    assert found.comparisons == ()


def test_the_curve_table_tells_how_much_the_wrong_labels_differ_between_seeds(make_plan):
    plan = make_plan(seeds=SEEDS)
    table = curve_table(plan, cells_of(plan, lambda cell: 0.5))
    assert table["wrong_deviation"].tolist() == [1.0] * len(table)
    one = make_plan(seeds=(0,))
    table = curve_table(one, cells_of(one, lambda cell: 0.5))
    assert all(map(math.isnan, table["wrong_deviation"]))
