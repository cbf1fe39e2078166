"""The dataset that decisions are about: its samples, labels and classes. It is never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.label_sets import MultiHot, read_set, set_codes, set_text, set_title
from coreset_lib.runs.store import Run


@dataclass(frozen=True, eq=False)
class ReviewedDataset:
    """The training split of a dataset, as a run recorded it.

    Attributes
    ----------
    name, fingerprint : str
        The fingerprint is the sha256 of all pixels and labels: decisions belong to it.
    class_names : tuple of str
        Of samples with any number of labels, the labels and then "no finding".
    sample_ids : sequence of str, one per training sample
    labels : int64 array, shape (samples,)
        The labels of the dataset, before any decision. Of samples with any number of labels, the
        class they count under.
    multi_hot : uint8 array, shape (samples, labels), or None
        1 where a sample carries a label; None where each has exactly one class. A label is then
        written as a set, "A|B", and decided on as one.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    sample_ids: Sequence[str]
    labels: NDArray[np.int64]
    multi_hot: MultiHot | None = None

    @classmethod
    def of_run(cls, run: Run) -> "ReviewedDataset":
        """Return the dataset that a run was trained on.

        Raises
        ------
        DamagedRunError
            If the run cannot be read.
        """
        record = run.manifest.dataset
        ids = run.samples()["sample_id"].tolist()
        return cls(
            record.name,
            record.fingerprint,
            record.class_names,
            ids,
            run.labels(),
            run.multi_hot() if record.label_names else None,
        )

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels of samples with any number of them; empty for classes."""
        return () if self.multi_hot is None else self.class_names[:-1]

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Class of each sample, or the number of its set of labels, shape (samples,)."""
        return self.labels if self.multi_hot is None else set_codes(self.multi_hot)

    def carries(self, number: int) -> NDArray[np.bool_]:
        """Return which samples have a class, or a label, or none of all labels."""
        if self.multi_hot is None or number == self.multi_hot.shape[1]:
            return self.labels == number
        return self.multi_hot[:, number] > 0

    def text_of(self, code: int) -> str:
        """Write a class, or a set of labels, as decisions have it."""
        return set_text(code, self.label_names) if self.label_names else self.class_names[code]

    def title_of(self, row: int) -> str:
        """Name the class, or all labels, of a sample for people."""
        code = int(self.codes[row])
        return set_title(code, self.label_names) if self.label_names else self.class_names[code]

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
        return self.text_of(int(self.codes[row]))

    def named(self, text: str) -> str:
        """Return the sample id that a cell means: an apostrophe may keep a spreadsheet off it."""
        is_disarmed = text.startswith("'") and text not in self.rows and text[1:] in self.rows
        return text[1:] if is_disarmed else text

    def check_class(self, label: str | None) -> str:
        """Return a class name; raises ReviewError, naming all classes, for another one.

        Of samples with any number of labels, the set that is written, in the order of the labels.
        """
        try:
            if self.label_names:
                return self.text_of(read_set(label or "", self.label_names))
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
