"""Recording the training dynamics: knows logits and sample numbers, nothing of the loop.

During an epoch it only keeps the logits; the planes are computed once at its end, so a
batch costs one copy.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from coreset_lib.atomic import replacing
from coreset_lib.dynamics import not_recorded
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.label_sets import code_dtype
from coreset_lib.runs.paths import RunPaths
from coreset_lib.stored_array import BAD_FILE, StoredArray

BLOCK_LOGITS = 8_000_000


def prediction_dtype(n_classes: int, *, is_multi_label: bool = False) -> np.dtype[Any]:
    """Return the smallest type that holds every class, or set of labels, and "not recorded"."""
    if is_multi_label:
        return code_dtype(n_classes)
    return np.dtype(np.uint8 if n_classes <= 255 else np.uint16)


class DynamicsRecorder:
    """Collects the logits of one epoch and turns them into one row of every plane.

    Parameters
    ----------
    labels : tensor, shape (samples,) or (samples, labels)
        Class numbers, or 0 and 1 for each label, on the device where the logits will be.
    n_classes : int
        Classes, or labels.
    keep_probabilities : bool
        Whether to give the plane of all probabilities too.
    """

    def __init__(self, labels: Tensor, n_classes: int, *, keep_probabilities: bool) -> None:
        self._labels = labels
        self._n_classes = n_classes
        self._keep_probabilities = keep_probabilities
        self._logits = torch.empty(len(labels), n_classes, device=labels.device)
        self.start_epoch()

    def start_epoch(self) -> None:
        """Forget the last epoch: nothing is recorded yet."""
        self._logits.fill_(torch.nan)

    @torch.no_grad()
    def record(self, indices: Tensor, logits: Tensor) -> None:
        """Keep the logits of a batch.

        Parameters
        ----------
        indices : int64 tensor, shape (batch,)
            Positions in the training split, each at most once an epoch.
        logits : tensor, shape (batch, classes)
        """
        self._logits.index_copy_(0, indices, logits.detach().float())

    @torch.no_grad()
    def is_finite(self) -> NDArray[np.bool_]:
        """Return whether all logits of a sample are there and finite, shape (samples,)."""
        return self._logits.isfinite().all(dim=1).cpu().numpy()

    @torch.no_grad()
    def combine(self, add_up: Callable[[Tensor], None]) -> None:
        """Bring together what several processes have recorded of one epoch.

        Parameters
        ----------
        add_up : callable
            Replaces a tensor by its sum over the processes.

        Raises
        ------
        CoresetError
            If two processes have recorded the same sample.
        """
        is_mine = ~self._logits.isnan().any(dim=1)
        counts = is_mine.to(torch.int32)
        add_up(counts)
        self._combine_rows(is_mine, counts, add_up)
        if int(counts.max()) > 1:
            twice = int((counts > 1).sum())
            raise CoresetError(
                f"every sample must be recorded once an epoch, got {twice} twice. Report this."
            )

    def _combine_rows(
        self, is_mine: Tensor, counts: Tensor, add_up: Callable[[Tensor], None]
    ) -> None:
        """Add up the rows of all processes; what nobody recorded stays NaN."""
        add_up_rows(self._logits, is_mine, counts, add_up)

    @torch.no_grad()
    def finish_epoch(self) -> dict[str, NDArray[Any]]:
        """Return one row of every plane, shape (samples,), on the CPU.

        A sample that was not recorded has NaN, and as prediction the largest number of
        the type.

        References
        ----------
        EVA, Eq. 2-3 for ``error_norm``; docs/methods.md for the others.
        """
        is_multi_label = self._labels.ndim == 2
        describe = describe_label_logits if is_multi_label else describe_logits
        dtype = prediction_dtype(self._n_classes, is_multi_label=is_multi_label)
        rows: dict[str, list[Tensor]] = {}
        width = max(BLOCK_LOGITS // self._n_classes, 1)
        for start in range(0, len(self._labels), width):
            part = slice(start, start + width)
            block = describe(self._logits[part], self._labels[part])
            if not self._keep_probabilities:
                del block["probabilities"]
            for name, values in block.items():
                rows.setdefault(name, []).append(values)
        return {name: _to_numpy(name, parts, dtype) for name, parts in rows.items()}


def add_up_rows(
    rows: Tensor, is_mine: Tensor, counts: Tensor, add_up: Callable[[Tensor], None]
) -> None:
    """Add up rows over processes in place, NaN where none of them has one."""
    rows[~is_mine] = 0
    add_up(rows)
    rows[counts == 0] = torch.nan


def describe_logits(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the value of every plane from logits (samples, classes) and labels (samples,)."""
    wide = logits if logits.device.type == "mps" else logits.double()  # mps has no float64
    log_p = wide.log_softmax(dim=1)
    p = log_p.exp()
    own = labels[:, None]
    label_probability = p.gather(1, own)[:, 0]
    others = p.scatter(1, own, -1.0)
    error = p.scatter_add(1, own, -torch.ones_like(p[:, :1]))
    error_norm = torch.linalg.vector_norm(error, dim=1)
    prediction = logits.nan_to_num(nan=-torch.inf).argmax(dim=1)
    return {
        "error_norm": error_norm.float(),
        "label_probability": label_probability.float(),
        "margin": (label_probability - others.amax(dim=1)).float(),
        "entropy": -torch.special.xlogy(p, p).sum(dim=1).float(),
        "prediction": torch.where(error_norm.isnan(), -1, prediction),
        "probabilities": p.half(),
    }


def describe_label_logits(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the value of every plane for samples with any number of labels.

    Every label is present or absent by itself, so that a set of labels has the product of
    their probabilities. The planes are those of the distribution over all sets: the
    probability of the given set, its margin over the likeliest other set, the entropy. With
    one label they are those of two classes, but for ``error_norm``, the norm of the
    probabilities of the labels minus 0 or 1, which is smaller by the square root of 2.

    Parameters
    ----------
    logits : tensor, shape (samples, labels)
    labels : tensor of 0 and 1, shape (samples, labels)
    """
    wide = logits if logits.device.type == "mps" else logits.double()  # mps has no float64
    is_given = labels > 0
    log_p, log_q = functional.logsigmoid(wide), functional.logsigmoid(-wide)
    p = log_p.exp()
    own = torch.where(is_given, log_p, log_q).sum(dim=1)
    best = torch.maximum(log_p, log_q).sum(dim=1)
    is_right = ((wide > 0) == is_given).all(dim=1)
    # The next likeliest set differs from the likeliest one in the label it is least sure of.
    other = torch.where(is_right, best - wide.abs().amin(dim=1), best)
    error_norm = torch.linalg.vector_norm(p - is_given.to(p.dtype), dim=1)
    bits = 2 ** torch.arange(wide.shape[1], device=wide.device)
    prediction = ((wide > 0) * bits).sum(dim=1)
    return {
        "error_norm": error_norm.float(),
        "label_probability": own.exp().float(),
        "margin": (own.exp() - other.exp()).float(),
        "entropy": -(p * log_p + log_q.exp() * log_q).sum(dim=1).float(),
        "prediction": torch.where(error_norm.isnan(), -1, prediction),
        "probabilities": p.half(),
    }


def _to_numpy(name: str, parts: list[Tensor], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Join blocks and move them to the CPU; ``dtype`` is that of predictions."""
    values = torch.cat(parts).cpu().numpy()
    if name != "prediction":
        return values
    return np.where(values < 0, not_recorded(dtype), values).astype(dtype)


class PlaneFiles:
    """The planes of a run on disk: a whole row each, flushed before anybody hears of it.

    Rows are written, not stored through a memory map: on a full disk a write is an error
    that can be told, a store into a map kills the process.

    Parameters
    ----------
    paths : RunPaths
    planes : tuple of str
    n_epochs, n_samples, n_classes : int
        Of samples with any number of labels, ``n_classes`` counts these.
    is_multi_label : bool
        Whether predictions are sets of labels.
    n_written : int
        Epochs that the planes must hold already; with 0 they are made anew.

    Raises
    ------
    DamagedRunError
        If epochs are expected and a plane is missing or of another shape.
    """

    def __init__(
        self,
        paths: RunPaths,
        planes: tuple[str, ...],
        *,
        n_epochs: int,
        n_samples: int,
        n_classes: int,
        is_multi_label: bool = False,
        n_written: int = 0,
    ) -> None:
        self._files: dict[str, _PlaneFile] = {}
        for name in planes:
            row = (n_samples, n_classes) if name == "probabilities" else (n_samples,)
            dtype = _plane_dtype(name)
            if name == "prediction":
                dtype = prediction_dtype(n_classes, is_multi_label=is_multi_label)
            shape = (n_epochs, *row)
            if n_written == 0:
                _create_plane(paths.plane(name), shape, dtype)
            self._files[name] = _open_plane(paths.plane(name), shape, dtype)

    def write_epoch(self, epoch: int, rows: Mapping[str, NDArray[Any]]) -> None:
        """Write row ``epoch`` (0-based) of every plane and wait until it is on disk."""
        for name, file in self._files.items():
            file.write_row(epoch, rows[name])


@dataclass(frozen=True)
class _PlaneFile:
    """One ``.npy`` file, with where its rows begin and what they hold."""

    path: Path
    offset: int
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def write_row(self, number: int, row: NDArray[Any]) -> None:
        """Write one row and wait until it is on disk."""
        assert row.shape == self.row_shape
        content = np.ascontiguousarray(row, self.dtype)
        with self.path.open("r+b") as file:
            file.seek(self.offset + number * content.nbytes)
            file.write(content.data)
            file.flush()
            os.fsync(file.fileno())


def _create_plane(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Make a file of full size whose rows take space only once they are written."""
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + math.prod(shape) * dtype.itemsize)


def _open_plane(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> _PlaneFile:
    """Find out where the rows begin; raises DamagedRunError for any other file."""
    try:
        plane = StoredArray(path)
        found = f"shape {plane.shape} of {plane.dtype}"
    except BAD_FILE as error:
        plane, found = None, str(error)
    if plane is None or plane.shape != shape or plane.dtype != dtype:
        raise DamagedRunError(
            f"run {path.parent.parent.name} is damaged: plane {path.name} must have shape "
            f"{shape} of {dtype}, got {found}. Restore it from a copy or start a new run."
        )
    return _PlaneFile(path, plane.offset, shape[1:], dtype)


def _plane_dtype(name: str) -> np.dtype[Any]:
    """Type of a plane of real numbers on disk."""
    return np.dtype(np.float16 if name == "probabilities" else np.float32)
