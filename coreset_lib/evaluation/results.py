"""Results of finished cells: one small file each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import Arm, Cell, EvaluationPlan
from coreset_lib.plans import PlanPaths, read_step

Cells = Mapping[Cell, dict[str, Any]]
# What a comparison may be judged on; the first unless somebody chooses otherwise.
FIGURES = ("balanced_accuracy", "accuracy", "macro_auc", "macro_f1", "macro_precision")


@dataclass(frozen=True)
class EvaluationPaths(PlanPaths):
    """Where the parts of one comparison lie."""

    def cell(self, cell: Cell) -> Path:
        """One finished cell."""
        return self.cells / f"{cell.key}.json"

    def predictions(self, cell: Cell) -> Path:
        """What the network of a cell said of val and test."""
        return self.root / "predictions" / f"{cell.key}.npy"

    def truth(self, part: str) -> Path:
        """Labels of val or test, which predictions are judged by."""
        return self.root / f"truth_{part}.npy"

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
    plan: EvaluationPlan,
    cells: Cells,
    arm: Arm,
    rate: float,
    figure: str = "accuracy",
) -> int | None:
    """Return the variant with the highest mean of a figure on validation; None if cells miss.

    Test results play no part (protocol ``honest``, docs/methods.md); ties go to the
    variant named first.
    """
    means: list[float] = []
    if len(arm.variants) == 1:
        return 0 if all(cell in cells for cell in plan.cells_of(arm.name, 0, rate)) else None
    for variant in range(len(arm.variants)):
        values = read_values(plan.cells_of(arm.name, variant, rate), cells, "val", figure)
        if values is None:
            return None
        means.append(float(np.mean(values)))
    return int(np.argmax(means))


def read_values(
    wanted: Sequence[Cell],
    cells: Cells,
    split: str,
    figure: str,
    klass: int | None = None,
) -> list[float] | None:
    """Return one figure of cells; None while one of them is missing.

    Parameters
    ----------
    wanted : sequence of Cell
    cells : mapping
        From :func:`read_cells`.
    split : {"val", "test"}
    figure : str
    klass : int, optional
        Where the figure has one value for each class.

    Raises
    ------
    CoresetError
        If the figure is not defined on the split, or was not kept yet when they were trained.
    """
    if any(cell not in cells for cell in wanted):
        return None
    found = [cells[cell][split].get(figure) for cell in wanted]
    values: list[Any] = [each if klass is None or each is None else each[klass] for each in found]
    if None in values:
        reason = (
            "it holds only one class."
            if all(figure in cells[cell][split] for cell in wanted)
            else "these trainings are of an earlier version that did not keep it."
        )
        raise CoresetError(f"{figure} is not defined on {split}: {reason}")
    return values
