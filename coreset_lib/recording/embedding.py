"""The embedding of a recorded run: from the author's own network, or from what was recorded."""

import contextlib
from collections.abc import Callable, Generator, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coreset_lib.errors import CoresetError

BATCH = 256
EARLY_EPOCHS = 6
Features = NDArray[np.float32]


class EarlyProbabilities:
    """Mean probabilities of the first epochs: what the network had seen before it memorised.

    References
    ----------
    METHODS 2b: an embedding must not have memorised the labels.
    """

    def __init__(self) -> None:
        self._total: NDArray[np.float64] | None = None
        self.n_epochs = 0

    def add(self, probabilities: NDArray[Any]) -> None:
        """Take in an epoch, shape (samples, outputs); those after the first few are passed over."""
        if self.n_epochs >= EARLY_EPOCHS:
            return
        self._total = probabilities + (0.0 if self._total is None else self._total)
        self.n_epochs += 1

    def mean(self) -> Features:
        """Return the mean of the epochs taken in, shape (samples, outputs)."""
        assert self._total is not None
        return (self._total / self.n_epochs).astype(np.float32)


def embed_all(
    backbone: Callable[[Any], Any], inputs: Iterable[Any] | None, images: Any, n_samples: int
) -> Features:
    """Return what a backbone makes of every sample, flattened, shape (samples, features).

    Parameters
    ----------
    backbone : callable or torch module
        Maps a batch to features; a module is put in eval mode for as long as it takes.
    inputs : iterable of (indices, batch, ...), optional
        Batches as the training loop has them, each sample once, in any order.
    images : array or tensor
        Used where no ``inputs`` are given, see :func:`image_batches`.
    n_samples : int

    Raises
    ------
    CoresetError
        If a sample is missing, or the features are not finite or of different lengths.
    """
    batches = image_batches(images) if inputs is None else inputs
    found: NDArray[np.float32] | None = None
    seen = np.zeros(n_samples, bool)
    with torch.no_grad(), _evaluating(backbone):
        for indices, batch, *_ in batches:
            rows = np.asarray(indices.cpu() if isinstance(indices, Tensor) else indices)
            part = _features(backbone(_on_device_of(backbone, batch)), len(rows))
            if found is None:
                found = np.zeros((n_samples, part.shape[1]), np.float32)
            found[rows] = part
            seen[rows] = True
    return checked_features(found, n_samples, int(seen.sum()))


def checked_features(features: Any, n_samples: int, n_seen: int | None = None) -> Features:
    """Return features as float32; raise CoresetError unless there is a finite row per sample."""
    found = np.zeros((0, 0), np.float32) if features is None else np.asarray(features)
    n_seen = len(found) if n_seen is None else n_seen
    if found.ndim != 2 or n_seen != n_samples or len(found) != n_samples:
        raise CoresetError(
            f"embedding must have a row for each of the {n_samples} samples, got {n_seen} of "
            f"shape {found.shape}. Give every sample, (samples, features)."
        )
    if found.dtype.kind != "f" or not np.isfinite(found).all():
        raise CoresetError("embedding must be finite real numbers, got others.")
    return found.astype(np.float32)


def image_batches(images: Any) -> Generator[tuple[NDArray[np.int64], Tensor]]:
    """Yield (indices, batch) of images that were given to the recorder.

    Tensors and real numbers come as they were given; 8-bit images come as float32 from 0 to 1,
    channels first.
    """
    is_8_bit = not isinstance(images, Tensor) and np.asarray(images[:1]).dtype == np.uint8
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        batch = part if isinstance(part, Tensor) else torch.from_numpy(np.array(part))
        if is_8_bit:
            batch = _channels_first(batch).float() / 255
        yield np.arange(start, start + len(part)), batch


def _channels_first(images: Tensor) -> Tensor:
    """Return (samples, colours, height, width) of 8-bit pictures; volumes get one colour."""
    if images.ndim == 4 and images.shape[-1] in (1, 3):
        return images.movedim(-1, 1)
    return images if images.ndim == 4 and images.shape[1] in (1, 3) else images[:, None]


@contextlib.contextmanager
def _evaluating(backbone: Any) -> Generator[None]:
    """Keep a module in eval mode within the block."""
    if not isinstance(backbone, torch.nn.Module):
        yield
        return
    was_training = backbone.training
    backbone.eval()
    try:
        yield
    finally:
        backbone.train(was_training)


def _on_device_of(backbone: Any, batch: Any) -> Any:
    """Move a batch to where a module's weights are."""
    if not isinstance(backbone, torch.nn.Module) or not isinstance(batch, Tensor):
        return batch
    weight = next(backbone.parameters(), None)
    return batch if weight is None else batch.to(weight.device)


def _features(output: Any, n_rows: int) -> NDArray[np.float32]:
    """Return one row of numbers per sample of what a backbone gave."""
    values = output.detach().float().cpu().numpy() if isinstance(output, Tensor) else output
    array = np.asarray(values)
    if array.dtype.kind != "f" or array.ndim < 1 or len(array) != n_rows:
        raise CoresetError(
            f"backbone must return real numbers with a row for each of {n_rows} samples, got "
            f"{array.dtype} of shape {array.shape}. Give the layer before the last one."
        )
    return array.reshape(n_rows, -1).astype(np.float32)
