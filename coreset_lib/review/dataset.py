"""The dataset that decisions are about: its samples, labels and classes. It is never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.runs.store import Run


@dataclass(frozen=True, eq=False)
class ReviewedDataset:
    """The training split of a dataset, as a run recorded it.

    Attributes
    ----------
    name, fingerprint : str
        The fingerprint is the sha256 of all pixels and labels: decisions belong to it.
    class_names : tuple of str
    sample_ids : sequence of str, one per training sample
    labels : int64 array, shape (samples,)
        The labels of the dataset, before any decision.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    sample_ids: Sequence[str]
    labels: NDArray[np.int64]

    @classmethod
    def of_run(cls, run: Run) -> "ReviewedDataset":
        """Return the dataset that a run was trained on.

        Raises
        ------
        ReviewError
            If its samples carry any number of labels.
        DamagedRunError
            If the run cannot be read.
        """
        record = run.manifest.dataset
        if record.label_names:
            raise ReviewError(
                f"labels can be reviewed where each sample has exactly one class, got "
                f"{record.name}, whose samples carry any number of labels. Choose another run."
            )
        ids = run.samples()["sample_id"].tolist()
        return cls(record.name, record.fingerprint, record.class_names, ids, run.labels())

    @cached_property
    def rows(self) -> dict[str, int]:
        """Position of each sample id in the training split."""
        return {name: row for row, name in enumerate(self.sample_ids)}

    def label_of(self, sample_id: str) -> str:
        """Return the name of a sample's class in the dataset.

        Raises
        ------
        ReviewError
            If there is no such sample.
        """
        row = self.rows.get(sample_id)
        if row is None:
            raise ReviewError(
                f"sample {sample_id[:80]!r} is not in the training split of {self.name} "
                f"({len(self.labels)} samples, fingerprint {self.fingerprint[:12]}). "
                "Check the id, or choose a run of the right dataset."
            )
        return self.class_names[self.labels[row]]

    def named(self, text: str) -> str:
        """Return the sample id that a cell means: an apostrophe may keep a spreadsheet off it."""
        is_disarmed = text.startswith("'") and text not in self.rows and text[1:] in self.rows
        return text[1:] if is_disarmed else text

    def check_class(self, label: str | None) -> str:
        """Return a class name; raises ReviewError, naming all classes, for another one."""
        try:
            return check_choice("label", label or "", self.class_names)
        except CoresetError as error:
            raise ReviewError(str(error)) from None

    def check_fingerprint(self, fingerprint: str) -> None:
        """Raise ReviewError unless a decision was taken on this very dataset."""
        if fingerprint != self.fingerprint:
            raise ReviewError(
                f"decision must be on the dataset {self.name} with fingerprint "
                f"{self.fingerprint[:12]}, got {fingerprint[:12] or 'none'}: its images or labels "
                "have changed since. Open the review again and decide on what it shows."
            )
