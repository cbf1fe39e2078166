"""The small CNN for volumes."""

from torch import nn

from coreset_lib.training.networks.layers import VolumeMean


def small_cnn_3d(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """Four convolutions, about 290,000 parameters; larger volumes are pooled first."""
    pooling = max(image_size // 28, 1)
    layers = [nn.AvgPool3d(pooling)] if pooling > 1 else []
    features = nn.Sequential(
        *layers,
        *_normed(n_channels, 16, stride=2),
        *_normed(16, 32, stride=2),
        *_normed(32, 64),
        nn.MaxPool3d(2),
        *_normed(64, 128),
        VolumeMean(),
    )
    return features, 128


def _normed(n_in: int, n_out: int, *, stride: int = 1) -> tuple[nn.Module, ...]:
    """3×3×3 convolution, batch norm, ReLU."""
    convolution = nn.Conv3d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm3d(n_out), nn.ReLU(inplace=True)
