"""Where to compute, and the images resident there."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coreset_lib.configs import check_device
from coreset_lib.datasets.labeled_images import Split, is_volume
from coreset_lib.errors import CoresetError
from coreset_lib.training.precision import tiny_numbers_as_zero

FLOAT_BUDGET_BYTES = 2**30


def resolve_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises
    ------
    CoresetError
        If there is no such device, or this machine does not have it.
    """
    check_device(name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        name = "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    n_gpus = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= n_gpus:
        raise CoresetError(
            f"device must be present, got {name} on a machine with {n_gpus} GPUs. "
            "Choose auto or cpu."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise CoresetError("device must be present, got mps on a machine without it. Choose auto.")
    return device


def device_title(device: torch.device) -> str:
    """Name a device for people."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({torch.get_num_threads()} threads)" if device.type == "cpu" else "mps"


@dataclass(frozen=True, eq=False)
class ResidentSplit:
    """A split on the device; a batch is one gather, without a data loader.

    Attributes
    ----------
    images : tensor, shape (samples, channels, height, width)
        Volumes have a depth before the height. Normalised float32 where that is small
        enough, else the uint8 original; in the memory of the host where the device has no room
        for them, from where each batch is copied.
    labels : int64 tensor, shape (samples,), or float32 of 0 and 1, shape (samples, labels)
        The second where samples carry any number of labels.
    """

    images: Tensor
    labels: Tensor

    @classmethod
    @tiny_numbers_as_zero()  # threads keep what was so when they began, and here they begin
    def place(cls, split: Split, device: torch.device) -> "ResidentSplit":
        """Copy a split to the device, once."""
        images = torch.from_numpy(_channels_first(split.images))
        images = images.to(device if has_room(device, images.numel()) else "cpu")
        images = images.contiguous(memory_format=memory_layout(images))
        if images.numel() * 4 <= FLOAT_BUDGET_BYTES:
            images = normalise(images)
        if split.multi_hot is None:
            labels = np.array(split.labels, dtype=np.int64)
        else:
            labels = np.array(split.multi_hot, dtype=np.float32)
        return cls(images, torch.from_numpy(labels).to(device))

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "ResidentSplit":
        """Return the given samples as a split of their own."""
        rows = indices.to(self.images.device)
        return ResidentSplit(self.images[rows], self.labels[indices])

    def _images_of(self, indices: Tensor) -> Tensor:
        """Return images as they are kept, on the device of the labels."""
        device = self.labels.device
        if self.images.device == device:
            return self.images[indices]
        chosen = self.images[indices.to(self.images.device)]
        if device.type == "cuda":
            chosen = chosen.pin_memory()
        return chosen.to(device, non_blocking=True)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return normalised images (channels last) and labels of the given samples."""
        images = self._images_of(indices)
        if images.dtype == torch.uint8:
            images = normalise(images)
        return images.contiguous(memory_format=memory_layout(images)), self.labels[indices]


def has_room(device: torch.device, n_bytes: int) -> bool:
    """Whether so many bytes may lie on a device, with half of it left for the training."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= free // 2


def memory_layout(images: Tensor) -> torch.memory_format:
    """Return the layout in which convolutions are fastest: channels last."""
    return torch.channels_last_3d if images.ndim == 5 else torch.channels_last


def normalise(images: Tensor) -> Tensor:
    """Map 0..255 to -1..1, as MedMNIST's baselines do."""
    return images.float().div_(127.5).sub_(1)


def _channels_first(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a writable (samples, channels, [depth,] height, width) copy."""
    if images.ndim == 3 or is_volume(images):
        return np.array(images)[:, None]
    return np.ascontiguousarray(np.moveaxis(np.asarray(images), -1, 1))
