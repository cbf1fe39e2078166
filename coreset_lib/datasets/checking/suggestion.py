"""Sensible training options for a dataset, to begin with."""

import math
from dataclasses import dataclass
from typing import Any

from coreset_lib.system.hardware import has_apple_gpu, has_nvidia_gpu

LARGEST_BATCH = 256
LARGEST_BATCH_OF_VOLUMES = 32
SMALLEST_BATCH = 16
BATCHES_PER_EPOCH = 20
FEWEST_UPDATES = 2000
FEWEST_EPOCHS = 30
MOST_EPOCHS = 200
HEAVY_PIXELS = 64 * 64
UNKNOWN_SIZE = 5000


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Fields of a `TrainingConfig`, and why these, in plain words."""

    fields: dict[str, Any]
    reason: str


def suggest_training(
    n_train: int,
    image_size: int,
    *,
    n_channels: int = 1,
    has_gpu: bool = False,
    is_volumetric: bool = False,
) -> Suggestion:
    """Return options that make the first run of a dataset worth looking at.

    Parameters
    ----------
    n_train : int
        Training images; 0 if not known yet.
    image_size : int
        Height or width in pixels.
    n_channels : int
        1 or 3.
    is_volumetric : bool
        Whether samples are volumes.
    has_gpu : bool
        With one, network and epochs of the papers; without, what a laptop trains in minutes.

    Returns
    -------
    Suggestion
        ``model``, ``epochs``, ``batch_size`` and ``learning_rate``.

    Notes
    -----
    About twenty updates an epoch, so that small sets learn at all, in batches of at most
    256 (docs/methods.md); the learning rate shrinks with the batch (linear scaling,
    Goyal et al. 2017, arXiv 1706.02677). Without a GPU, as many epochs as 2,000 updates
    take, 30 to 200, for large or coloured images and volumes half as many. Volumes go in
    batches of at most 32.
    """
    count = n_train or UNKNOWN_SIZE
    batch = 2 ** math.floor(math.log2(max(count / BATCHES_PER_EPOCH, 1)))
    largest = LARGEST_BATCH_OF_VOLUMES if is_volumetric else LARGEST_BATCH
    batch = min(max(batch, SMALLEST_BATCH), largest)
    epochs = math.ceil(FEWEST_UPDATES / math.ceil(count / batch) / 10) * 10
    is_heavy = is_volumetric or image_size**2 * n_channels > HEAVY_PIXELS
    if is_heavy:
        epochs //= 2
    epochs = MOST_EPOCHS if has_gpu else min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)
    fields = {
        "model": ("resnet18" if has_gpu else "small_cnn") + ("_3d" if is_volumetric else ""),
        "epochs": epochs,
        "batch_size": batch,
        "learning_rate": 0.1 * batch / LARGEST_BATCH,
    }
    kind = "volumes" if is_volumetric else "images"
    known = f"{n_train:,} training {kind}" if n_train else "a dataset of unknown size"
    place = "a GPU" if has_gpu else "a computer without a GPU"
    return Suggestion(fields=fields, reason=f"Suggested for {known} on {place}.")


def may_have_gpu() -> bool:
    """Return whether training may use a GPU; told by the system, torch takes seconds."""
    return has_apple_gpu() or has_nvidia_gpu()


def safe_augmentation(has_sides: bool | None) -> str:
    """Say which changes to training images keep what a dataset's images show."""
    if has_sides is None:
        return (
            "moving (shift) is safe; mirroring (mirror) only if left and right, top and bottom "
            "mean nothing in these images"
        )
    if has_sides:
        return "moving (shift) is safe; mirroring is not, sides mean something in these images"
    return "moving (shift) and mirroring (mirror) are safe"
