"""The Reliability page: its numbers are the library's."""

import pytest

from coreset_lib.runs.store import Run
from coreset_lib.scores.forgetting import find_never_learned, find_not_learned_early

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def test_the_never_learned_are_counted_and_selected_for_all_pages(open_dashboard, write_run):
    run = Run(write_run())
    never = find_never_learned(run.dynamics()).nonzero()[0].tolist()
    assert never
    dashboard = open_dashboard("reliability")
    assert f"Never learned: {len(never):,} samples" in dashboard.words
    dashboard.labelled("button", "Select them all").click()
    dashboard.run()
    assert not dashboard.errors
    dashboard.visit("trajectories")
    assert dashboard.url["sample"] == str(never[0])


def test_every_confused_pair_names_both_classes(open_dashboard, write_run):
    write_run()
    assert "taken for" in open_dashboard("reliability").words


def test_the_not_learned_early_are_counted_class_by_class(open_dashboard, write_run):
    run = Run(write_run())
    dynamics = run.dynamics()
    is_wrong = find_not_learned_early(dynamics)
    assert is_wrong.any()
    dashboard = open_dashboard("reliability")
    assert f"Not learned early: {int(is_wrong.sum()):,} samples" in dashboard.words
    of_first = dynamics.labels == 0
    assert f"{int(is_wrong[of_first].sum())} of {int(of_first.sum())} " in dashboard.words
