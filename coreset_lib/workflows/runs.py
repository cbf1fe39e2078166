"""Runs of a cache: open, find, stop, average."""

from collections.abc import Sequence
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.jobs import states
from coreset_lib.jobs.executor import executor_of
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import Run, RunStore


def open_store(cache: Path | None = None) -> RunStore:
    """Return the runs of a cache; their states count Slurm's word where a run is silent."""
    return states.open_store(default_cache() if cache is None else cache)


def find_run(name: str, *, cache: Path | None = None) -> Run:
    """Return the run that a person means.

    Parameters
    ----------
    name : str
        Run id, a unique prefix of one, or ``latest``.
    cache : Path, optional

    Raises
    ------
    RunNotFoundError
        If there is none, or more than one.
    """
    return open_store(cache).find(name)


def stop(run: Run) -> Status:
    """Stop a queued or running run, wherever it is trained; its complete epochs are kept.

    Returns
    -------
    Status
        ``stopped``; for a run on another host the present one, it was asked to stop.

    Raises
    ------
    CoresetError
        If the run is neither queued nor running, or Slurm cannot be reached.
    """
    return executor_of(run).stop(run)


def average(runs: Sequence[Run], *, cache: Path | None = None) -> Run:
    """Average finished runs that differ in their seed into one run, an ensemble.

    Raises
    ------
    CoresetError
        If the runs do not belong together or are not finished, or the cache cannot be written.
    """
    store = open_store(cache)
    return store.at(create_ensemble(store.cache, runs).root)
