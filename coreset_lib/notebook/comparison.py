"""A comparison of coresets as a notebook sees it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from coreset_lib import workflows
from coreset_lib.checks import check_choice
from coreset_lib.evaluation.report import (
    class_names_of,
    figure_table,
    summary_table,
    verdict_lines,
)
from coreset_lib.evaluation.results import FIGURES, read_cells
from coreset_lib.evaluation.standings import standings
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.runs.store import Run

PART_OF_PLAN = ("model", "epochs", "batch_size")


class Comparison:
    """The finished trainings of a comparison.

    Attributes
    ----------
    table : DataFrame
        One row per strategy and rate: mean, deviation, difference from random, verdict.
    figures : DataFrame
        One row per strategy, rate and figure: recall, precision and F1 of each class too.
    verdicts : list of str
        The same in sentences.
    """

    def __init__(self, evaluation: Evaluation, figure: str = FIGURES[0]) -> None:
        self._evaluation, self._figure = evaluation, figure
        paths, plan = evaluation.paths, evaluation.plan
        found = standings(paths, plan, read_cells(paths, plan), figure=figure)
        names = class_names_of(paths, plan)
        self.table: pd.DataFrame = summary_table(found, names)
        self.figures: pd.DataFrame = figure_table(found, names)
        self.verdicts = verdict_lines(paths, plan, figure=figure)

    def __repr__(self) -> str:
        name = self._evaluation.plan.evaluation_id
        return "\n".join([f"<comparison {name}>", *self.verdicts])

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)

    def save(self, path: str | Path) -> Path:
        """Write the results as CSV, with plan and all trainings beside it; return where."""
        target = Path(path)
        workflows.export_evaluation(self._evaluation, figure=self._figure).write(target)
        return target


def compare_on(run: Run, *, recipe: Mapping[str, Any], figure: str, **choices: Any) -> Comparison:
    """Train what a comparison on a run still lacks, and return it.

    Raises
    ------
    CoresetError
        If a choice is not allowed, or a recorded run is given no recipe.
    """
    own = {name: value for name, value in recipe.items() if name in PART_OF_PLAN}
    more = {name: value for name, value in recipe.items() if name not in PART_OF_PLAN}
    plan = workflows.evaluation_plan(run, recipe=more, **own, **choices)
    check_choice("figure", figure, FIGURES)
    return Comparison(workflows.evaluate(plan, cache=run.paths.cache), figure)
