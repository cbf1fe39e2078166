"""Images with labels in three splits: what every dataset source produces."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.file_record import FileRecord
from coreset_lib.errors import DatasetError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """One split: row i of every field is the same sample.

    Attributes
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
        In memory or memory-mapped; never changed.
    labels : int64 array, shape (samples,)
        Class numbers from 0.
    sample_ids : sequence of str
        Stable names, unique within the dataset; they survive reordering of nothing but
        the source itself.
    sources : sequence of str
        Where each sample comes from, as a person can look it up (file, or archive and row).
    patient_ids : sequence of str
        Pseudonyms of the patients, "" where unknown; empty if the source knows of none.
    extra : mapping of str to sequence of str
        Cells of the other columns of a table.
    """

    images: Images
    labels: Labels
    sample_ids: Sequence[str]
    sources: Sequence[str]
    patient_ids: Sequence[str] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Origin:
    """The files that a dataset was prepared from.

    Attributes
    ----------
    kind : str
        "folder" or "table".
    files : tuple of FileRecord
        Files in use. Their ``rows`` count through train, val and test.
    bad : tuple of (str, str)
        Source and reason of each file that cannot be used and was left out.
    notes : tuple of str
        How splits were made and what was passed over, in plain words.
    """

    kind: str
    files: tuple[FileRecord, ...]
    bad: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """A dataset ready for training; ``train`` is what runs, scores and coresets speak of.

    Attributes
    ----------
    name : str
        Short name, fit for a file name.
    class_names : tuple of str
        Name of class 0, 1, ...
    train, val, test : Split
    title, licence : str
        For people.
    is_synthetic : bool
        Made by a generator, not by a scanner; every view says so.
    truth : mapping of str to array, shape (samples of train,)
        What a generator knows and a scanner does not, for example ``true_label``.
    origin : Origin, optional
        For datasets made of single files.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    title: str = ""
    licence: str = ""
    is_synthetic: bool = False
    truth: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    origin: Origin | None = None

    def __post_init__(self) -> None:
        _check_classes(self)

    @property
    def n_classes(self) -> int:
        """Number of classes, also those without a sample in some split."""
        return len(self.class_names)

    @property
    def n_channels(self) -> int:
        """1 for greyscale, 3 for colour."""
        return 1 if self.train.images.ndim == 3 else self.train.images.shape[-1]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.train.images.shape[1:3]
        return int(height), int(width)

    def fingerprint(self) -> str:
        """Return the sha256 of all pixels and labels, split by split (hex)."""
        digest = hashlib.sha256()
        for split in (self.train, self.val, self.test):
            digest.update(str((split.images.shape, split.labels.shape)).encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels.astype("<i8")).data)
        return digest.hexdigest()


def _check_classes(dataset: LabeledImages) -> None:
    """Refuse what no network can be trained on."""
    present = np.unique(dataset.train.labels)
    if len(present) < 2:
        raise DatasetError(
            f"dataset {dataset.name} must have at least two classes in its training split, "
            f"got {len(present)}. Training needs something to tell apart."
        )
    for part, split in (("train", dataset.train), ("val", dataset.val), ("test", dataset.test)):
        wrong = (split.labels < 0) | (split.labels >= dataset.n_classes)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DatasetError(
                f"labels of {dataset.name} must be from 0 to {dataset.n_classes - 1}, "
                f"got {split.labels[row]} in row {row} of {part}. Correct the labels."
            )
