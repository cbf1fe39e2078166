"""Sharing the work on a plan among workers, here or on other machines."""

from collections.abc import Callable
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.jobs.work import Worked, end_early, find_plan, work_on
from coreset_lib.system.signals import on_end_request


def work(
    plan: str,
    *,
    cache: Path | None = None,
    seconds: float | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Worked:
    """Work on a plan in this process, beside any number of other workers.

    Parameters
    ----------
    plan : str
        Folder of a comparison or a refinement, or its name in the cache.
    cache : Path, optional
    seconds : float, optional
        No training begins after that long.
    on_step : callable
        Told of finished and of all trainings.

    Raises
    ------
    CoresetError
        If there is no such plan, it was made by other code or for other images, or a training
        ends before its time.
    """
    return work_on(
        find_plan(default_cache() if cache is None else cache, plan),
        seconds=seconds,
        on_step=on_step,
    )


def end_work_on_request() -> None:
    """Let this process, when it is asked to end, give back what it works on at once."""
    on_end_request(end_early)
