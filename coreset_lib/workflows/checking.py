"""Quick checks: start, look, stop; small networks on a coreset and on random ones."""

from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.quick_check.plan import Indices, plan_quick_check
from coreset_lib.jobs import quick_checks as jobs
from coreset_lib.jobs.quick_checks import QuickCheck
from coreset_lib.runs.store import Run
from coreset_lib.workflows.permission import check_permission


def start_quick_check(run: Run, indices: Indices, *, cache: Path | None = None) -> QuickCheck:
    """Train small networks on a coreset and on random ones of its size, in the background.

    Parameters
    ----------
    run : Run
        Gives the images and the recipe.
    indices : int array, shape (kept,)
        Training samples, as :func:`coreset_lib.selection.select_coreset` returns them.
    cache : Path, optional

    Raises
    ------
    CoresetError
        If the same is under way already, the samples are too few, or no process can be started.
    """
    check_permission("start or stop work")
    folder = default_cache() if cache is None else cache
    plan = plan_quick_check(run, indices)
    jobs.start(folder, plan, indices)
    found = jobs.find(folder, plan)
    if found is None:
        raise CoresetError("the quick check was deleted while it started. Start it again.")
    return found


def quick_check(run: Run, indices: Indices, *, cache: Path | None = None) -> QuickCheck | None:
    """Return the quick check of a coreset as it is now; None if it was never started.

    Raises
    ------
    CoresetError
        If the samples are too few.
    """
    folder = default_cache() if cache is None else cache
    return jobs.find(folder, plan_quick_check(run, indices))


def stop_quick_check(check: QuickCheck) -> None:
    """End a quick check; its finished trainings are kept.

    Raises
    ------
    CoresetError
        If it is not under way, or another host works on it.
    """
    check_permission("start or stop work")
    jobs.stop(check.paths)
