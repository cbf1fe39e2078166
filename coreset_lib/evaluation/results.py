"""Results of finished cells: one small file each, and the tables made of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.paired import PairedComparison, compare_paired
from coreset_lib.evaluation.plan import FULL_SET, Arm, Cell, EvaluationPlan
from coreset_lib.plans import PlanPaths, read_step

FIGURES = ("accuracy", "balanced_accuracy", "macro_auc")


@dataclass(frozen=True)
class EvaluationPaths(PlanPaths):
    """Where the parts of one comparison lie."""

    def cell(self, cell: Cell) -> Path:
        """One finished cell."""
        return self.cells / f"{cell.key}.json"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.root / "evaluate.log"

    @property
    def slurm_job(self) -> Path:
        """Which Slurm job works on it."""
        return self.root / "slurm.json"

    @property
    def slurm_script(self) -> Path:
        """The script that was handed to Slurm."""
        return self.root / "job.sbatch"

    @property
    def task_error(self) -> Path:
        """What ended a task of the Slurm job."""
        return self.root / "task_error.txt"

    @property
    def stop_request(self) -> Path:
        """Present once somebody asked it to stop."""
        return self.root / "stop"


def write_cell(paths: EvaluationPaths, cell: Cell, result: dict[str, Any]) -> None:
    """Keep the result of a cell, whole or not at all."""
    write_json(paths.cell(cell), {"cell": asdict(cell), **result})


def is_finished(paths: EvaluationPaths, cell: Cell) -> bool:
    """Whether a cell has its result."""
    return _read_cell(paths, cell) is not None


def count_finished(paths: EvaluationPaths, cells: Sequence[Cell]) -> int:
    """Return how many cells have a file; cheaper than reading them all."""
    present = {path.name for path in paths.cells.glob("*.json")}
    return sum(paths.cell(cell).name in present for cell in cells)


def read_cells(paths: EvaluationPaths, plan: EvaluationPlan) -> dict[Cell, dict[str, Any]]:
    """Return the finished cells of a plan; an unreadable one counts as not finished."""
    found: dict[Cell, dict[str, Any]] = {}
    for cell in plan.cells():
        record = _read_cell(paths, cell)
        if record is not None:
            found[cell] = record
    return found


def _read_cell(paths: EvaluationPaths, cell: Cell) -> dict[str, Any] | None:
    """Return the record of a finished cell; None if it has none that can be read."""
    return read_step(paths.cell(cell), cell=asdict(cell))


def chosen_variant(
    plan: EvaluationPlan, cells: dict[Cell, dict[str, Any]], arm: Arm, rate: float
) -> int | None:
    """Return the variant with the highest mean validation accuracy; None if cells miss.

    Test results play no part (protocol ``honest``, docs/methods.md); ties go to the
    variant named first.
    """
    means: list[float] = []
    for variant in range(len(arm.variants)):
        values = _values(plan, cells, arm.name, variant, rate, "val", "accuracy")
        if values is None:
            return None
        means.append(float(np.mean(values)))
    return int(np.argmax(means))


def summary_table(
    plan: EvaluationPlan,
    cells: dict[Cell, dict[str, Any]],
    *,
    figure: str = "accuracy",
) -> pd.DataFrame:
    """One row per strategy and rate whose cells are finished.

    Parameters
    ----------
    plan : EvaluationPlan
    cells : mapping
        From :func:`read_cells`.
    figure : {"accuracy", "balanced_accuracy", "macro_auc"}
        Taken on test at the final epoch (protocol ``honest``). A plan of protocol ``paper``
        looks at the best-epoch accuracy on val instead, only to compare with published
        numbers.

    Returns
    -------
    DataFrame
        strategy, rate, n_samples, variant, mean, standard_deviation, reference,
        difference, low, high, verdict, seeds, seeds_to_tell, steps, seconds; the
        difference is against random with the same class balance.
    """
    rows: list[dict[str, Any]] = []
    for rate in sorted(plan.rates):
        for arm in plan.all_arms():
            variant = chosen_variant(plan, cells, arm, rate)
            if variant is not None:
                rows.append(_row(plan, cells, arm.name, variant, rate, figure))
                _add_comparison(rows[-1], plan, cells, arm, variant, rate, figure)
    if _values(plan, cells, FULL_SET, 0, 1.0, "test", "accuracy") is not None:
        rows.append(_row(plan, cells, FULL_SET, 0, 1.0, figure))
    return pd.DataFrame(rows)


def _row(
    plan: EvaluationPlan,
    cells: dict[Cell, dict[str, Any]],
    arm: str,
    variant: int,
    rate: float,
    figure: str,
) -> dict[str, Any]:
    """Describe the results of one arm at one rate."""
    values = _figures(plan, cells, arm, variant, rate, figure)
    assert values is not None
    first = cells[Cell(arm=arm, variant=variant, rate=rate, seed=0)]
    seconds = [cells[c]["seconds"] for c in _cells_of(plan, arm, variant, rate)]
    return {
        "strategy": arm,
        "rate": rate,
        "n_samples": first["n_samples"],
        "variant": variant,
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        "seeds": len(values),
        "steps": first["steps"],
        "seconds": float(np.mean(seconds)),
    }


def _add_comparison(
    row: dict[str, Any],
    plan: EvaluationPlan,
    cells: dict[Cell, dict[str, Any]],
    arm: Arm,
    variant: int,
    rate: float,
    figure: str,
) -> None:
    """Add the paired comparison with random, unless the arm is random itself."""
    if arm.name.startswith("random"):
        return
    ours = _figures(plan, cells, arm.name, variant, rate, figure)
    random = _figures(plan, cells, arm.reference, 0, rate, figure)
    if ours is None or random is None:
        return
    found: PairedComparison = compare_paired(ours, random)
    row |= {
        "reference": arm.reference,
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "verdict": found.verdict,
        "seeds_to_tell": found.seeds_to_tell,
    }


def _figures(
    plan: EvaluationPlan,
    cells: dict[Cell, dict[str, Any]],
    arm: str,
    variant: int,
    rate: float,
    figure: str,
) -> list[float] | None:
    """Return what the protocol looks at, per seed."""
    if plan.protocol == "paper":
        return _values(plan, cells, arm, variant, rate, "val", "best_accuracy")
    return _values(plan, cells, arm, variant, rate, "test", figure)


def _values(
    plan: EvaluationPlan,
    cells: dict[Cell, dict[str, Any]],
    arm: str,
    variant: int,
    rate: float,
    split: str,
    figure: str,
) -> list[float] | None:
    """Return one figure per seed; None while a seed is missing."""
    wanted = _cells_of(plan, arm, variant, rate)
    if any(cell not in cells for cell in wanted):
        return None
    values = [cells[cell][split][figure] for cell in wanted]
    if any(value is None for value in values):
        raise CoresetError(f"{figure} is not defined on {split}: it holds only one class.")
    return values


def _cells_of(plan: EvaluationPlan, arm: str, variant: int, rate: float) -> list[Cell]:
    """Return the cells of all seeds."""
    return [Cell(arm=arm, variant=variant, rate=rate, seed=s) for s in range(plan.n_seeds)]
