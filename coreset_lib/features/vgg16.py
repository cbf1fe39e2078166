"""Features of a frozen VGG-16 trained on ImageNet: its last pooling layer."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from coreset_lib.datasets.labeled_images import is_volume
from coreset_lib.errors import CoresetError

SIDE = 224
SMALLEST_SIDE = 32
BATCH = 32
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@torch.no_grad()
def vgg16_features(
    images: NDArray[np.uint8],
    *,
    weights: Path | None = None,
    side: int = SIDE,
    device: str = "cpu",
    on_batch: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Return the last pooling layer of VGG-16 for every image.

    Images are enlarged to ``side`` pixels (bilinear), grey ones repeated over three
    channels, and normalised as ImageNet's were.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
    weights : Path, optional
        A state dict of torchvision's VGG-16; default: torchvision's cache, downloaded once
        when online.
    side : int
        At least 32. 224 is what the network was trained on; smaller is faster.
    device : str
    on_batch : callable
        Told how many images are done.

    Returns
    -------
    float32 array, shape (samples, 512 · (side // 32)²)

    Raises
    ------
    CoresetError
        If the images are volumes, or the weights are absent and cannot be downloaded, or are
        of another network.

    References
    ----------
    Coreset selection based on intra-class diversity (arXiv 2509.21380), sec. 4.1.
    """
    if is_volume(images):
        raise CoresetError(
            "VGG-16 features are made of pictures, got volumes. Use the surrogate's features."
        )
    if side < SMALLEST_SIDE:
        raise CoresetError(f"side must be at least {SMALLEST_SIDE} pixels, got {side}.")
    network = _load_network(weights).to(device)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(images), BATCH):
        batch = _prepare(np.asarray(images[start : start + BATCH]), side).to(device)
        parts.append(network(batch).flatten(1).cpu().numpy())
        on_batch(min(start + BATCH, len(images)))
    return np.concatenate(parts)


def _prepare(images: NDArray[np.uint8], side: int) -> Tensor:
    """Turn images into what VGG-16 expects, shape (samples, 3, side, side)."""
    pixels = torch.from_numpy(images.astype(np.float32) / 255)
    pixels = pixels[:, None].expand(-1, 3, -1, -1) if pixels.ndim == 3 else pixels.movedim(-1, 1)
    resized = functional.interpolate(
        pixels, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    mean, deviation = (
        torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return (resized - mean) / deviation


def _load_network(weights: Path | None) -> nn.Module:
    """Build the convolutional part and give it its weights."""
    from torchvision.models.vgg import cfgs, make_layers

    network = make_layers(cfgs["D"], batch_norm=False)
    state = _cached_state() if weights is None else _read_state(weights)
    prefix = "features."
    own = {name.removeprefix(prefix): value for name, value in state.items() if prefix in name}
    try:
        network.load_state_dict(own)
    except RuntimeError:
        raise CoresetError(
            f"weights must be those of torchvision's VGG-16, got other layers in "
            f"{weights or 'the cache'}. Use the file vgg16-397923af.pth."
        ) from None
    return network.eval()


def _read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a file, without running code from it."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CoresetError(f"weights {path} were not found. Name a file that exists.") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, UnpicklingError) as error:
        raise CoresetError(
            f"weights {path} cannot be read ({type(error).__name__}). "
            "Use the file vgg16-397923af.pth of torchvision."
        ) from None
    return state if isinstance(state, dict) else {}


def _cached_state() -> dict[str, Any]:
    """Take the weights from torchvision's cache, downloading them when online."""
    from torchvision.models import VGG16_Weights

    try:
        return dict(VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError):
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise CoresetError(
            f"the ImageNet weights of VGG-16 are not in {folder} and cannot be downloaded. "
            "On a computer that is online get vgg16-397923af.pth from torchvision, and put it "
            "there or name it with --weights."
        ) from None
