"""A network of the registry, built: a feature extractor and one linear layer."""

from typing import cast

import torch
from torch import Tensor, nn

from coreset_lib.networks import NETWORKS
from coreset_lib.plugins import load_object


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
    """Build a network of :data:`coreset_lib.networks.NETWORKS` with seeded weights.

    The weights depend only on ``seed`` and the shape; the global generator is restored.

    Raises
    ------
    CoresetError
        If a network of another package cannot be built.
    """
    with NETWORKS.blaming(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        features, n_features = load_object(NETWORKS[model].features)(n_channels, image_size)
        return Surrogate(features, n_features, n_classes)
