"""Several runs of one configuration as one: per-epoch values averaged over the runs."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

from coreset_lib.atomic import flush, write_array, write_bytes, write_json
from coreset_lib.configs import TrainingConfig, with_new_names
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.label_sets import multi_hot_of, set_codes
from coreset_lib.runs.leftovers import hidden_folder, remove_leftovers
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from coreset_lib.system.privacy import make_private
from coreset_lib.system.processes import host_name

MAY_DIFFER = ("seed", "device", "data_root", "dataset", "keep_checkpoints")


def create_ensemble(cache: Path, runs: Sequence[Run]) -> RunPaths:
    """Write a finished run whose planes are the averages of those of ``runs``.

    ``prediction`` becomes the class that most runs predicted, ties going to the class with
    the lower number; of samples with any number of labels it becomes the set of labels that
    more than half of the runs predicted. Embedding and map are those of the first run:
    coordinates of different networks cannot be averaged.

    Parameters
    ----------
    cache : Path
    runs : sequence of Run
        At least two finished runs that differ in nothing but their seed.

    Returns
    -------
    RunPaths
        The ensemble; it can be opened, scored and exported like any run.

    Raises
    ------
    CoresetError
        If the runs do not belong together, or the cache cannot be written.

    Notes
    -----
    Works epoch by epoch: one row of each plane is in memory at a time.

    References
    ----------
    EVA, sec. 3.1, "multiple independent runs".
    """
    _check_members(runs)
    run_id = _new_id(runs[0])
    remove_leftovers(cache)
    draft = RunPaths(hidden_folder(cache, run_id, ".part"))
    try:
        make_private(runs_folder(cache))
        draft.dynamics.mkdir(parents=True)
        _write(draft, run_id, runs)
        os.rename(draft.root, runs_folder(cache) / run_id)
    except OSError as error:
        raise CoresetError(
            f"cache {cache} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache or CORESET_LENS_CACHE."
        ) from None
    finally:
        shutil.rmtree(draft.root, ignore_errors=True)
    return RunPaths(runs_folder(cache) / run_id)


def repetitions(run: Run, others: Sequence[Run]) -> list[Run]:
    """Return the finished runs that repeat a run with another seed, itself among them.

    Parameters
    ----------
    run : Run
        Of an ensemble, its members are returned as far as they are still there.
    others : sequence of Run
        All runs of the cache; damaged ones and ensembles are passed over.

    Returns
    -------
    list of Run
        By seed, one for each; empty where the run itself is not finished.
    """
    members = run.manifest.members
    found: dict[int | None, Run] = {}
    for other in others if members else [run, *others]:
        with contextlib.suppress(CoresetError):
            is_wanted = (
                other.run_id in members
                if members
                else not (other.manifest.members or _differences(run, other))
            )
            if is_wanted and other.status().state == "finished":
                found.setdefault(other.manifest.seed, other)
    is_finished = run.status().state == "finished"
    return [found[seed] for seed in sorted(found, key=str)] if is_finished else []


def _check_members(runs: Sequence[Run]) -> None:
    """Refuse runs that are not repetitions of one another."""
    if len({run.paths.root.resolve() for run in runs}) < max(len(runs), 2):
        raise CoresetError(
            f"an ensemble needs at least two different runs, got {len(runs)}. "
            "Train more seeds with --seeds 0-2."
        )
    first = runs[0]
    for run in runs:
        state = run.status().state
        if state != "finished":
            raise CoresetError(
                f"every run of an ensemble must be finished, got {state} for {run.run_id}. "
                "Wait for it or leave it out."
            )
        for what, ours, theirs in _differences(first, run):
            raise CoresetError(
                f"the runs of an ensemble must have the same {what}, got {ours} for "
                f"{first.run_id} and {theirs} for {run.run_id}. Leave one out."
            )
    seeds = [run.manifest.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise CoresetError(
            f"the runs of an ensemble must have different seeds, got {seeds}. "
            "The same seed gives the same run again."
        )


def _differences(first: Run, other: Run) -> list[tuple[str, Any, Any]]:
    """List in what two runs differ that they must not."""
    a, b = first.manifest, other.manifest
    pairs = [("dataset (fingerprint)", a.dataset.fingerprint[:12], b.dataset.fingerprint[:12])]
    pairs += [("title", a.title, b.title), ("recipe", a.recipe, b.recipe)]
    ours, theirs = with_new_names(a.config), with_new_names(b.config)
    names = [name for name in ours | theirs if name not in MAY_DIFFER]
    pairs += [(name, _option(ours, name), _option(theirs, name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _option(options: Mapping[str, Any], name: str) -> Any:
    """Return an option of a run; of one older than the option, what was done without it."""
    return options.get(name, getattr(TrainingConfig, name, None))


def _write(draft: RunPaths, run_id: str, runs: Sequence[Run]) -> None:
    """Write all parts of the ensemble."""
    first = runs[0]
    members = [run.dynamics() for run in runs]
    planes = tuple(name for name in first.manifest.planes if all(m.has(name) for m in members))
    for name in planes:
        _average_plane(draft, name, members)
    write_array(draft.labels, first.labels())
    write_bytes(draft.samples, first.paths.samples.read_bytes())
    for part in (
        "multi_hot",
        "true_labels",
        "wrong_labels",
        "embedding",
        "embedding_info",
        "pca",
        "umap",
        "umap_info",
    ):
        source: Path = getattr(first.paths, part)
        if source.exists():
            shutil.copyfile(source, getattr(draft, part))
    for kind in ("final", "early", "pixels"):
        source = first.paths.embedding_of(kind)
        if source.exists():
            shutil.copyfile(source, draft.embedding_of(kind))
    if first.manifest.is_recorded:
        _copy_images(first.paths, draft)
    manifest = replace(
        first.manifest,
        run_id=run_id,
        planes=planes,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        members=tuple(run.run_id for run in runs),
    )
    write_json(draft.manifest, manifest.as_dict())
    n_epochs = members[0].n_epochs
    write_status(
        draft,
        Status(
            state="finished",
            epoch=n_epochs,
            epochs=n_epochs,
            eta_seconds=0.0,
            host=host_name(),
            device=f"average of {len(runs)} runs",
        ),
    )


def _copy_images(source: RunPaths, draft: RunPaths) -> None:
    """Copy the images that a recorded run keeps, and the labels of its other splits."""
    kept = [source.images(part) for part in ("train", "val", "test")]
    kept += [source.val_labels, source.val_multi_hot, source.test_labels, source.test_multi_hot]
    for path in kept:
        if path.exists():
            shutil.copyfile(path, draft.root / path.name)


def _average_plane(draft: RunPaths, name: str, members: Sequence[TrainingDynamics]) -> None:
    """Write one averaged plane, epoch by epoch.

    Not through a memory map: on a full disk that ends the process instead of raising OSError.
    """
    planes = [member.plane(name) for member in members]
    dtype, shape = planes[0].dtype, planes[0].shape
    header = {"descr": dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with draft.plane(name).open("xb") as file:
        write_array_header_1_0(file, header)
        for epoch in range(shape[0]):
            rows = np.stack([plane[epoch] for plane in planes])
            file.write(_averaged(name, rows, members[0]).astype(dtype).tobytes())
        flush(file)


def _averaged(name: str, rows: NDArray[Any], first: TrainingDynamics) -> NDArray[Any]:
    """Return one epoch of a plane, averaged over runs, shape (samples, ...)."""
    if name != "prediction":
        return rows.mean(axis=0, dtype=float)
    if first.is_multi_label:
        return majority_set(rows, first.n_outputs)
    return majority(rows, first.n_classes)


def majority(predictions: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Return the class that most runs predicted; ties go to the lower number.

    Parameters
    ----------
    predictions : integer array, shape (runs, samples)
    n_classes : int

    Returns
    -------
    int64 array, shape (samples,)
    """
    votes = np.stack([(predictions == klass).sum(axis=0) for klass in range(n_classes)])
    return votes.argmax(axis=0)


def majority_set(predictions: NDArray[Any], n_labels: int) -> NDArray[np.int64]:
    """Return the set of the labels that more than half of the runs predicted.

    Parameters
    ----------
    predictions : integer array, shape (runs, samples)
        Sets as numbers, see :mod:`coreset_lib.label_sets`.
    n_labels : int

    Returns
    -------
    int64 array, shape (samples,)
    """
    votes = sum(multi_hot_of(row, n_labels).astype(np.int64) for row in predictions)
    return set_codes(2 * np.asarray(votes) > len(predictions))


def _new_id(first: Run) -> str:
    """Return a name that sorts by time and says what it is."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    dataset = first.manifest.dataset.name
    model = first.manifest.config.get("model", first.manifest.origin)
    return f"{moment}-{dataset}-{model}-ensemble-{secrets.token_hex(2)}"
