"""Runs of a cache: open, find, stop, average."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from coreset_lib.cache import default_cache
from coreset_lib.jobs import states
from coreset_lib.jobs.executor import executor_of
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.ensemble import repetitions as repetitions_among
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.scores.stability import RankStability, rank_stability
from coreset_lib.spreadsheets import TEXT_COLUMNS, disarm_formulas
from coreset_lib.workflows.permission import check_permission


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
    check_permission("start or stop work")
    return executor_of(run).stop(run)


def average(runs: Sequence[Run], *, cache: Path | None = None) -> Run:
    """Average finished runs that differ in their seed into one run, an ensemble.

    Raises
    ------
    CoresetError
        If the runs do not belong together or are not finished, or the cache cannot be written.
    """
    check_permission("start or stop work")
    store = open_store(cache)
    return store.at(create_ensemble(store.cache, runs).root)


def repetitions(run: Run, *, cache: Path | None = None) -> list[Run]:
    """Return the finished runs of a cache that differ from a run in their seed only, and it.

    Of an ensemble, its members.
    """
    return repetitions_among(run, open_store(cache).runs())


def stability(
    runs: Sequence[Run], score: str, options: Mapping[str, Any] | None = None
) -> RankStability:
    """Compare a score over runs that differ in their seed only.

    Raises
    ------
    CoresetError
        If there are fewer than two runs, or the score cannot be computed on one of them.
    """
    return rank_stability([compute_score(run.dynamics(), score, options or {}) for run in runs])


def stability_table(
    runs: Sequence[Run], score: str, options: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return every sample with its rank in each run, the hardest by the mean score first.

    Returns
    -------
    DataFrame
        index, sample_id, label, class_name, mean of the score over the runs, rank by it,
        hardest_tenth ("2 of 3 runs"), and rank_seed_<seed> of each run.

    Raises
    ------
    CoresetError
        As :func:`stability`.
    """
    scores = [compute_score(run.dynamics(), score, options or {}) for run in runs]
    found = rank_stability(scores)
    table = pd.DataFrame(runs[0].samples()[["index", "sample_id", "label", "class_name"]])
    table[f"mean_{score}"] = found.average.values
    table["rank"] = found.average.ranks()
    table["hardest_tenth"] = [found.in_words(index) for index in range(len(table))]
    for run, values in zip(runs, scores, strict=True):
        table[f"rank_seed_{run.manifest.seed}"] = values.ranks()
    table = table.sort_values("rank").reset_index(drop=True)
    return disarm_formulas(table, TEXT_COLUMNS)
