"""What a search over windows found on validation, as a grid of early by late windows."""

from typing import Any

import numpy as np
import pandas as pd

from coreset_lib.evaluation.plan import Arm, Cell, EvaluationPlan
from coreset_lib.windows import Window


def has_window_grid(arm: Arm) -> bool:
    """Whether the variants of an arm differ in both windows."""
    pairs = {_pair(variant.score_options) for variant in arm.variants} - {None}
    return all(len({pair[side] for pair in pairs if pair}) > 1 for side in (0, 1))


def window_grid(
    plan: EvaluationPlan, cells: dict[Cell, dict[str, Any]], arm: Arm, rate: float
) -> pd.DataFrame:
    """Return the mean validation accuracy of every pair of windows.

    Test plays no part: a window that was chosen on test would flatter the score. Where other
    options vary too, the best of them counts.

    Parameters
    ----------
    plan : EvaluationPlan
    cells : mapping
        From :func:`coreset_lib.evaluation.results.read_cells`.
    arm : Arm
    rate : float

    Returns
    -------
    DataFrame
        Rows: early windows; columns: late windows; NaN where a seed is not trained yet.
    """
    best: dict[tuple[str, str], float] = {}
    for number, variant in enumerate(arm.variants):
        pair = _pair(variant.score_options)
        if pair is not None:
            best[pair] = np.fmax(best.get(pair, np.nan), _mean(plan, cells, arm, number, rate))
    early, late = (sorted({pair[side] for pair in best}, key=_first) for side in (0, 1))
    values = [[best.get((row, column), np.nan) for column in late] for row in early]
    return pd.DataFrame(values, index=early, columns=late)


def _pair(options: Any) -> tuple[str, str] | None:
    """Return early and late window of a variant, as text."""
    if "early" not in options or "late" not in options:
        return None
    return str(options["early"]), str(options["late"])


def _first(text: str) -> int:
    return Window.parse(text).first


def _mean(
    plan: EvaluationPlan, cells: dict[Cell, dict[str, Any]], arm: Arm, variant: int, rate: float
) -> float:
    """Mean validation accuracy over all seeds; NaN while one is missing."""
    wanted = plan.cells_of(arm.name, variant, rate)
    found = [cells[cell]["val"]["accuracy"] for cell in wanted if cell in cells]
    return float(np.mean(found)) if len(found) == len(wanted) else np.nan
