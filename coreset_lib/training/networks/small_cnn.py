"""A small CNN for laptops and tests."""

from torch import nn

from coreset_lib.training.networks.layers import SpatialMean, conv_block


def small_cnn(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """Four convolutions, about 100,000 parameters; larger images are pooled to 28 px first."""
    pooling = max(image_size // 28, 1)
    layers = [nn.AvgPool2d(pooling)] if pooling > 1 else []
    features = nn.Sequential(
        *layers,
        conv_block(n_channels, 16, stride=2),
        conv_block(16, 32, stride=2),
        conv_block(32, 64),
        nn.MaxPool2d(2),
        conv_block(64, 128),
        SpatialMean(),
    )
    return features, 128
