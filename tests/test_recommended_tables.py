"""The tables of docs/recommended.md are what the trainings beside them say."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "recommended" / "second"
PAGE = (ROOT / "docs" / "recommended.md").read_text()


@pytest.fixture(scope="module")
def tables():
    path = ROOT / "benchmarks" / "recommended_tables.py"
    spec = importlib.util.spec_from_file_location("recommended_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", ["screened", "confirmed"])
def test_every_line_of_the_overview_stands_on_the_page(tables, part):
    lines = list(tables.overview(RESULTS / part))
    assert len(lines) > 3
    assert "\n".join(lines) in PAGE


def test_every_confirmed_cell_stands_on_the_page(tables):
    lines = list(tables.tables(RESULTS / "confirmed"))
    cells = [line for line in lines if line.startswith(("| 2 %", "| 5 %", "| 10 %", "| 20 %"))]
    assert len(cells) > 20
    assert [line for line in cells if line not in PAGE] == []
    (last,) = [line for line in lines[-3:] if line.startswith("| version 2 | ")]
    worse, figures = last.split("|")[-2].split(" of ")
    assert int(worse) == 3  # "Three figures are worse"
    assert f"**Three figures are worse, of {figures.strip()}**" in PAGE


def test_a_difference_is_that_of_the_means_with_welchs_interval(tables):
    rng = np.random.default_rng(0)
    own, reference = rng.normal(1, 2, 9), rng.normal(0, 1, 20)
    mean, half, p = tables.welch(own, reference)
    expected = stats.ttest_ind(own, reference, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert mean == pytest.approx(own.mean() - reference.mean())
    assert (mean - half, mean + half) == pytest.approx((interval.low, interval.high))
    assert p == pytest.approx(expected.pvalue)


def test_benjamini_and_hochberg_let_stand_what_they_let_stand(tables):
    def found(p):
        return tables.Difference("set", "arm", 0.1, f"figure {p}", 1.0, 1.0, p)

    asked = [found(p) for p in (0.045, 0.001, 0.2, 0.04, 0.011)]
    assert {each.p for each in tables.significant(asked)} == {0.001, 0.011}
    assert tables.significant([found(0.06)]) == set()


def test_the_suspects_that_the_page_counts_are_those_of_the_runs():
    record = (RESULTS / "screened" / "breastmnist.json").read_text()
    for count in ("96", "10", "15", "37", "147", "399"):
        assert f": {count}" in record
    assert "96 of 147 malignant images and 10 of 399 others. By votes these are 15 and 37" in PAGE


def test_every_training_is_there_once():
    for path in RESULTS.glob("*/*.csv"):
        with path.open(newline="") as file:
            keys = [(r["arm"], r["rate"], r["draw"]) for r in csv.DictReader(file)]
        assert len(keys) == len(set(keys)), path
