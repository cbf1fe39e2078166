"""The custom CNN of 14 layers that coresets by intra-class diversity were tried on."""

from torch import nn

from coreset_lib.training.networks.layers import SpatialMean, conv_block, with_he_weights

BLOCKS = ((32, 32), (64, 64), (128, 128), (256, 256, 256), (256, 256, 256))
N_FEATURES = 256


def cnn14(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """Twelve 3×3 convolutions and a dense layer; with the classifier 14 layers of weights.

    Max-pools between the five blocks round up, so that 28 px leave 2 × 2 positions, whose mean
    enters the dense layer.

    Notes
    -----
    Our reading: the paper speaks of a custom CNN of 14 layers and does not say which. Layers
    are counted as in the names of VGG-16 and ResNet-18; widths, batch norm and the mean over
    positions are our choice.

    References
    ----------
    Coreset selection based on intra-class diversity (arXiv 2509.21380).
    """
    layers: list[nn.Module] = []
    n_in = n_channels
    for number, widths in enumerate(BLOCKS):
        if number:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        for width in widths:
            layers.append(conv_block(n_in, width))
            n_in = width
    dense = nn.Sequential(nn.Linear(n_in, N_FEATURES), nn.ReLU(inplace=True))
    return with_he_weights(nn.Sequential(*layers, SpatialMean(), dense)), N_FEATURES
