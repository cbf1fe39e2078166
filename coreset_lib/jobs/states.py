"""Runs of a cache, wherever they are trained: silent ones are judged by asking Slurm too."""

from pathlib import Path

from coreset_lib.jobs.slurm.client import judge_with_slurm
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import Run, RunStore


def open_store(cache: Path) -> RunStore:
    """Return the runs of a cache; their states count Slurm's word where a run is silent."""
    return RunStore(cache, judge_with_slurm)


def open_run(paths: RunPaths) -> Run:
    """Return a run as :func:`open_store` would."""
    return Run(paths, judge_with_slurm)
