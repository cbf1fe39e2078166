"""The batches of one epoch of somebody's own loop: each sample once, whatever library it is."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recorder import DynamicsRecorder

Rows = dict[str, NDArray[Any]]


class EpochBatches:
    """Collects the logits of an epoch, checks them, and gives one row of every plane.

    What can be checked without waiting for the device is checked at once, the rest at the
    epoch's end.

    Parameters
    ----------
    labels : array, shape (samples,) or (samples, labels)
        Class numbers, or 0 and 1 for each label.
    n_outputs : int
        Classes, or labels.
    """

    def __init__(self, labels: NDArray[Any], n_outputs: int) -> None:
        self._labels = torch.from_numpy(np.array(labels))
        self._n_outputs = n_outputs
        self._seen = np.zeros(len(labels), np.int64)
        self._recorder: DynamicsRecorder | None = None
        self._counts: Tensor | None = None
        self._outside: Tensor | None = None

    @property
    def device(self) -> torch.device | None:
        """Where the logits are; None before the first batch."""
        return None if self._recorder is None else self._labels.device

    def start(self) -> None:
        """Begin an epoch: nothing is recorded yet."""
        self._seen[:] = 0
        self._counts = self._outside = None
        if self._recorder is not None:
            self._recorder.start_epoch()

    @torch.no_grad()
    def add(self, indices: Any, logits: Any) -> None:
        """Keep the logits of a batch.

        Parameters
        ----------
        indices : integer array or tensor, shape (batch,)
            Positions of the samples in the labels.
        logits : array or tensor, shape (batch, outputs)

        Raises
        ------
        CoresetError
            If the shapes do not fit, or a sample is unknown or was there before.
        """
        rows, values = _as_tensor(indices, "indices"), _as_tensor(logits, "logits")
        self._check_shapes(rows, values)
        recorder = self._recorder_on(values.device)
        if rows.device.type == "cpu":
            self._count_here(rows.numpy())
            rows = rows.long().to(self._labels.device, non_blocking=True)
        else:
            rows = self._count_there(rows.to(self._labels.device))
        recorder.record(rows, values.to(self._labels.device))

    def finish(self, epoch: int) -> Rows:
        """Return one row of every plane, shape (samples,).

        Raises
        ------
        CoresetError
            If a sample was recorded twice or not at all, or logits are not finite.
        """
        counts = self._all_counts()
        self._check_counts(counts, epoch)
        assert self._recorder is not None
        wrong = np.flatnonzero(~self._recorder.is_finite())
        if len(wrong):
            raise CoresetError(
                f"logits must be finite, got others for {_samples(wrong)} in epoch {epoch}. "
                "The training has diverged: lower its learning rate."
            )
        return self._recorder.finish_epoch()

    def is_whole(self) -> bool:
        """Whether every sample was recorded once, with finite logits."""
        if self._recorder is None or not (self._all_counts() == 1).all():
            return False
        return bool(self._recorder.is_finite().all())

    def _check_shapes(self, indices: Tensor, logits: Tensor) -> None:
        """Raise CoresetError unless a batch has one row of outputs per sample."""
        if indices.ndim != 1 or indices.is_floating_point() or indices.dtype == torch.bool:
            raise CoresetError(
                "indices must be whole numbers of shape (batch,), got "
                f"{_kind(indices)} of shape {tuple(indices.shape)}. "
                "Give the position of each sample in the labels."
            )
        expected = (len(indices), self._n_outputs)
        if tuple(logits.shape) != expected or not logits.is_floating_point():
            hint = "Give what the network returns, before any softmax."
            if self._n_outputs == 2 and logits.shape[1:] in ((), (1,)):
                hint = "For a single output z give torch.stack([torch.zeros_like(z), z], 1)."
            raise CoresetError(
                f"logits must be real numbers of shape {expected}, one per class, got "
                f"{_kind(logits)} of shape {tuple(logits.shape)}. {hint}"
            )

    def _recorder_on(self, device: torch.device) -> DynamicsRecorder:
        """Return the recorder, made where the first logits are."""
        if self._recorder is None:
            self._labels = self._labels.to(device)
            self._recorder = DynamicsRecorder(
                self._labels, self._n_outputs, keep_probabilities=True
            )
        return self._recorder

    def _count_here(self, rows: NDArray[Any]) -> None:
        """Count samples whose numbers are on the CPU."""
        outside = rows[(rows < 0) | (rows >= len(self._seen))]
        if len(outside):
            raise CoresetError(
                f"indices must be from 0 to {len(self._seen) - 1}, got {outside[0]}. "
                "Give the position of each sample in the labels."
            )
        np.add.at(self._seen, rows, 1)
        twice = rows[self._seen[rows] > 1]
        if len(twice):
            raise CoresetError(
                f"each sample must be recorded once an epoch, got {_samples(np.unique(twice))} "
                "twice. Record each batch once, and draw without replacement."
            )

    def _count_there(self, rows: Tensor) -> Tensor:
        """Count samples whose numbers are on a device, without waiting for it."""
        if self._counts is None or self._outside is None:
            self._counts = torch.zeros(len(self._seen), dtype=torch.int64, device=rows.device)
            self._outside = torch.zeros((), dtype=torch.int64, device=rows.device)
        inside = rows.clamp(0, len(self._seen) - 1)
        self._outside += (inside != rows).sum()
        self._counts.index_add_(0, inside, torch.ones_like(inside, dtype=torch.int64))
        return inside.long()

    def _all_counts(self) -> NDArray[np.int64]:
        """Return how often each sample was recorded, shape (samples,)."""
        if self._counts is None:
            return self._seen
        return self._seen + self._counts.cpu().numpy()

    def _check_counts(self, counts: NDArray[np.int64], epoch: int) -> None:
        """Raise CoresetError unless every sample was recorded once."""
        if self._outside is not None and int(self._outside):
            raise CoresetError(
                f"indices must be from 0 to {len(counts) - 1}, got {int(self._outside)} others in "
                f"epoch {epoch}. Give the position of each sample in the labels."
            )
        missing, twice = np.flatnonzero(counts == 0), np.flatnonzero(counts > 1)
        if len(missing):
            raise CoresetError(
                f"each sample must be recorded once an epoch, got nothing of {_samples(missing)} "
                f"in epoch {epoch}. Record every batch, and keep the last one (drop_last=False)."
            )
        if len(twice):
            raise CoresetError(
                f"each sample must be recorded once an epoch, got {_samples(twice)} twice in "
                f"epoch {epoch}. Record each batch once, and draw without replacement."
            )


def _as_tensor(values: Any, what: str) -> Tensor:
    """Return a tensor, detached; an array or a list on the CPU."""
    if isinstance(values, Tensor):
        return values.detach()
    try:
        array = np.asarray(values)
        return torch.from_numpy(array if array.flags.writeable else array.copy())
    except (TypeError, ValueError):
        raise CoresetError(
            f"{what} must be a tensor or an array of numbers, got {type(values).__name__}."
        ) from None


def _kind(tensor: Tensor) -> str:
    """Name the type of a tensor's numbers."""
    return str(tensor.dtype).removeprefix("torch.")


def _samples(rows: NDArray[Any]) -> str:
    """Name a few samples, and how many more there are."""
    first = ", ".join(map(str, rows[:3].tolist()))
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"sample{'s' if len(rows) > 1 else ''} {first}{more}"
