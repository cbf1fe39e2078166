"""The curves of a refinement: what they show, and what they leave out."""

import numpy as np
import pandas as pd
import pytest

from coreset_lib.refinement.plan import PLAIN
from dashboard.refinement.chart import refinement_curves
from dashboard.shared.theme import NEUTRAL


def table_of(arms=("entropy", "random", PLAIN), *, has_truth=True, has_spread=True):
    rows = [
        {
            "query": arm,
            "labels": 10.0 * n_round,
            "accuracy": 0.5 + 0.1 * n_round,
            "accuracy_deviation": 0.02 if has_spread else np.nan,
            "balanced_accuracy": 0.4,
            "balanced_accuracy_deviation": 0.01,
            "wrong": 30.0 - 8 * n_round if has_truth else np.nan,
            "wrong_deviation": 1.5 if has_truth and has_spread else np.nan,
        }
        for arm in arms
        for n_round in (0, 1)
    ]
    return pd.DataFrame(rows)


def lines(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def draw(table, figure="accuracy"):
    return refinement_curves(table, figure=figure, figure_title="test accuracy")


def test_accuracy_and_wrong_labels_stand_side_by_side_against_labels_given():
    accuracy, wrong = lines(draw(table_of()), "entropy")
    assert list(accuracy.x) == list(wrong.x) == [0, 10]
    assert list(accuracy.y) == pytest.approx([50, 60])
    assert list(wrong.y) == [30, 22]
    assert (accuracy.showlegend, wrong.showlegend) == (True, False)


def test_bands_are_one_deviation_up_and_down():
    bands = [trace for trace in draw(table_of(("entropy",))).data if trace.fill == "toself"]
    assert list(bands[0].x) == [0, 10, 10, 0]
    assert list(bands[0].y) == pytest.approx([52, 62, 58, 48])
    assert list(bands[1].y) == pytest.approx([31.5, 23.5, 20.5, 28.5])


def test_a_single_seed_has_no_band():
    figure = draw(table_of(has_spread=False))
    assert not [trace for trace in figure.data if trace.fill]
    assert len(figure.data) == 6


def test_where_nobody_knows_the_truth_only_accuracy_is_drawn():
    figure = draw(table_of(has_truth=False))
    assert len(lines(figure, "entropy")) == 1
    assert [title.text for title in figure.layout.annotations] == ["test accuracy, %"]


def test_both_random_references_are_grey_and_told_apart_by_dash():
    figure = draw(table_of())
    random, plain = lines(figure, "random")[0], lines(figure, PLAIN)[0]
    assert random.line.color == plain.line.color == NEUTRAL
    assert random.line.dash != plain.line.dash
    assert lines(figure, "entropy")[0].line.color != NEUTRAL


def test_the_figure_can_be_balanced_accuracy():
    figure = draw(table_of(("entropy",)), "balanced_accuracy")
    assert list(lines(figure, "entropy")[0].y) == pytest.approx([40, 40])


def test_differences_of_a_few_tenths_do_not_fill_the_axis():
    low, high = draw(table_of(("entropy",)).assign(accuracy=[0.871, 0.873])).layout.yaxis.range
    assert high - low == pytest.approx(5)
    low, high = draw(table_of(("entropy",))).layout.yaxis.range
    assert (low, high) == pytest.approx((48 - 0.7, 62 + 0.7))
