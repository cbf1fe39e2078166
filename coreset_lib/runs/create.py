"""Starting a run directory; needs only NumPy and pandas, so a bare GPU node can."""

import importlib.metadata
import os
import platform
import secrets
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from coreset_lib.atomic import csv_bytes, write_array, write_bytes, write_json
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.catalog import plugin_source
from coreset_lib.datasets.checking.trainable import check_fits
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.relabelling.label_noise import ORIGINAL_LABEL, TRUE_LABEL
from coreset_lib.dynamics import REQUIRED_PLANES
from coreset_lib.errors import CoresetError
from coreset_lib.label_sets import set_codes, set_title
from coreset_lib.networks import NETWORKS
from coreset_lib.runs.leftovers import hidden_folder, remove_leftovers
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import RECORDED, DatasetRecord, Manifest, Status
from coreset_lib.runs.source_version import source_version
from coreset_lib.runs.status import write_status
from coreset_lib.system.privacy import make_private
from coreset_lib.system.processes import host_name

PROBABILITY_BUDGET_MB = 2048
VERSIONED = (
    "coreset-lens",
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "scikit-learn",
    "umap-learn",
)


def create_run(cache: Path, config: TrainingConfig, dataset: LabeledImages) -> RunPaths:
    """Make a queued run for ``dataset`` and return where it lies.

    The directory appears under its final name only when it is complete, so no reader
    ever meets half of it.

    Raises
    ------
    CoresetError
        If the options do not fit the dataset, or the cache directory cannot be written.
    """
    check_fits(config, dataset)
    run_id = _new_run_id(dataset.name, config.model)
    manifest = Manifest(
        run_id=run_id,
        dataset=describe_dataset(dataset),
        config=config.as_dict(),
        seed=config.seed,
        recording=config.recording,
        planes=planes_to_record(
            config.epochs, dataset, budget_mb=config.probability_budget_mb, vog=config.record_vog
        ),
        versions=library_versions(),
        created=_now(),
        plugins=_plugins_of(config),
        **source_version(),
    )
    # No process is named: whoever creates a run is not the one to signal when it shall stop.
    status = Status(state="queued", epochs=config.epochs, host=host_name())
    return _appear(cache, run_id, lambda paths: _write_records(paths, manifest, status, dataset))


def create_recorded_run(
    cache: Path,
    dataset: LabeledImages,
    *,
    title: str,
    recipe: str,
    epochs: int,
    seed: int,
    status: Status,
    image_range: tuple[float, float] | None = None,
) -> RunPaths:
    """Make a run that somebody's own training loop will be recorded into.

    The images stay with the run, since nobody else knows where they come from; those of a
    dataset whose images have no pixels are left out.

    Raises
    ------
    CoresetError
        If the cache directory cannot be written.
    """
    run_id = _new_run_id(dataset.name, RECORDED)
    manifest = Manifest(
        run_id=run_id,
        dataset=describe_dataset(dataset),
        config={},
        seed=seed,
        recording="minibatch",
        planes=planes_to_record(epochs, dataset),
        versions=library_versions(),
        created=_now(),
        origin=RECORDED,
        title=title,
        recipe=recipe,
        image_range=image_range,
        **source_version(),
    )

    def write(paths: RunPaths) -> None:
        _write_images(paths, dataset)
        _write_records(paths, manifest, status, dataset)

    return _appear(cache, run_id, write)


def _appear(cache: Path, run_id: str, write: Callable[[RunPaths], None]) -> RunPaths:
    """Let a run directory appear under its final name once ``write`` has filled it."""
    folder = runs_folder(cache)
    remove_leftovers(cache)
    draft = RunPaths(hidden_folder(cache, run_id, ".part"))
    try:
        make_private(folder)
        draft.dynamics.mkdir(parents=True)
        draft.checkpoint.parent.mkdir()
        write(draft)
        os.rename(draft.root, folder / run_id)
    except OSError as error:
        raise CoresetError(
            f"cache {cache} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache or CORESET_LENS_CACHE."
        ) from None
    finally:
        shutil.rmtree(draft.root, ignore_errors=True)
    return RunPaths(folder / run_id)


def _write_images(paths: RunPaths, dataset: LabeledImages) -> None:
    """Keep the images of all splits, and the labels of those that are not recorded."""
    for part in ("train", "val", "test"):
        images = getattr(dataset, part).images
        if images.size:
            write_array(paths.images(part), images)
    for split, labels, multi_hot in (
        (dataset.val, paths.val_labels, paths.val_multi_hot),
        (dataset.test, paths.test_labels, paths.test_multi_hot),
    ):
        if len(split):
            write_array(labels, split.labels)
        if len(split) and split.multi_hot is not None:
            write_array(multi_hot, split.multi_hot)


def describe_dataset(dataset: LabeledImages) -> DatasetRecord:
    """Return what a manifest keeps of a dataset."""
    return DatasetRecord(
        name=dataset.name,
        title=dataset.title,
        fingerprint=dataset.fingerprint(),
        class_names=dataset.class_names,
        n_train=len(dataset.train),
        n_val=len(dataset.val),
        n_test=len(dataset.test),
        image_size=dataset.image_size,
        n_channels=dataset.n_channels,
        is_synthetic=dataset.is_synthetic,
        licence=dataset.licence,
        depth=dataset.depth,
        label_names=dataset.label_names,
    )


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    versions = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _write_records(
    paths: RunPaths, manifest: Manifest, status: Status, dataset: LabeledImages
) -> None:
    """Write manifest, sample table and first status."""
    write_array(paths.labels, dataset.train.labels.astype(np.int64))
    if dataset.train.multi_hot is not None:
        write_array(paths.multi_hot, dataset.train.multi_hot)
    write_bytes(paths.samples, csv_bytes(sample_table(dataset)))
    if TRUE_LABEL in dataset.truth:
        write_array(paths.true_labels, np.asarray(dataset.truth[TRUE_LABEL], dtype=np.int64))
        write_bytes(paths.wrong_labels, csv_bytes(wrong_label_table(dataset)))
    write_json(paths.manifest, manifest.as_dict())
    write_status(paths, status)


def _plugins_of(config: TrainingConfig) -> tuple[dict[str, str], ...]:
    """Return the other packages that bring the network or the dataset of a run."""
    plugins = (NETWORKS.plugin(config.model), plugin_source(config))
    return tuple(plugin.as_dict() for plugin in plugins if plugin is not None)


def sample_table(dataset: LabeledImages) -> pd.DataFrame:
    """Return one row per training sample: index, sample_id, label, class_name, source.

    Samples with any number of labels have these in a column ``labels``, joined by " + ";
    ``label`` and ``class_name`` are then the class that they count under.
    Where they are known, ``patient_id`` (a pseudonym) and the other columns of the table
    that the dataset came from follow, these with ``extra:`` before their names.
    """
    labels = dataset.train.labels
    table = pd.DataFrame(
        {
            "index": np.arange(len(labels)),
            "sample_id": list(dataset.train.sample_ids),
            "label": labels,
            "class_name": np.asarray(dataset.class_names, dtype=object)[labels],
            "source": list(dataset.train.sources),
        }
    )
    if dataset.train.multi_hot is not None:
        codes = set_codes(dataset.train.multi_hot).tolist()
        table["labels"] = [set_title(code, dataset.label_names) for code in codes]
    if dataset.train.patient_ids:
        table["patient_id"] = list(dataset.train.patient_ids)
    return table.assign(**{f"extra:{n}": list(cells) for n, cells in dataset.train.extra.items()})


def wrong_label_table(dataset: LabeledImages) -> pd.DataFrame:
    """Return the training samples whose true label is known and is not the given one.

    Columns: index, sample_id, label, class_name (as given), true_label, true_class_name,
    original_label (before label noise was injected), is_injected.
    """
    labels, truth = dataset.train.labels, dataset.truth
    true = np.asarray(truth[TRUE_LABEL], dtype=np.int64)
    original = np.asarray(truth.get(ORIGINAL_LABEL, labels), dtype=np.int64)
    rows = np.flatnonzero(labels != true)
    names = np.asarray(dataset.class_names, dtype=object)
    return pd.DataFrame(
        {
            "index": rows,
            "sample_id": [dataset.train.sample_ids[row] for row in rows],
            "label": labels[rows],
            "class_name": names[labels[rows]],
            "true_label": true[rows],
            "true_class_name": names[true[rows]],
            "original_label": original[rows],
            "is_injected": (labels != original)[rows],
        }
    )


def planes_to_record(
    epochs: int,
    dataset: LabeledImages,
    *,
    budget_mb: int = PROBABILITY_BUDGET_MB,
    vog: bool = False,
) -> tuple[str, ...]:
    """Name the planes; all probabilities only where they fit their budget (float16)."""
    fits = 2 * epochs * len(dataset.train) * dataset.n_outputs <= budget_mb * 2**20
    planes = (*REQUIRED_PLANES, "probabilities") if fits else REQUIRED_PLANES
    return (*planes, "vog") if vog else planes


def _new_run_id(dataset: str, model: str) -> str:
    """Return a name that sorts by time and that nobody else has."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return f"{moment}-{dataset}-{model}-{secrets.token_hex(2)}"


def _now() -> str:
    """Return the present moment as manifests keep it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
