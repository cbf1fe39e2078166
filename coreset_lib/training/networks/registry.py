"""The networks: a small CNN for laptops and ResNet-18 with a stem for small images, 2-D and 3-D."""

from typing import cast

import torch
from torch import Tensor, nn

from coreset_lib.training.networks.volume import resnet18_3d_features, small_cnn_3d_features


class Surrogate(nn.Module):
    """A feature extractor followed by one linear layer.

    Attributes
    ----------
    features : Module
        (samples, channels, height, width) -> (samples, features): the embedding; volumes
        have a depth before the height.
    head : Linear
        Works in float32 also under autocast, so that recorded probabilities are not
        rounded to 8 bits.
    precision : str
        One of :data:`coreset_lib.configs.PRECISIONS`, in which it is trained and asked.
    """

    def __init__(self, features: nn.Module, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(n_features, n_classes)
        self.precision = "auto"

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, shape (samples, classes), float32."""
        embedding = self.features(images).float()
        with torch.autocast(images.device.type, enabled=False):
            return cast(Tensor, self.head(embedding))


def build_network(
    model: str, *, n_classes: int, n_channels: int, image_size: int, seed: int
) -> Surrogate:
    """Build a network of :data:`coreset_lib.configs.MODELS` with seeded weights.

    The weights depend only on ``seed`` and the shape; the global generator is restored.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BUILDERS[model](n_classes, n_channels, image_size)


class _SpatialMean(nn.Module):
    """Mean over height and width."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


def _conv_block(n_in: int, n_out: int, *, stride: int = 1) -> nn.Sequential:
    """3×3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


def _small_cnn(n_classes: int, n_channels: int, image_size: int) -> Surrogate:
    """Four convolutions, about 100,000 parameters; larger images are pooled to 28 px first."""
    pooling = max(image_size // 28, 1)
    layers = [nn.AvgPool2d(pooling)] if pooling > 1 else []
    features = nn.Sequential(
        *layers,
        _conv_block(n_channels, 16, stride=2),
        _conv_block(16, 32, stride=2),
        _conv_block(32, 64),
        nn.MaxPool2d(2),
        _conv_block(64, 128),
        _SpatialMean(),
    )
    return Surrogate(features, 128, n_classes)


def _resnet18(n_classes: int, n_channels: int, image_size: int) -> Surrogate:
    """ResNet-18; up to 64 px with a 3×3 stem and no max-pool, as EVA and CCS use it."""
    from torchvision.models import resnet18

    network = resnet18(weights=None)
    n_features = network.fc.in_features
    if image_size <= 64:
        network.conv1 = nn.Conv2d(n_channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    else:
        network.conv1 = nn.Conv2d(n_channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.fc = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    return Surrogate(network, n_features, n_classes)


def _small_cnn_3d(n_classes: int, n_channels: int, image_size: int) -> Surrogate:
    """The small CNN for volumes, about 290,000 parameters."""
    return Surrogate(*small_cnn_3d_features(n_channels, image_size), n_classes)


def _resnet18_3d(n_classes: int, n_channels: int, image_size: int) -> Surrogate:
    """ResNet-18 for volumes, about 33 million parameters."""
    return Surrogate(*resnet18_3d_features(n_channels, image_size), n_classes)


BUILDERS = {
    "small_cnn": _small_cnn,
    "resnet18": _resnet18,
    "small_cnn_3d": _small_cnn_3d,
    "resnet18_3d": _resnet18_3d,
}
