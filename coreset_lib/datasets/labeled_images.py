"""Images with labels in three splits: what every dataset source produces."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.errors import DatasetError
from coreset_lib.label_sets import MultiHot, set_codes

MULTI_LABEL = "multi-label, binary-class"

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """One split: row i of every field is the same sample.

    Attributes
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
        Or (samples, depth, height, width) for volumes. In memory, or read as asked for.
    labels : int64 array, shape (samples,)
        Class numbers from 0. Of samples with any number of labels, the class they count
        under, see :mod:`coreset_lib.label_sets`.
    sample_ids : sequence of str
        Stable names, unique within the dataset; they survive reordering of nothing but
        the source itself.
    sources : sequence of str
        Where each sample comes from, as a person can look it up (file, or archive and row).
    patient_ids : sequence of str
        Pseudonyms of the patients, "" where unknown; empty if the source knows of none.
    extra : mapping of str to sequence of str
        Cells of the other columns of a table.
    multi_hot : uint8 array, shape (samples, labels), or None
        1 where a sample carries a label; None where each has exactly one class.
    """

    images: Images
    labels: Labels
    sample_ids: Sequence[str]
    sources: Sequence[str]
    patient_ids: Sequence[str] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    multi_hot: MultiHot | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def members(self, number: int) -> NDArray[np.intp]:
        """Return the samples of a class, or all that carry a label, or those without any."""
        if self.multi_hot is None or number == self.multi_hot.shape[1]:
            return np.flatnonzero(self.labels == number)
        return np.flatnonzero(self.multi_hot[:, number])

    def targets(self) -> Labels:
        """Return a number per sample, equal where samples have the same label or labels."""
        return self.labels if self.multi_hot is None else set_codes(self.multi_hot)


@dataclass(frozen=True, eq=False)
class Origin:
    """The files that a dataset was prepared from.

    Attributes
    ----------
    kind : str
        "folder", "table" or "arrays" (of more than 8 bits).
    files : tuple of FileRecord
        Files in use. Their ``rows`` count through train, val and test.
    bad : tuple of (str, str)
        Source and reason of each file that cannot be used and was left out.
    notes : tuple of str
        How splits were made and what was passed over, in plain words.
    concerns : tuple of str
        Those of the notes that a person has to look at before training.
    """

    kind: str
    files: tuple[FileRecord, ...]
    bad: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()

    @cached_property
    def places(self) -> Mapping[int, tuple[FileRecord, int]]:
        """File and frame, from 0, of every row."""
        return {
            row: (record, frame)
            for record in self.files
            for frame, (_, row) in enumerate(record.rows)
        }


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """A dataset ready for training; ``train`` is what runs, scores and coresets speak of.

    Attributes
    ----------
    name : str
        Short name, fit for a file name.
    class_names : tuple of str
        Name of class 0, 1, ...; of samples with any number of labels, the labels and then
        ``NO_LABEL``.
    train, val, test : Split
    title, licence : str
        For people.
    is_synthetic : bool
        Made by a generator, not by a scanner; every view says so.
    truth : mapping of str to array, shape (samples of train,)
        What a generator knows and a scanner does not, for example ``true_label``.
    origin : Origin, optional
        For datasets made of single files, or of arrays of more than 8 bits.
    has_sides : bool, optional
        Whether left and right, or top and bottom, mean something in the images, so that they
        must not be mirrored; None where nobody has said.
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
    has_sides: bool | None = None

    def __post_init__(self) -> None:
        _check_classes(self)

    @property
    def n_classes(self) -> int:
        """Number of classes, also those without a sample in some split."""
        return len(self.class_names)

    @property
    def is_multi_label(self) -> bool:
        """Whether a sample carries any number of labels."""
        return self.train.multi_hot is not None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels of samples with any number of them; empty for classes."""
        return self.class_names[:-1] if self.is_multi_label else ()

    @property
    def n_outputs(self) -> int:
        """Numbers that a network gives per sample: one per class, or per label."""
        return len(self.label_names) or self.n_classes

    @property
    def n_channels(self) -> int:
        """1 for greyscale, 3 for colour."""
        images = self.train.images
        return 1 if images.ndim == 3 or is_volume(images) else images.shape[-1]

    @property
    def depth(self) -> int:
        """Slices of a volume; 0 for pictures."""
        images = self.train.images
        return int(images.shape[1]) if is_volume(images) else 0

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels, or voxels."""
        height, width = self.train.images.shape[2 if self.depth else 1 :][:2]
        return int(height), int(width)

    @property
    def form_text(self) -> str:
        """The size of a sample as people write it: 28 x 28 pixels, 28 x 28 x 28 voxels."""
        sides = (self.depth, *self.image_size) if self.depth else self.image_size
        return f"{' x '.join(map(str, sides))} {'voxels' if self.depth else 'pixels'}"

    def fingerprint(self) -> str:
        """Return the sha256 of all pixels and labels, split by split (hex)."""
        digest = hashlib.sha256()
        for split in (self.train, self.val, self.test):
            digest.update(str((split.images.shape, split.labels.shape)).encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels.astype("<i8")).data)
            if split.multi_hot is not None:
                digest.update(np.ascontiguousarray(split.multi_hot).data)
        return digest.hexdigest()


def is_volume(images: Images) -> bool:
    """Whether an array of images holds volumes: (samples, depth, height, width).

    Colours are a last axis of 3; no side of a volume is that short.
    """
    return images.ndim == 4 and images.shape[-1] != 3


def check_one_class_each(dataset: LabeledImages, what: str) -> None:
    """Raise DatasetError for samples with any number of labels; ``what`` needs one class each."""
    if dataset.is_multi_label:
        raise DatasetError(
            f"{what} needs exactly one class per sample, got {dataset.name}, whose samples carry "
            "any number of labels. Leave it out."
        )


def check_augmentation(dataset: LabeledImages, augmentation: str) -> None:
    """Raise DatasetError where images would be mirrored in which sides mean something."""
    if augmentation == "mirror" and dataset.has_sides:
        raise DatasetError(
            f"augmentation of {dataset.name} must be none or shift, got mirror. Left and right "
            "or top and bottom mean something in its images."
        )


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
