"""Quick checks in the background: a detached process that outlives the dashboard."""

from dataclasses import dataclass, field
from pathlib import Path

from coreset_lib.evaluation.quick_check.plan import (
    Indices,
    QuickCheckPaths,
    QuickCheckPlan,
    create_quick_check,
    finished_pairs,
    paths_of,
)
from coreset_lib.evaluation.quick_check.verdict import FoundDifference, found_differences
from coreset_lib.jobs.processes.detached import (
    check_idle,
    check_under_way,
    end_work,
    start_work,
    work_status,
)
from coreset_lib.runs.records import ACTIVE_STATES, Status

KIND = "quick check"


@dataclass(frozen=True)
class QuickCheck:
    """One quick check in the cache, and how far it is.

    Attributes
    ----------
    found : dict
        From :func:`coreset_lib.evaluation.quick_check.verdict.found_differences`; empty until it
        is finished, so that nothing is concluded from a part of the trainings.
    n_samples, n_val : int
        Samples that each network was trained on, and those it was judged on; 0 until finished.
    """

    paths: QuickCheckPaths
    plan: QuickCheckPlan
    status: Status
    found: dict[str, FoundDifference] = field(default_factory=dict[str, FoundDifference])
    n_samples: int = 0
    n_val: int = 0

    @property
    def is_active(self) -> bool:
        """Whether a process works on it or is about to."""
        return self.status.state in ACTIVE_STATES


def start(cache: Path, plan: QuickCheckPlan, indices: Indices) -> QuickCheckPaths:
    """Start a quick check, or go on with it; finished trainings are kept.

    Raises
    ------
    CoresetError
        If it is under way already, the cache cannot be written, or no process can be started.
    """
    check_idle(work_status(paths_of(cache, plan)), KIND)
    paths = create_quick_check(cache, plan, indices)
    queued = Status(state="queued", step="starting")
    start_work(paths, paths.log, "coreset_lib.evaluation.quick_check", KIND, queued)
    return paths


def stop(paths: QuickCheckPaths) -> None:
    """End a quick check; its finished trainings are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way, or another host works on it.
    """
    end_work(paths, check_under_way(work_status(paths), KIND))


def find(cache: Path, plan: QuickCheckPlan) -> QuickCheck | None:
    """Return how far a quick check is, with its results; None if it was never started."""
    paths = paths_of(cache, plan)
    status = work_status(paths)
    if status is None:
        return None
    pairs = finished_pairs(paths) if status.state == "finished" else []
    if not pairs:
        return QuickCheck(paths, plan, status)
    found = found_differences(pairs)
    return QuickCheck(paths, plan, status, found, pairs[0]["n_samples"], pairs[0]["n_val"])
