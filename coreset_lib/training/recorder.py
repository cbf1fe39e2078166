"""Recording the training dynamics: knows logits and sample numbers, nothing of the loop.

During an epoch it only keeps the logits; the planes are computed once at its end, so a
batch costs one copy.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coreset_lib.dynamics import not_recorded
from coreset_lib.runs.paths import RunPaths

BLOCK_LOGITS = 8_000_000


def prediction_dtype(n_classes: int) -> np.dtype[Any]:
    """Return the smallest type that holds every class and "not recorded"."""
    return np.dtype(np.uint8 if n_classes <= 255 else np.uint16)


class DynamicsRecorder:
    """Collects the logits of one epoch and turns them into one row of every plane.

    Parameters
    ----------
    labels : int64 tensor, shape (samples,)
        On the device where the logits will be.
    n_classes : int
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
    def finish_epoch(self) -> dict[str, NDArray[Any]]:
        """Return one row of every plane, shape (samples,), on the CPU.

        A sample that was not recorded has NaN, and as prediction the largest number of
        the type.

        References
        ----------
        EVA, Eq. 2-3 for ``error_norm``; METHODS section 2 for the others.
        """
        rows: dict[str, list[Tensor]] = {}
        width = max(BLOCK_LOGITS // self._n_classes, 1)
        for start in range(0, len(self._labels), width):
            part = slice(start, start + width)
            block = describe_logits(self._logits[part], self._labels[part])
            if not self._keep_probabilities:
                del block["probabilities"]
            for name, values in block.items():
                rows.setdefault(name, []).append(values)
        return {name: _to_numpy(name, parts, self._n_classes) for name, parts in rows.items()}


def describe_logits(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the value of every plane from logits (samples, classes) and labels (samples,)."""
    wide = logits if logits.device.type == "mps" else logits.double()  # mps has no float64
    log_p = wide.log_softmax(dim=1)
    p = log_p.exp()
    own = labels[:, None]
    label_probability = p.gather(1, own)[:, 0]
    others = p.scatter(1, own, -1.0)
    error = p.scatter_add(1, own, -torch.ones_like(p[:, :1]))
    prediction = logits.nan_to_num(nan=-torch.inf).argmax(dim=1)
    return {
        "error_norm": torch.linalg.vector_norm(error, dim=1).float(),
        "label_probability": label_probability.float(),
        "margin": (label_probability - others.amax(dim=1)).float(),
        "entropy": -torch.special.xlogy(p, p).sum(dim=1).float(),
        "prediction": torch.where(logits[:, 0].isnan(), -1, prediction),
        "probabilities": p.half(),
    }


def _to_numpy(name: str, parts: list[Tensor], n_classes: int) -> NDArray[Any]:
    """Join blocks and move them to the CPU in the plane's type."""
    values = torch.cat(parts).cpu().numpy()
    if name != "prediction":
        return values
    dtype = prediction_dtype(n_classes)
    return np.where(values < 0, not_recorded(dtype), values).astype(dtype)


class PlaneFiles:
    """The planes of a run on disk: a whole row each, flushed before anybody hears of it.

    Parameters
    ----------
    paths : RunPaths
    planes : tuple of str
    n_epochs, n_samples, n_classes : int
    """

    def __init__(
        self,
        paths: RunPaths,
        planes: tuple[str, ...],
        *,
        n_epochs: int,
        n_samples: int,
        n_classes: int,
    ) -> None:
        self._files: dict[str, np.memmap[Any, np.dtype[Any]]] = {}
        for name in planes:
            shape = (n_epochs, n_samples)
            if name == "probabilities":
                shape = (*shape, n_classes)
            self._files[name] = np.lib.format.open_memmap(
                paths.plane(name),
                mode="r+" if paths.plane(name).exists() else "w+",
                dtype=_plane_dtype(name, n_classes),
                shape=shape,
            )

    def write_epoch(self, epoch: int, rows: Mapping[str, NDArray[Any]]) -> None:
        """Write row ``epoch`` (0-based) of every plane and wait until it is on disk."""
        for name, file in self._files.items():
            file[epoch] = rows[name]
            file.flush()


def _plane_dtype(name: str, n_classes: int) -> np.dtype[Any]:
    """Type of a plane on disk."""
    if name == "prediction":
        return prediction_dtype(n_classes)
    return np.dtype(np.float16 if name == "probabilities" else np.float32)
