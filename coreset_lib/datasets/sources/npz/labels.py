"""Labels in .npz archives: one class per sample, or any number of labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import MULTI_LABEL, Labels
from coreset_lib.datasets.sources.npz.archive import NpzArchive
from coreset_lib.errors import DatasetError
from coreset_lib.label_sets import MOST_LABELS, NO_LABEL, MultiHot, rarest_first, standing_class

PARTS = ("train", "val", "test")
MOST_CLASSES = 10_000
TASK = "task"


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredLabels:
    """The labels of a file; ``labels`` and ``multi_hot`` are of train, val and test.

    ``class_names`` and both arrays are as in `LabeledImages` and `Split`.
    """

    class_names: tuple[str, ...]
    labels: tuple[Labels, ...]
    multi_hot: tuple[MultiHot | None, ...] = (None, None, None)

    @property
    def is_multi_label(self) -> bool:
        """Whether samples carry any number of labels."""
        return self.multi_hot[0] is not None


def read_labels(
    archive: NpzArchive, class_names: tuple[str, ...], *, is_multi_label: bool
) -> StoredLabels:
    """Return all labels of an archive with their names.

    Parameters
    ----------
    archive : NpzArchive
    class_names : tuple of str
        Used where the archive has none.
    is_multi_label : bool
        Whether samples carry any number of labels; the archive may say so too, by ``task``.

    Raises
    ------
    DatasetError
        If labels are none, their names do not fit, or without names a class occurs that no
        training sample has.
    """
    if "class_names" in archive:
        class_names = _stored_names(archive)
    if is_multi_label or _says_multi_label(archive):
        return _label_sets(archive, class_names)
    train, val, test = (_class_numbers(archive, part) for part in PARTS)
    if not class_names:
        for part, labels in (("val", val), ("test", test)):
            _check_known(archive, part, labels, train)
        class_names = tuple(f"class {number}" for number in range(1 + int(train.max(initial=-1))))
    return StoredLabels(class_names=class_names, labels=(train, val, test))


def is_absent(archive: NpzArchive, part: str) -> bool:
    """Whether a file has neither images nor labels of val or of test, which train then gives."""
    return part != "train" and not any(f"{part}_{k}" in archive for k in ("images", "labels"))


def _label_sets(archive: NpzArchive, label_names: tuple[str, ...]) -> StoredLabels:
    """Return sets of labels, and the class that each sample counts under."""
    sets = [_multi_hot(archive, part) for part in PARTS]
    widths = [part.shape[1] for part in sets]
    label_names = label_names or tuple(f"label {number}" for number in range(widths[0]))
    if set(widths) != {len(label_names)}:
        raise DatasetError(
            f"labels in {archive.path} must have one column per label in every split, got "
            f"{', '.join(map(str, widths))} columns and {len(label_names)} names. Add what is "
            "missing."
        )
    if NO_LABEL in label_names:
        raise DatasetError(
            f"labels in {archive.path} must not be named {NO_LABEL!r}: a sample without a label "
            "is a row of zeros. Remove that column."
        )
    order = rarest_first(sets[0])
    return StoredLabels(
        class_names=(*label_names, NO_LABEL),
        labels=tuple(standing_class(part, order) for part in sets),
        multi_hot=tuple(sets),
    )


def _says_multi_label(archive: NpzArchive) -> bool:
    """Whether a file calls its task multi-label."""
    if TASK not in archive:
        return False
    values = archive.read(TASK)
    task = str(values.ravel()[0]) if values.size == 1 and values.dtype.kind == "U" else ""
    return task.startswith("multi-label")


def _multi_hot(archive: NpzArchive, part: str) -> MultiHot:
    """Return the labels of a split as 0 and 1, shape (samples, labels)."""
    where = f"{part}_labels in {archive.path}"
    if is_absent(archive, part):
        width = archive.header("train_labels").shape[1:] or (0,)
        return np.zeros((0, *width), np.uint8)
    values = archive.read(f"{part}_labels")
    if (
        values.ndim != 2
        or not 1 <= values.shape[1] <= MOST_LABELS
        or values.dtype.kind not in "biuf"
    ):
        raise DatasetError(
            f"{where} must be 0 or 1 for each of 1 to {MOST_LABELS} labels, shape (samples, "
            f"labels), got {values.dtype} of shape {values.shape}. Store one column per label."
        )
    fine = (values == 0) | (values == 1)
    if not fine.all():
        row, column = (int(place) for place in np.argwhere(~fine)[0])
        raise DatasetError(
            f"{where} must be 0 or 1, got {values[row, column]} in row {row}, column {column}. "
            "Correct the labels."
        )
    return np.ascontiguousarray(values, dtype=np.uint8)


def _class_numbers(archive: NpzArchive, part: str) -> Labels:
    """Return the class numbers of a split."""
    where = f"{part}_labels in {archive.path}"
    if is_absent(archive, part):
        return np.zeros(0, np.int64)
    values = archive.read(f"{part}_labels")
    if values.ndim == 2 and values.shape[1] > 1:
        raise DatasetError(
            f"{where} must hold one class number per image, got {values.shape[1]} columns. Turn "
            "one-hot labels into numbers; if an image can have any number of labels, store task "
            f"= {MULTI_LABEL!r} in the file."
        )
    if values.ndim not in (1, 2) or values.size != len(values):
        raise DatasetError(
            f"{where} must have shape (samples,) or (samples, 1), got {values.shape}. "
            "Store one class number per image."
        )
    if values.dtype.kind not in "biuf":
        raise DatasetError(
            f"{where} must be whole class numbers, got type {values.dtype}. "
            "Number the classes from 0 and store their names as class_names."
        )
    _check_whole_numbers(where, values.ravel())
    return values.ravel().astype(np.int64)


def _check_whole_numbers(where: str, values: NDArray[Any]) -> None:
    """Raise at the first label that is no class number."""
    with np.errstate(invalid="ignore"):
        fine = (values >= 0) & (values < MOST_CLASSES) & (values == np.floor(values))
    if not fine.all():
        row = int(np.flatnonzero(~fine)[0])
        raise DatasetError(
            f"{where} must be whole numbers from 0 to {MOST_CLASSES - 1}, "
            f"got {values[row]} in row {row}. Correct the labels."
        )


def _check_known(archive: NpzArchive, part: str, labels: Labels, train: Labels) -> None:
    """Raise at the first class without a name that no training sample has: a slip, or a gap."""
    unknown = np.flatnonzero(~np.isin(labels, train))
    if len(unknown) and len(np.unique(train)) > 1:  # one class only is told for itself
        row = int(unknown[0])
        raise DatasetError(
            f"{part}_labels in {archive.path} must be classes that train has, got {labels[row]} in "
            f"row {row}. Correct the label, or name all classes in an array class_names."
        )


def _stored_names(archive: NpzArchive) -> tuple[str, ...]:
    """Return the class names the file carries."""
    values = archive.read("class_names")
    names = tuple(str(name).strip() for name in values.ravel()) if values.dtype.kind == "U" else ()
    if values.ndim != 1 or not all(names) or len(set(names)) < max(1, len(names)):
        raise DatasetError(
            f"class_names in {archive.path} must be a list of different texts, got "
            f"{values.dtype} of shape {values.shape}. Store one name per class."
        )
    return names
