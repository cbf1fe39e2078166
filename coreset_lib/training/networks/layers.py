"""Layers that several networks are made of."""

from torch import Tensor, nn


class SpatialMean(nn.Module):
    """Mean over height and width."""

    def forward(self, images: Tensor) -> Tensor:
        """Return (samples, features)."""
        return images.mean(dim=(2, 3))


class VolumeMean(nn.Module):
    """Mean over depth, height and width."""

    def forward(self, volumes: Tensor) -> Tensor:
        """Return (samples, features)."""
        return volumes.mean(dim=(2, 3, 4))


def conv_block(n_in: int, n_out: int, *, stride: int = 1) -> nn.Sequential:
    """Return a 3×3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


def with_he_weights(features: nn.Module) -> nn.Module:
    """Return a network whose convolutions begin with the weights of He et al. (2015)."""
    for module in features.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return features


def stem_convolution(n_channels: int, width: int, *, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """Return a first convolution for any number of channels, with the weights of ResNet."""
    stem = nn.Conv2d(n_channels, width, size, stride=stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    return stem
