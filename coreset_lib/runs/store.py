"""Reading runs: list them, find one by name, open its parts; tolerant of growth and damage."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError, DamagedRunError, RunNotFoundError
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import SCHEMA_VERSION, STATES, Manifest, Status
from coreset_lib.runs.status import reconcile

Record = TypeVar("Record", Manifest, Status)


def default_cache() -> Path:
    """Return the cache directory: ``CORESET_LENS_CACHE``, else ``cache`` below here."""
    return Path(os.environ.get("CORESET_LENS_CACHE") or "cache")


@dataclass(frozen=True)
class Run:
    """One run directory, opened for reading."""

    paths: RunPaths

    @property
    def run_id(self) -> str:
        """Name of the run, which is the name of its directory."""
        return self.paths.root.name

    @cached_property
    def manifest(self) -> Manifest:
        """What was run."""
        return _read_record(self.paths.manifest, Manifest)

    def status(self) -> Status:
        """Return how far it really is, now."""
        status = _read_record(self.paths.status, Status)
        if status.state not in STATES or not status.epoch >= 0:
            raise _damaged(self.paths.status, f"state {status.state!r}, epoch {status.epoch}")
        return reconcile(status)

    def dynamics(self) -> TrainingDynamics:
        """Open the planes of the epochs that are complete now.

        Raises
        ------
        DamagedRunError
            If a plane is missing, truncated, or of another shape than the manifest says.
        """
        n_epochs = self.status().epoch
        labels = self.labels()
        planes = {
            name: self._plane(name, n_epochs, len(labels))
            for name in self.manifest.planes
            if n_epochs
        }
        return TrainingDynamics(planes, labels, n_epochs, self.manifest.dataset.class_names)

    def labels(self) -> NDArray[np.int64]:
        """Return the labels trained with, shape (samples,)."""
        if not self.paths.labels.exists():
            labels = self.samples()["label"].to_numpy(np.int64)
        else:
            labels = _open_array(self.paths.labels)
        expected = self.manifest.dataset.n_train
        if labels.shape != (expected,):
            raise _damaged(self.paths.labels, f"shape {labels.shape}, expected ({expected},)")
        return np.asarray(labels, dtype=np.int64)

    def samples(self) -> pd.DataFrame:
        """Return the table of training samples (index, sample_id, label, class_name, source)."""
        texts = {"sample_id": "str", "class_name": "str", "source": "str"}
        try:
            table = pd.read_csv(self.paths.samples, dtype=texts, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise _damaged(self.paths.samples, str(error)) from None
        if len(table) != self.manifest.dataset.n_train or not {"index", "label", *texts} <= {
            *table
        }:
            raise _damaged(self.paths.samples, f"{len(table)} rows, columns {', '.join(table)}")
        return table

    def metrics(self) -> list[dict[str, Any]]:
        """Return one record per complete epoch; a line still being written is left out."""
        try:
            lines = self.paths.metrics.read_text().splitlines()
        except FileNotFoundError:
            return []
        records: list[dict[str, Any]] = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return records

    def embedding(self) -> NDArray[np.float32] | None:
        """Return the surrogate's embedding, (samples, features), or None if not made yet."""
        return self._optional_rows(self.paths.embedding)

    def umap(self) -> NDArray[np.float32] | None:
        """Return the map, (samples, 2), or None if not made yet."""
        return self._optional_rows(self.paths.umap)

    def log_tail(self, n_lines: int = 200) -> str:
        """Return the last lines that the training process printed."""
        try:
            lines = self.paths.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-n_lines:])

    def _plane(self, name: str, n_epochs: int, n_samples: int) -> NDArray[Any]:
        """Memory-map one plane and check its shape."""
        path = self.paths.plane(name)
        plane = _open_array(path)
        if plane.ndim < 2 or len(plane) < n_epochs or plane.shape[1] != n_samples:
            raise _damaged(path, f"shape {plane.shape}, expected ({n_epochs}, {n_samples})")
        return plane

    def _optional_rows(self, path: Path) -> NDArray[np.float32] | None:
        """Memory-map an array with one row per sample, if it is there."""
        if not path.exists():
            return None
        rows = _open_array(path)
        if len(rows) != self.manifest.dataset.n_train:
            raise _damaged(path, f"{len(rows)} rows, expected {self.manifest.dataset.n_train}")
        return rows


@dataclass(frozen=True)
class RunStore:
    """All runs below one cache directory."""

    cache: Path

    def runs(self) -> list[Run]:
        """Return every run directory, newest first, damaged ones included."""
        folder = runs_folder(self.cache)
        if not folder.is_dir():
            return []
        found = [Run(RunPaths(path)) for path in folder.iterdir() if _is_run_folder(path)]
        return sorted(found, key=lambda run: run.run_id, reverse=True)

    def at(self, folder: str | Path) -> Run:
        """Return the run in a folder that :meth:`runs` has found."""
        return Run(RunPaths(Path(folder)))

    def find(self, name: str) -> Run:
        """Return the run with this id, this unique prefix, or the newest for ``latest``.

        Raises
        ------
        RunNotFoundError
            If none or several match.
        """
        runs = self.runs()
        if not runs:
            raise RunNotFoundError(
                f"run {name!r} was not found: there are no runs in {runs_folder(self.cache)}. "
                "Start one with: coreset-lens train --dataset phantom"
            )
        if name == "latest":
            return runs[0]
        exact = [run for run in runs if run.run_id == name]
        matches = exact or [run for run in runs if name and run.run_id.startswith(name)]
        if len(matches) != 1:
            raise RunNotFoundError(_not_one_message(name, matches, runs))
        return matches[0]

    def delete(self, run: Run) -> None:
        """Remove a run that no process is training.

        Raises
        ------
        CoresetError
            If it is queued or running.
        """
        if run.status().state in ("queued", "running"):
            raise CoresetError(f"run {run.run_id} is still training. Stop it first.")
        doomed = run.paths.root.with_name(f".{run.run_id}.deleted")
        run.paths.root.rename(doomed)
        shutil.rmtree(doomed)


def _is_run_folder(path: Path) -> bool:
    """Whether a folder is meant to be a run (drafts and deleted ones start with a dot)."""
    return path.is_dir() and not path.name.startswith(".")


def _not_one_message(name: str, matches: Sequence[Run], runs: Sequence[Run]) -> str:
    """Say why a name does not lead to exactly one run."""
    if not matches:
        newest = ", ".join(run.run_id for run in runs[:3])
        return f"run {name!r} was not found. The newest runs are {newest}; or write latest."
    ids = ", ".join(run.run_id for run in matches[:5])
    return f"run {name!r} must be a unique prefix, got {len(matches)} runs: {ids}. Add characters."


def _read_record(path: Path, kind: type[Record]) -> Record:
    """Read a JSON record and check every field."""
    from pydantic import TypeAdapter, ValidationError

    try:
        text = path.read_bytes()
        version = json.loads(text).get("schema_version")
        if version != SCHEMA_VERSION:
            raise _damaged(path, f"schema version {version}, this program reads {SCHEMA_VERSION}")
        return TypeAdapter(kind).validate_json(text)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"{where}: {first['msg']}") from None
    except (ValueError, AttributeError) as error:
        if isinstance(error, CoresetError):
            raise
        raise _damaged(path, f"not valid JSON ({error})") from None


def _open_array(path: Path) -> NDArray[Any]:
    """Memory-map an array read-only."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, reason: str) -> DamagedRunError:
    """Build the error for a file that cannot be used."""
    return DamagedRunError(
        f"run {_run_name(path)} is damaged: {path.name} cannot be used ({reason}). "
        "Restore the file from a copy or delete the run."
    )


def _run_name(path: Path) -> str:
    """Name the run that a file belongs to."""
    return path.parent.parent.name if path.parent.name == "dynamics" else path.parent.name
