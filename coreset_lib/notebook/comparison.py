"""A comparison of coresets as a notebook sees it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from coreset_lib.datasets.checking.trainable import check_network
from coreset_lib.evaluation.evaluate import create_evaluation
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.report import export_results, verdict_lines
from coreset_lib.evaluation.results import EvaluationPaths, read_cells, summary_table
from coreset_lib.evaluation.work import compare
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run

PART_OF_PLAN = ("model", "epochs", "batch_size")


class Comparison:
    """The finished trainings of a comparison.

    Attributes
    ----------
    table : DataFrame
        One row per strategy and rate: mean, deviation, difference from random, verdict.
    verdicts : list of str
        The same in sentences.
    """

    def __init__(self, run: Run, plan: EvaluationPlan, paths: EvaluationPaths) -> None:
        self._run, self._plan, self._paths = run, plan, paths
        self.table: pd.DataFrame = summary_table(plan, read_cells(paths, plan))
        self.verdicts = verdict_lines(paths, plan)

    def __repr__(self) -> str:
        return "\n".join([f"<comparison {self._plan.evaluation_id}>", *self.verdicts])

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)

    def save(self, path: str | Path) -> Path:
        """Write the results as CSV, with plan and all trainings beside it; return where."""
        target = Path(path)
        export_results(self._paths, self._plan, self._run).write(target)
        return target


def compare_on(run: Run, *, recipe: Mapping[str, Any], **choices: Any) -> Comparison:
    """Train what a comparison on a run still lacks, and return it.

    Raises
    ------
    CoresetError
        If a choice is not allowed, or a recorded run is given no recipe.
    """
    config = run_recipe(run, recipe)
    plan = EvaluationPlan(
        run_id=run.run_id,
        model=config.model,
        epochs=config.epochs,
        batch_size=config.batch_size,
        recipe={name: value for name, value in recipe.items() if name not in PART_OF_PLAN},
        **choices,
    )
    check_network(plan.model, run.manifest.dataset.name, depth=run.manifest.dataset.depth)
    paths = create_evaluation(run.paths.cache, plan)
    compare(run.paths.cache, paths)
    return Comparison(run, plan, paths)
