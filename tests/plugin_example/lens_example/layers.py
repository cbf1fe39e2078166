"""What the network is made of; imported only when it is trained."""

from torch import nn


def two_layers(n_channels, image_size):
    """Return one convolution, and the number of features that it gives."""
    features = nn.Sequential(
        nn.Conv2d(n_channels, 8, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()
    )
    return features, 128
