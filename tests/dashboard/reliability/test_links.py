"""Which samples stand behind the bars and cells of the Reliability page."""

import numpy as np
import pytest

from coreset_lib.runs.store import Run
from coreset_lib.scores.confusion import confusion_per_epoch, samples_taken_for
from coreset_lib.scores.forgetting import count_forgetting_events, find_never_learned
from dashboard.reliability.links import (
    MOST_BARS,
    confusion_matrix,
    forgetting_bars,
    forgetting_groups,
    shape_bars,
)
from dashboard.shared.links.link_bars import read_place


def test_each_bar_has_exactly_the_samples_that_were_forgotten_so_often():
    events, never = np.array([0, 2, 0, 1, 2, 5, 0]), np.array([0, 0, 1, 0, 0, 0, 0], bool)
    groups = forgetting_groups(events, never)
    assert {label: group.indices.tolist() for label, group in groups} == {
        "0 times": [0, 6],
        "1 time": [3],
        "2 times": [1, 4],
        "3 times": [],
        "4 times": [],
        "5 times": [5],
        "never learned": [2],
    }
    assert groups[5][1].title == "Forgotten 5 times"
    assert groups[0][1].title == "Never forgotten"
    bars = forgetting_bars(groups)
    assert [bar.text for bar in bars] == ["2", "1", "2", "0", "0", "1", "1"]
    assert [bar.can_open for bar in bars] == [True, True, True, False, False, True, True]
    assert bars[0].share == 1
    assert bars[1].share == 0.5
    assert bars[1].hint == "Forgotten 1 time: show 1 image"


def test_counts_beyond_the_last_bar_are_one_group():
    groups = forgetting_groups(np.arange(60), np.zeros(60, bool))
    assert len(groups) == MOST_BARS + 1
    label, rest = groups[-2]
    assert label == f"{MOST_BARS - 1} or more times"
    assert rest.indices.tolist() == list(range(MOST_BARS - 1, 60))
    assert sum(len(group.indices) for _, group in groups) == 60


def test_nobody_learned_and_nobody_there():
    groups = forgetting_groups(np.array([0, 0]), np.array([True, True]))
    assert [group.indices.tolist() for _, group in groups] == [[], [0, 1]]
    assert [bar.share for bar in forgetting_bars(groups)] == [0, 1]


def test_shapes_without_a_sample_are_no_links():
    bars = shape_bars({"always right": 3, "never learned": 0, "forgotten": 1})
    assert [(bar.text, bar.can_open) for bar in bars] == [
        ("3 (75 %)", True),
        ("0 (0 %)", False),
        ("1 (25 %)", True),
    ]


def test_cells_are_links_where_something_was_taken_for_another_class():
    matrix = confusion_matrix(np.array([[8.0, 0.02, 12.4], [0, 5, 3.1], [0, 0, 1]]), "abc")
    texts = [[cell.text for cell in row] for row in matrix.cells]
    assert texts == [["–", "<0.1", "12"], ["", "–", "3.1"], ["", "", "–"]]
    assert [[cell.can_open for cell in row] for row in matrix.cells] == [
        [False, True, True],
        [False, False, True],
        [False, False, False],
    ]
    assert matrix.cells[0][2].share == 1
    assert matrix.cells[1][2].hint == "b taken for c: 3.1 samples per epoch; show the images"


def test_the_samples_of_a_cell_are_as_many_as_it_says(write_run):
    dynamics = Run(write_run()).dynamics()
    confusion = confusion_per_epoch(dynamics)
    for a, b in [(0, 1), (1, 0), (2, 3)]:
        samples, epochs = samples_taken_for(dynamics, a, b)
        assert (dynamics.labels[samples] == a).all()
        assert epochs.sum() == pytest.approx(confusion[a, b] * dynamics.n_epochs)
        assert (np.diff(epochs) <= 0).all()
        assert (epochs > 0).all()


def test_the_groups_are_those_of_the_library(write_run):
    dynamics = Run(write_run()).dynamics()
    events, never = count_forgetting_events(dynamics), find_never_learned(dynamics)
    groups = dict(forgetting_groups(events, never))
    assert groups["1 time"].indices.tolist() == np.flatnonzero((events == 1) & ~never).tolist()
    found = np.concatenate([group.indices for group in groups.values()])
    assert sorted(found.tolist()) == list(range(dynamics.n_samples))


@pytest.mark.parametrize("report", [None, 3, [], [5], [-1], [True], [0, 0], ["0"], [0.0]])
def test_reports_of_what_is_not_there_are_nothing(report):
    assert read_place(report, (5,)) is None


def test_reports_of_what_is_there():
    assert read_place([4], (5,)) == (4,)
    assert read_place([1, 2], (2, 3)) == (1, 2)
