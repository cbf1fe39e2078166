"""Changes to training images on the way: each shows the same thing, and its seed decides."""

import torch
from torch import Tensor
from torch.nn import functional

from coreset_lib.training.device import memory_layout

MOST_SHIFT = 2


def augment(images: Tensor, kind: str, seed: int) -> Tensor:
    """Return a batch changed as `TrainingConfig.augmentation` says; "none" leaves it as it is.

    Parameters
    ----------
    images : tensor, shape (samples, channels, height, width)
        Or (samples, channels, depth, height, width).
    kind : str
        "none", "shift" or "mirror".
    seed : int
        Decides what happens to each image.
    """
    if kind == "shift":
        return shift(images, seed)
    return mirror(images, seed) if kind == "mirror" else images


def shift(images: Tensor, seed: int) -> Tensor:
    """Move every image by up to `MOST_SHIFT` pixels; what comes in repeats the border.

    Volumes move along their depth too.
    """
    n, channels, *sides = images.shape
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.randint(2 * MOST_SHIFT + 1, (len(sides), n, 1), generator=generator)
    padded = functional.pad(images, (MOST_SHIFT,) * 2 * len(sides), mode="replicate")
    places = [torch.arange(n, device=images.device), torch.arange(channels, device=images.device)]
    index = [_along(place, axis, images.ndim) for axis, place in enumerate(places)]
    for axis, (offset, side) in enumerate(zip(offsets, sides, strict=True), start=2):
        places = offset.to(images.device) + torch.arange(side, device=images.device)
        index.append(_along(places, axis, images.ndim))
    return padded[tuple(index)].contiguous(memory_format=memory_layout(images))


def mirror(images: Tensor, seed: int) -> Tensor:
    """Mirror every image along each of its sides with a chance of one half.

    Only for images that have no left and right, no top and bottom.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand((images.ndim - 2, len(images)), generator=generator) < 0.5
    for axis, rows in enumerate(chosen.to(images.device), start=2):
        rows = rows.reshape(-1, *[1] * (images.ndim - 1))
        images = torch.where(rows, images.flip(axis), images)
    return images.contiguous(memory_format=memory_layout(images))


def _along(places: Tensor, axis: int, n_axes: int) -> Tensor:
    """Return positions, one row for all or one per sample, spread along an axis for indexing."""
    shape = [1] * n_axes
    shape[axis] = places.shape[-1]
    if places.ndim == 2:
        shape[0] = len(places)
    return places.reshape(shape)
