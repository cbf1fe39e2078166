"""ResNet-18 and ResNet-50 with a stem that suits the size of the images."""

from typing import Any

from torch import nn

from coreset_lib.training.networks.layers import stem_convolution

SMALL_IMAGE = 64


def resnet18(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """ResNet-18; up to 64 px with a 3×3 stem and no max-pool, as EVA and CCS use it."""
    from torchvision.models import resnet18

    return _without_head(resnet18(weights=None), n_channels, image_size)


def resnet50(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """ResNet-50; up to 64 px with a 3×3 stem and no max-pool, as ResNet-18."""
    from torchvision.models import resnet50

    return _without_head(resnet50(weights=None), n_channels, image_size)


def _without_head(network: Any, n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """Return a ResNet with another stem, its classifier taken off."""
    n_features = network.fc.in_features
    if image_size <= SMALL_IMAGE:
        network.conv1 = stem_convolution(n_channels, 64)
        network.maxpool = nn.Identity()
    else:
        network.conv1 = stem_convolution(n_channels, 64, size=7, stride=2)
    network.fc = nn.Identity()
    return network, n_features
