"""The recorded training dynamics of one run: planes of shape (epochs, samples), read-only."""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.label_sets import (
    MultiHot,
    multi_hot_of,
    rarest_first,
    set_codes,
    set_title,
    standing_class,
)
from coreset_lib.windows import Window

Array = NDArray[Any]
Float64s = NDArray[np.float64]

PLANES: dict[str, str] = {
    "error_norm": "L2 norm of probabilities minus one-hot (or multi-hot) label",
    "label_probability": "probability of the given label",
    "margin": "probability of the label minus the largest other probability",
    "entropy": "entropy of the probabilities, nats",
    "prediction": "class with the largest probability, or the set of labels above 0.5",
    "probabilities": "all probabilities, shape (epochs, samples, classes)",
    "vog": "deviation of the last layer's gradient over 5 epochs; NaN before the fifth",
}
REQUIRED_PLANES = ("error_norm", "label_probability", "margin", "entropy", "prediction")
BLOCK_CELLS = 4_000_000


def not_recorded(dtype: np.dtype[Any] | type[Any]) -> int:
    """Return the prediction that stands for "not recorded": the largest number of the type."""
    return int(np.iinfo(dtype).max)


@dataclass(frozen=True, eq=False)
class TrainingDynamics:
    """What one run, or the average of several, recorded of every training sample.

    Attributes
    ----------
    planes : mapping of plane name to array, shape (epochs or more, samples)
        See :data:`PLANES`; read piece by piece where they come from a run directory.
    labels : int64 array, shape (samples,)
        Of samples with any number of labels, the class that each counts under.
    n_epochs : int
        Complete epochs; rows past it may exist in a run still training and are never shown.
    class_names : tuple of str
    extras : mapping of name to array, shape (samples,)
        What was computed of every sample after the training, such as ``vog_pixel``.
    multi_hot : uint8 array, shape (samples, labels), or None
        The labels of samples with any number of them, see
        :mod:`coreset_lib.label_sets`.
    """

    planes: Mapping[str, Array]
    labels: NDArray[np.int64]
    n_epochs: int
    class_names: tuple[str, ...]
    extras: Mapping[str, Array] = field(default_factory=dict[str, Array])
    multi_hot: MultiHot | None = None

    @property
    def n_samples(self) -> int:
        """Number of training samples."""
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def is_multi_label(self) -> bool:
        """Whether a sample carries any number of labels."""
        return self.multi_hot is not None

    @property
    def n_outputs(self) -> int:
        """Numbers that the network gives per sample: one per class, or per label."""
        return self.n_classes if self.multi_hot is None else self.multi_hot.shape[1]

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """What a correct prediction is, shape (samples,): the label, or the number of its set."""
        return self.labels if self.multi_hot is None else set_codes(self.multi_hot)

    def predicted_class(self, prediction: Array) -> NDArray[np.int64]:
        """Return the class that recorded predictions count under, of their shape.

        The predicted class itself; of a predicted set its rarest label.
        """
        codes = np.asarray(prediction).astype(np.int64)
        if self.multi_hot is None:
            return codes
        sets, where = np.unique(codes, return_inverse=True)
        order = rarest_first(self.multi_hot)
        classes = standing_class(multi_hot_of(sets, self.n_outputs), order)
        return classes[where].reshape(codes.shape)

    def prediction_title(self, prediction: int) -> str:
        """Name a recorded prediction for people."""
        if self.multi_hot is None:
            return self.class_names[prediction]
        return set_title(prediction, self.class_names[:-1])

    def label_title(self, index: int) -> str:
        """Name the label, or all labels, of a sample for people."""
        return self.prediction_title(int(self.targets[index]))

    def has(self, name: str) -> bool:
        """Whether the run recorded the plane, or has it among the extras."""
        return name in self.planes or name in self.extras

    def plane(self, name: str, window: Window | None = None) -> Array:
        """Return the complete epochs of a plane, or those of a window, without reading them.

        Returns
        -------
        array, shape (epochs, samples); ``probabilities`` has a third axis, classes

        Raises
        ------
        CoresetError
            If the run did not record it.
        """
        if name not in self.planes:
            raise CoresetError(
                f"this run has no recorded {name}, which is needed here. "
                f"Train again with {name} recorded."
            )
        rows = self.planes[name][: self.n_epochs]
        return rows if window is None else rows[window.rows]

    def blocks(
        self, names: tuple[str, ...], window: Window | None = None
    ) -> Iterator[tuple[slice, tuple[Array, ...]]]:
        """Yield (samples, arrays) slice by slice, so that no plane is loaded whole.

        Each array has shape (epochs of the window, samples of the slice). What was read of a
        memory-mapped plane leaves the process's memory with the next slice.
        """
        arrays = tuple(self.plane(name, window) for name in names)
        n_rows = max(len(arrays[0]), 1)
        width = max(BLOCK_CELLS // n_rows, 1)
        for start in range(0, self.n_samples, width):
            part = slice(start, min(start + width, self.n_samples))
            yield part, tuple(array[:, part] for array in arrays)
            for array in arrays:
                _let_go(array)

    def epochs(self, name: str, *, first: int = 0) -> Iterator[Array]:
        """Yield the complete epochs of a plane one by one, from row ``first``, shape (samples,).

        What was read of a memory-mapped plane leaves the process's memory with the next epoch.
        """
        rows = self.plane(name)[first:]
        for row in rows:
            yield np.array(row)
            _let_go(rows)

    def histories(
        self, name: str, samples: Sequence[int] | NDArray[Any], *, rows: Any = slice(None)
    ) -> Array:
        """Return the histories of a few samples in a plane, copied, shape (rows, few samples).

        ``rows`` picks epochs, counted from 0; by default all complete ones.
        """
        plane = self.plane(name)
        picked = np.arange(self.n_epochs)[rows]
        found = np.array(plane[np.ix_(picked, np.asarray(samples, dtype=np.intp))])
        _let_go(plane)
        return found

    def is_correct(self, part: slice | NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Return whether each prediction equals the label, shape (epochs, samples of part).

        Of samples with any number of labels: whether the predicted set is the labelled one.
        """
        part = slice(None) if part is None else part
        return self.plane("prediction")[:, part] == self.targets[part]

    def check_recorded(self, name: str, window: Window | None = None) -> None:
        """Raise CoresetError where a needed cell was not recorded (NaN), or is infinite."""
        gaps = 0
        for _, (block,) in self.blocks((name,), window):
            if block.dtype.kind == "f":
                gaps += int((~np.isfinite(block)).sum())
            elif name == "prediction":
                gaps += int((block == not_recorded(block.dtype)).sum())
        if gaps:
            span = "the run" if window is None else f"epochs {window}"
            raise CoresetError(
                f"{name} must be recorded for every sample in {span}, got {gaps} gaps. "
                "Choose a window without gaps or train again."
            )


def _let_go(array: Array) -> None:
    """Take the pages of a read-only memory map out of memory; the file cache keeps them."""
    mapped = getattr(array, "_mmap", None)
    if hasattr(mmap, "MADV_DONTNEED") and isinstance(mapped, mmap.mmap) and _is_read_only(array):
        mapped.madvise(mmap.MADV_DONTNEED)


def _is_read_only(array: Array) -> bool:
    """Whether a memory map cannot hold changes that are not in its file."""
    return isinstance(array, np.memmap) and array.mode == "r"
