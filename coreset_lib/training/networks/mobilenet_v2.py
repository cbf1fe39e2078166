"""MobileNetV2 with strides that suit the size of the images."""

from torch import nn

from coreset_lib.training.networks.layers import SpatialMean, stem_convolution

SMALL_IMAGE = 64
# Expansion, channels, blocks and stride of each stage (Sandler et al., Table 2).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """MobileNetV2; up to 64 px the stem and the second stage keep the size.

    So that images of 28 px end in 4 × 4 positions and not in one. Its dropout stood in the
    classifier, which is our own.

    References
    ----------
    Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks (2018), Table 2.
    """
    from torchvision.models import MobileNetV2

    is_small = image_size <= SMALL_IMAGE
    stages = [list(stage) for stage in STAGES]
    if is_small:
        stages[1][3] = 1
    stem, *blocks = MobileNetV2(inverted_residual_setting=stages).features
    _, *after = stem.children()
    first = stem_convolution(n_channels, 32, stride=1 if is_small else 2)
    return nn.Sequential(first, *after, *blocks, SpatialMean()), 1280
