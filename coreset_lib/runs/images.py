"""The images of a run: those that it keeps itself, or those of the dataset it was started on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages, Split, load_configured
from coreset_lib.datasets.sample_names import row_ids
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.reading import damaged, open_array, open_plane
from coreset_lib.runs.resume import plain_config
from coreset_lib.runs.store import Run


def load_run_images(run: Run, *, roots: Sequence[Path] | None = None) -> LabeledImages:
    """Return the dataset of a run, labels as the run was trained on.

    Parameters
    ----------
    run : Run
    roots : sequence of Path, optional
        The only folders that files may come from; None allows all.

    Raises
    ------
    CoresetError
        If the images are gone, or the run was recorded without any.
    """
    if not run.manifest.is_recorded:
        return load_configured(plain_config(run.paths), cache=run.paths.cache, roots=roots)
    if not run.paths.images("train").exists():
        raise CoresetError(
            f"run {run.run_id} was recorded without images. Record with images=, "
            "the training images in the order of the labels."
        )
    return _recorded_images(run)


def _recorded_images(run: Run) -> LabeledImages:
    """Open the arrays that a recorded run keeps."""
    paths, record = run.paths, run.manifest.dataset
    samples = run.samples()
    train = Split(
        images=_images(paths, "train", record.n_train),
        labels=run.labels(),
        sample_ids=samples["sample_id"].tolist(),
        sources=samples["source"].tolist(),
        patient_ids=samples["patient_id"].tolist() if "patient_id" in samples else (),
        multi_hot=run.multi_hot(),
    )
    return LabeledImages(
        name=record.name,
        title=record.title,
        class_names=record.class_names,
        train=train,
        val=_other_split(run, train, "val", record.n_val),
        test=_other_split(run, train, "test", record.n_test),
        licence=record.licence,
        is_synthetic=record.is_synthetic,
    )


def _other_split(run: Run, train: Split, part: str, n_samples: int) -> Split:
    """Open the validation or test split; without samples where none was given."""
    paths = run.paths
    labels_path, hot_path = (
        (paths.val_labels, paths.val_multi_hot)
        if part == "val"
        else (paths.test_labels, paths.test_multi_hot)
    )
    hot = None if train.multi_hot is None else np.zeros((0, train.multi_hot.shape[1]), np.uint8)
    if n_samples == 0:
        nothing = np.zeros((0, *train.images.shape[1:]), np.uint8)
        return Split(nothing, np.zeros(0, np.int64), (), (), multi_hot=hot)
    labels = _rows(labels_path, n_samples).astype(np.int64)
    return Split(
        images=_images(paths, part, n_samples),
        labels=labels,
        sample_ids=row_ids(part, n_samples),
        sources=row_ids(part, n_samples),
        multi_hot=None if hot is None else _rows(hot_path, n_samples),
    )


def _images(paths: RunPaths, part: str, n_samples: int) -> NDArray[np.uint8]:
    """Open the images of a split, of which those asked for are read."""
    path = paths.images(part)
    images: Any = open_plane(path)
    _check_rows(path, images, n_samples)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise damaged(path, f"shape {images.shape} of {images.dtype}")
    return images


def _rows(path: Path, n_samples: int) -> NDArray[Any]:
    """Read an array with a row per sample."""
    array = open_array(path)
    _check_rows(path, array, n_samples)
    return array


def _check_rows(path: Path, array: NDArray[Any], n_samples: int) -> None:
    """Raise DamagedRunError unless there is a row per sample."""
    if array.ndim == 0 or len(array) != n_samples:
        n_rows = len(array) if array.ndim else 0
        raise damaged(path, f"{n_rows} rows, expected {n_samples}")
