"""A run as the routes see it: found by name inside the cache, and only under its present stamp."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from coreset_lib.cache import default_cache
from coreset_lib.dynamics import Array, TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import ACTIVE_STATES, Status
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import RunVersion

PLANES = ("error_norm", "margin")
STAMP_LETTERS = 20


class NotThereError(CoresetError):
    """What was asked for is not there, or not any more."""


@dataclass(frozen=True)
class ServedRun:
    """An opened run, and how many of its epochs are complete now."""

    run: Run
    stamp: str
    n_epochs: int

    @property
    def version(self) -> RunVersion:
        """What names the run in the reads of the pages."""
        return RunVersion(str(self.run.paths.root), self.run.manifest.created, self.n_epochs)

    @property
    def dynamics(self) -> TrainingDynamics:
        """The planes with their labels; rows past ``n_epochs`` may be there and mean nothing."""
        return _dynamics(self.run.paths.root, self.stamp)

    def rows(self, plane: str, first: int, last: int) -> Array:
        """Return epochs ``first`` to ``last`` (1-based, inclusive) of a plane, copied."""
        if not 1 <= first <= last <= self.n_epochs:
            raise CoresetError(
                f"rows must lie from 1 to {self.n_epochs}, got {first}-{last}. Ask for those."
            )
        return np.array(self.dynamics.planes[plane][first - 1 : last])


def stamp_of(paths: RunPaths, created: str, status: Status) -> str:
    """Return what changes whenever a complete epoch of the run may have become another one.

    While one process trains, it writes each epoch once; a process that goes on from a
    checkpoint writes the epochs after it anew. Of a run that has ended the files' times count.
    """
    if status.state in ACTIVE_STATES:
        written: object = (status.host, status.pid, status.process_start)
    else:
        files = [paths.plane(name) for name in PLANES]
        written = [(f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists()]
    text = repr((paths.root.name, created, written))
    return hashlib.sha256(text.encode()).hexdigest()[:STAMP_LETTERS]


def find_run(run_id: str) -> ServedRun:
    """Open a run of the cache.

    Raises
    ------
    CoresetError
        If there is none of this name, or it cannot be read.
    """
    folder = runs_folder(default_cache())
    paths = RunPaths(folder / run_id)
    is_inside = paths.root.parent == folder and paths.root.name == run_id and run_id[:1] != "."
    if not is_inside or not paths.root.is_dir():
        raise CoresetError(f"run {run_id!r} is not in the cache. Choose one that is.")
    run = open_run(paths)
    status = run.status()
    return ServedRun(run, stamp_of(paths, run.manifest.created, status), status.epoch)


@lru_cache(maxsize=4)
def _dynamics(root: Path, stamp: str) -> TrainingDynamics:
    """Open the planes once for each stamp."""
    del stamp  # part of the key
    return open_run(RunPaths(root)).dynamics()
