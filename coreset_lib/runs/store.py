"""Reading runs: list them, find one by name, open its parts; tolerant of growth and damage."""

import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.configs import FEATURES
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError, DamagedRunError, NewerRunError, RunNotFoundError
from coreset_lib.runs.leftovers import hidden_folder, remove_leftovers
from coreset_lib.runs.lock import is_being_trained
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.reading import damaged, open_array, open_plane, read_record
from coreset_lib.runs.records import ACTIVE_STATES, SCHEMA_VERSION, STATES, Manifest, Status
from coreset_lib.runs.status import judge_run

TEXTS = ("sample_id", "class_name", "source")
READ_AS_TEXT = (*TEXTS, "patient_id", "labels")
ID_SECONDS = len("20260101-000000")
FEATURE_TITLES = {
    "held_out": "held-out features",
    "pixels": "principal components of the pixels",
    "vgg16": "VGG-16 features",
    "efficientnet": "EfficientNet features",
}
# Epochs whose mean probabilities stand in for an early embedding that was not kept.
EARLY_MEAN = 6


Judge = Callable[[RunPaths, Status], Status]


@dataclass(frozen=True)
class Run:
    """One run directory, opened for reading.

    ``judge`` says what a written status is worth now; whoever knows more than the run's own
    process (a scheduler, say) gives another one, see :func:`coreset_lib.jobs.states.open_store`.
    """

    paths: RunPaths
    judge: Judge = field(default=judge_run, compare=False, repr=False)

    @property
    def run_id(self) -> str:
        """Name of the run, which is the name of its directory."""
        return self.paths.root.name

    @cached_property
    def manifest(self) -> Manifest:
        """What was run."""
        return read_record(self.paths.manifest, Manifest)

    def status(self) -> Status:
        """Return how far it really is, now."""
        written = self._written_status()
        status = self.judge(self.paths, written)
        if status.state == "interrupted" and self._written_status() != written:
            return self.status()  # it has written on while its process was looked up
        if status.state in ACTIVE_STATES and self.paths.stop_request.exists():
            return replace(status, step="stopping")
        return status

    def _written_status(self) -> Status:
        """Return the status as it stands in the file."""
        status = read_record(self.paths.status, Status)
        if status.state not in STATES or not status.epoch >= 0:
            raise damaged(self.paths.status, f"state {status.state!r}, epoch {status.epoch}")
        return status

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
        names = self.manifest.dataset.class_names
        return TrainingDynamics(
            planes, labels, n_epochs, names, self._extras(len(labels)), self.multi_hot()
        )

    def labels(self) -> NDArray[np.int64]:
        """Return the labels trained with, shape (samples,)."""
        if not self.paths.labels.exists():
            return self._checked_labels(self.paths.samples, self.samples()["label"].to_numpy())
        return self._checked_labels(self.paths.labels, open_array(self.paths.labels))

    def multi_hot(self) -> NDArray[np.uint8] | None:
        """Return all labels of samples with any number of them, shape (samples, labels)."""
        dataset, path = self.manifest.dataset, self.paths.multi_hot
        if not dataset.label_names:
            return None
        found = open_array(path)
        shape = (dataset.n_train, len(dataset.label_names))
        if found.shape != shape or found.dtype != np.uint8:
            raise damaged(path, f"shape {found.shape} of {found.dtype}, expected {shape}")
        return found

    def true_labels(self) -> NDArray[np.int64] | None:
        """Return the true labels, shape (samples,); None where nobody knows them."""
        path = self.paths.true_labels
        return self._checked_labels(path, open_array(path)) if path.exists() else None

    def noisy_flags(self) -> NDArray[np.bool_] | None:
        """Return which labels co-teaching calls wrong, shape (samples,); None if not asked."""
        path, n_samples = self.paths.noisy_flags, self.manifest.dataset.n_train
        if not path.exists():
            return None
        flags = open_array(path)
        if flags.shape != (n_samples,) or flags.dtype != np.bool_:
            raise damaged(path, f"shape {flags.shape} of {flags.dtype}, expected {n_samples} rows")
        return flags

    def samples(self) -> pd.DataFrame:
        """Return the table of training samples (index, sample_id, label, class_name, source)."""
        path, n_samples = self.paths.samples, self.manifest.dataset.n_train
        try:
            content = path.read_bytes()
            table = pd.read_csv(
                io.BytesIO(content), dtype=dict.fromkeys(READ_AS_TEXT, str), keep_default_na=False
            )
        except (OSError, ValueError) as error:
            raise damaged(path, str(error)) from None
        if not content.endswith(b"\n"):
            raise damaged(path, "it ends in the middle of a line")
        if len(table) != n_samples or not {"index", "label", *TEXTS} <= {*table}:
            raise damaged(path, f"{len(table)} rows, columns {', '.join(map(str, table))}")
        if not np.array_equal(table["index"], np.arange(n_samples)):
            raise damaged(path, f"its index must count from 0 to {n_samples - 1}")
        self._checked_labels(path, table["label"].to_numpy())
        return table

    def metrics(self) -> list[dict[str, Any]]:
        """Return one record per complete epoch; a line still being written is left out."""
        n_epochs = self.status().epoch
        try:
            lines = self.paths.metrics.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise damaged(self.paths.metrics, error.strerror or str(error)) from None
        records: list[dict[str, Any]] = []
        for line in lines[:n_epochs]:
            try:
                record = json.loads(line)
            except ValueError:
                break
            if not isinstance(record, dict):
                break
            records.append(record)
        return records

    def embedding(self) -> NDArray[np.float32] | None:
        """Return the embedding that everything goes by by default, or None if not made yet.

        An early one of the surrogate, shape (samples, features); of a run of a former version
        its last one: :meth:`embedding_record` tells.
        """
        return self._optional_rows(self.paths.embedding)

    def embedding_record(self) -> dict[str, Any]:
        """Return which embedding the default one is: ``kind``, ``epoch`` where it has one, ``why``.

        Raises
        ------
        DamagedRunError
            If the file that says so cannot be read.
        """
        path = self.paths.embedding_info
        if not path.exists():
            return {"kind": "final", "why": "the run is of a version that kept no early one"}
        try:
            record = json.loads(path.read_bytes())
            return {"kind": str(record["kind"]), "why": str(record["why"]), **record}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(path, f"{type(error).__name__}: {error}") from None

    def snapshots(self) -> list[int]:
        """Return the epochs (1-based) whose embedding was kept, ascending."""
        found = self.paths.snapshots.glob("epoch_*.npy")
        names = [path.stem.removeprefix("epoch_") for path in found]
        return sorted(int(name) for name in names if name.isdecimal())

    def snapshot(self, epoch: int) -> NDArray[np.float32]:
        """Return the embedding after an epoch (1-based), shape (samples, at most 64).

        Raises
        ------
        CoresetError
            If none was kept of that epoch.
        """
        rows = self._optional_rows(self.paths.snapshot(epoch))
        if rows is None:
            kept = ", ".join(map(str, self.snapshots())) or "none"
            raise CoresetError(
                f"epoch must be one whose embedding run {self.run_id} has kept, got {epoch}. "
                f"Kept: {kept}."
            )
        return rows.astype(np.float32)

    def features(self, kind: str) -> NDArray[np.float32] | None:
        """Return the features of a kind, (samples, features).

        ``surrogate`` is the surrogate's last embedding, None if not made yet. ``early`` has
        not learned the labels by heart yet; a run that kept none (recorded elsewhere, or of a
        former version) has in its place the mean probabilities of its first epochs.

        Raises
        ------
        CoresetError
            If the others were not computed for this run, or it has nothing early at all.
        """
        check_choice("features", kind, FEATURES)
        if kind == "surrogate":
            final = self._optional_rows(self.paths.embedding_of("final"))
            return self.embedding() if final is None else final
        if kind == "early":
            return self._early_embedding()
        path = self.paths.vgg16 if kind == "vgg16" else self.paths.embedding_of(kind)
        found = self._optional_rows(path)
        if found is None:
            raise CoresetError(
                f"run {self.run_id} has no {FEATURE_TITLES[kind]} yet. "
                f"Compute them with: coreset-lens features {self.run_id} --kind {kind}"
            )
        return found

    def early_features(self) -> NDArray[np.float32] | None:
        """Return the features ``early``, (samples, features); None if the run has none."""
        try:
            return self._early_embedding()
        except CoresetError:
            return None

    def _early_embedding(self) -> NDArray[np.float32]:
        """Return the early embedding, or the mean probabilities of the first epochs."""
        found = self._optional_rows(self.paths.embedding_of("early"))
        if found is not None:
            return found
        dynamics = self.dynamics()
        if not dynamics.n_epochs or not dynamics.has("probabilities"):
            raise CoresetError(
                f"run {self.run_id} kept neither an early embedding nor probabilities, so nothing "
                "tells what the network knew early on. Train again to have it."
            )
        last = min(EARLY_MEAN, dynamics.n_epochs)
        rows = dynamics.plane("probabilities")[:last]
        return np.nanmean(rows, axis=0, dtype=np.float32)

    def held_out_progress(self) -> tuple[int, int] | None:
        """Return how many networks for held-out features are trained, of how many; else None."""
        plan = self.paths.held_out_plan
        if not plan.exists():
            return None
        try:
            total = int(json.loads(plan.read_bytes())["folds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is being made, or taken away, at this moment
        done = [self.paths.held_out_fold(fold, "probabilities").exists() for fold in range(total)]
        return sum(done), total

    def held_out_probabilities(self) -> NDArray[np.float32] | None:
        """Return what networks that had not seen a sample make of it, (samples, classes)."""
        return self._optional_rows(self.paths.embedding_of("held_out_probabilities"))

    def val_multi_hot(self) -> NDArray[np.uint8] | None:
        """Return all labels of the validation split, where samples carry any number of them."""
        path, n_labels = self.paths.val_multi_hot, len(self.manifest.dataset.label_names)
        if not n_labels or not path.exists():
            return None
        found = open_array(path)
        shape = (self.manifest.dataset.n_val, n_labels)
        if found.shape != shape or found.dtype != np.uint8:
            raise damaged(path, f"shape {found.shape} of {found.dtype}, expected {shape}")
        return found

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

    def _plane(self, name: str, n_epochs: int, n_samples: int) -> Any:
        """Open one plane and check its shape; it is read like an array, part by part."""
        path = self.paths.plane(name)
        plane = open_plane(path)
        row = (n_samples,)
        if name == "probabilities":
            dataset = self.manifest.dataset
            row = (n_samples, len(dataset.label_names) or len(dataset.class_names))
        if plane.ndim != 1 + len(row) or len(plane) < n_epochs or plane.shape[1:] != row:
            raise damaged(path, f"shape {plane.shape}, expected {(n_epochs, *row)}")
        if plane.dtype.kind != ("u" if name == "prediction" else "f"):
            raise damaged(path, f"numbers of type {plane.dtype}")
        return plane

    def _extras(self, n_samples: int) -> dict[str, NDArray[Any]]:
        """Read what was computed of every sample after the training."""
        path = self.paths.vog_pixel
        if not path.exists():
            return {}
        values = open_array(path)
        if values.shape != (n_samples,) or values.dtype.kind != "f":
            raise damaged(
                path, f"shape {values.shape} of {values.dtype}, expected {n_samples} rows"
            )
        return {"vog_pixel": values}

    def _checked_labels(self, path: Path, labels: NDArray[Any]) -> NDArray[np.int64]:
        """Return labels of the right shape, type and range."""
        dataset = self.manifest.dataset
        if labels.shape != (dataset.n_train,):
            raise damaged(path, f"labels of shape {labels.shape}, expected ({dataset.n_train},)")
        n_classes = len(dataset.class_names)
        if labels.dtype.kind not in "iu" or ((labels < 0) | (labels >= n_classes)).any():
            raise damaged(path, f"labels must be whole numbers from 0 to {n_classes - 1}")
        return np.asarray(labels, dtype=np.int64)

    def _optional_rows(self, path: Path) -> NDArray[np.float32] | None:
        """Read an array with one row per sample, if it is there."""
        if not path.exists():
            return None
        rows = open_array(path)
        n_samples = self.manifest.dataset.n_train
        if rows.ndim != 2 or len(rows) != n_samples or rows.dtype.kind != "f":
            raise damaged(path, f"shape {rows.shape} of {rows.dtype}, expected {n_samples} rows")
        return rows


@dataclass(frozen=True)
class RunStore:
    """All runs below one cache directory."""

    cache: Path
    judge: Judge = field(default=judge_run, compare=False, repr=False)

    def runs(self) -> list[Run]:
        """Return every run directory, newest first, damaged ones included."""
        folder = runs_folder(self.cache)
        if not os.path.isdir(folder):
            return []
        try:
            found = [self.at(path) for path in folder.iterdir() if _is_run_folder(path)]
        except OSError as error:
            raise CoresetError(
                f"cache {self.cache} cannot be read: {error.strerror or error}. "
                "Choose another folder with --cache or CORESET_LENS_CACHE."
            ) from None
        return sorted(found, key=_age, reverse=True)

    def at(self, folder: str | Path) -> Run:
        """Return the run in a folder that :meth:`runs` has found."""
        return Run(RunPaths(Path(folder)), self.judge)

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
            If it is queued or running, or its lock is held.
        """
        if _is_newer(run):
            raise CoresetError(
                f"run {run.run_id} was written by a newer program, which may be training it. "
                "Delete it with that program."
            )
        if _may_be_training(run) or is_being_trained(run.paths):
            raise CoresetError(f"run {run.run_id} is still training. Stop it first.")
        remove_leftovers(self.cache)
        doomed = hidden_folder(self.cache, run.run_id, ".deleted")
        try:
            run.paths.root.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise CoresetError(
                f"run {run.run_id} cannot be deleted: {error.strerror or error}. "
                "Check who owns its folder."
            ) from None


def _is_run_folder(path: Path) -> bool:
    """Whether a folder is meant to be a run (drafts and deleted ones start with a dot)."""
    return os.path.isdir(path) and not path.name.startswith(".")


def _age(run: Run) -> tuple[str, int, str]:
    """Return a key that sorts by time: ids tell the second, manifests what is between."""
    try:
        written = run.paths.manifest.stat().st_mtime_ns
    except OSError:
        written = 0
    return run.run_id[:ID_SECONDS], written, run.run_id


def _may_be_training(run: Run) -> bool:
    """Whether a process may still write to the run; nobody can train a damaged one."""
    try:
        return run.status().state in ACTIVE_STATES
    except DamagedRunError:
        return False


def _is_newer(run: Run) -> bool:
    """Whether a newer program wrote the run."""
    try:
        return max(run.manifest.schema_version, run.status().schema_version) > SCHEMA_VERSION
    except NewerRunError:
        return True
    except DamagedRunError:
        return False


def _not_one_message(name: str, matches: Sequence[Run], runs: Sequence[Run]) -> str:
    """Say why a name does not lead to exactly one run."""
    if not matches:
        newest = ", ".join(run.run_id for run in runs[:3])
        return f"run {name!r} was not found. The newest runs are {newest}; or write latest."
    ids = ", ".join(run.run_id for run in matches[:5])
    return f"run {name!r} must be a unique prefix, got {len(matches)} runs: {ids}. Add characters."
