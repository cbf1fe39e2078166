"""ResNet-18 for volumes: its layers with 3×3×3 convolutions."""

from torch import Tensor, nn

from coreset_lib.training.networks.layers import VolumeMean

SMALL_SIDE = 32
WIDTHS = (64, 128, 256, 512)


def resnet18_3d(n_channels: int, image_size: int) -> tuple[nn.Module, int]:
    """ResNet-18 with 3×3×3 convolutions and no max-pool, about 33 million parameters.

    The stem keeps the size of volumes of up to 32 voxels, as for small pictures; larger ones
    it halves.
    """
    stride = 1 if image_size <= SMALL_SIDE else 2
    blocks: list[nn.Module] = []
    n_in = WIDTHS[0]
    for width in WIDTHS:
        blocks += [_ResidualBlock(n_in, width, 1 if width == n_in else 2)]
        blocks += [_ResidualBlock(width, width, 1)]
        n_in = width
    stem = _convolution(n_channels, WIDTHS[0], stride=stride)
    norm = nn.BatchNorm3d(WIDTHS[0])
    return nn.Sequential(stem, norm, nn.ReLU(inplace=True), *blocks, VolumeMean()), WIDTHS[-1]


class _ResidualBlock(nn.Module):
    """Two 3×3×3 convolutions around a shortcut.

    References
    ----------
    He et al., Deep residual learning for image recognition (2016), Fig. 2.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(n_in, n_out, stride=stride)
        self.first_norm = nn.BatchNorm3d(n_out)
        self.second = _convolution(n_out, n_out)
        self.second_norm = nn.BatchNorm3d(n_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or n_in != n_out:
            narrow = nn.Conv3d(n_in, n_out, 1, stride=stride, bias=False)
            nn.init.kaiming_normal_(narrow.weight, mode="fan_out", nonlinearity="relu")
            self.shortcut = nn.Sequential(narrow, nn.BatchNorm3d(n_out))

    def forward(self, volumes: Tensor) -> Tensor:
        """Return (samples, features, depth, height, width)."""
        out = self.first_norm(self.first(volumes)).relu_()
        return (self.second_norm(self.second(out)) + self.shortcut(volumes)).relu_()


def _convolution(n_in: int, n_out: int, *, stride: int = 1) -> nn.Conv3d:
    """3×3×3 convolution with the initial weights of ResNet."""
    convolution = nn.Conv3d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution
