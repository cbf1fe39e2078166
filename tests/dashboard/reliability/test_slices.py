"""Slices by a column of one's own table: on Reliability, and as a filter on Trajectories."""

import numpy as np
import pandas as pd
import pytest

from coreset_lib.runs.store import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def run_with_columns(write_run):
    """A run whose table names a scanner and an age; one class comes from one scanner only."""
    paths = write_run()
    table = pd.read_csv(paths.samples, keep_default_na=False)
    is_first = table["label"] == table["label"].min()
    table["extra:scanner"] = np.where(is_first, "A <b>", np.where(table.index % 2, "A <b>", "B"))
    table["extra:age"] = np.arange(len(table)) / 2
    table.to_csv(paths.samples, index=False)
    return Run(paths)


def table_of(dashboard):
    return next(e.value for e in dashboard.app.dataframe if "slice" in e.value)


def test_every_slice_stands_with_its_classes_and_interval(open_dashboard, run_with_columns):
    dashboard = open_dashboard("reliability")
    assert not dashboard.errors
    shown = table_of(dashboard)
    labels = run_with_columns.samples()
    counts = labels["extra:scanner"].value_counts()
    assert dict(zip(shown["slice"], shown["samples"], strict=True)) == counts.to_dict()
    assert shown["learned early"].str.fullmatch(r"\d+ % \(\d+ to \d+\)").all()
    name = labels.loc[labels["label"] == labels["label"].min(), "class_name"].iloc[0]
    assert f"{name} only with A <b>" in dashboard.words
    dashboard.labelled("selectbox", "Column").set_value("extra:age")
    dashboard.run()
    assert not dashboard.errors
    assert len(table_of(dashboard)) == 4


def test_the_samples_of_a_slice_are_selected(open_dashboard, run_with_columns):
    dashboard = open_dashboard("reliability")
    assert dashboard.labelled("button", "Select their samples").disabled
    dashboard.labelled("button_group", "Slices").set_value([1])
    dashboard.run()
    dashboard.labelled("button", "Select their samples").click()
    dashboard.run()
    assert not dashboard.errors
    n_samples = int((run_with_columns.samples()["extra:scanner"] == "B").sum())
    assert any(f"{n_samples:,} samples selected" in toast.value for toast in dashboard.app.toast)


def test_without_a_column_there_is_nothing_to_cut_by(open_dashboard, write_run):
    write_run()
    assert "By a column of your table" not in open_dashboard("reliability").words


def test_the_ranking_is_narrowed_to_a_scanner(open_dashboard, run_with_columns):
    dashboard = open_dashboard("trajectories")
    dashboard.labelled("selectbox", "Column of your table").set_value("extra:scanner")
    dashboard.run()
    dashboard.labelled("multiselect", "is").set_value([1])
    dashboard.run()
    assert not dashboard.errors
    n_samples = int((run_with_columns.samples()["extra:scanner"] == "B").sum())
    assert f"of {n_samples:,} found" in dashboard.words
