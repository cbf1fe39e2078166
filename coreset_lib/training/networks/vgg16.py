"""VGG-16 with batch norm, for images of any size."""

from torch import nn

from coreset_lib.training.networks.layers import SpatialMean, conv_block, with_he_weights

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """Thirteen 3×3 convolutions with batch norm in five blocks, each ended by a max-pool.

    Pools round up, so that 28 px leave one position. The mean over positions stands in the
    place of the two dense layers of 4,096, which are made for 224 px; without batch norm SGD at
    our learning rate does not train it.

    References
    ----------
    Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition
    (2015), Table 1, D.
    """
    layers: list[nn.Module] = []
    n_in = n_channels
    for widths in BLOCKS:
        for width in widths:
            layers.append(conv_block(n_in, width))
            n_in = width
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return with_he_weights(nn.Sequential(*layers, SpatialMean())), n_in
