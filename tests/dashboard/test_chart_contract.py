"""Every file that draws a chart keeps the recipe of CONTRIBUTING.md; new ones are found by name."""

import ast
import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import plotly.graph_objects as go
import pytest

ROOT = Path(__file__).parents[2]
CHARTS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "dashboard").rglob("*.py")
    if path.stem == "chart" or path.stem.endswith("_chart")
)
CONTRACT = "Charts turn data into figures without Streamlit"


def trees(folder):
    """Parse every module below a folder of the project."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported_names(folder):
    """Pairs of module and name that files below a folder import."""
    return {
        (node.module, alias.name)
        for _, tree in trees(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def figures_of(module):
    """Names of the module's own public functions that return a figure."""
    return [
        name
        for name, function in inspect.getmembers(import_module(module), inspect.isfunction)
        if function.__module__ == module
        and not name.startswith("_")
        and inspect.signature(function).return_annotation is go.Figure
    ]


def test_the_search_finds_the_charts():
    assert {"dashboard.runs.chart", "dashboard.map.silhouette_chart"} <= set(CHARTS)


@pytest.mark.parametrize("module", CHARTS)
def test_a_chart_is_kept_from_streamlit_by_the_contract(module):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"]: each for each in settings["tool"]["importlinter"]["contracts"]}
    assert module in contracts[CONTRACT]["source_modules"], (
        f'List {module} in the contract "{CONTRACT}" of pyproject.toml.'
    )


@pytest.mark.parametrize("module", CHARTS)
def test_a_chart_has_figures_that_a_page_draws_and_a_test_checks(module):
    names = figures_of(module)
    assert names, f"{module} has no public function that returns a plotly Figure."
    drawn = imported_names("pages") | imported_names("dashboard")
    tested = imported_names("tests")
    for name in names:
        assert (module, name) in drawn, f"No page draws {module}.{name}."
        assert (module, name) in tested, f"No test checks the numbers of {module}.{name}."


@pytest.mark.parametrize("folder", ["pages", "dashboard"])
def test_every_drawn_figure_says_in_words_what_it_shows(folder):
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "plotly_chart"
        and "alt" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not silent, f"Give these charts an alt text: {silent}"
