"""The networks that can be trained, by name; torch is loaded only when one is built."""

from dataclasses import dataclass
from typing import Literal

from coreset_lib.plugins import Registry, with_source


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network, described without building it.

    Attributes
    ----------
    title, summary : str
        For people.
    samples : {"pictures", "volumes"}
        What it is trained on.
    features : str
        "module:function" of its feature extractor. ``function(n_channels, image_size)`` returns
        a torch module, (samples, channels, [depth,] height, width) -> (samples, features), and
        the number of features; one linear layer to the classes is put behind it.
    source : str
        Where it is described.
    is_stackable : bool
        Whether several are trained at once on a GPU with stacked parameters, which pays for
        small networks and works for those without random layers such as dropout.
    """

    title: str
    summary: str
    samples: Literal["pictures", "volumes"]
    features: str
    source: str
    is_stackable: bool = False


_ROOM = "coreset_lib.training.networks"

NETWORKS = Registry[Network](
    "network",
    {
        "small_cnn": Network(
            title="Small CNN (minutes on a laptop)",
            summary="Four convolutions, about 100,000 parameters, for laptops.",
            samples="pictures",
            features=f"{_ROOM}.small_cnn:small_cnn",
            source="our own",
            is_stackable=True,
        ),
        "resnet18": Network(
            title="ResNet-18 (papers; GPU)",
            summary="The papers' surrogate; a 3×3 stem and no max-pool up to 64 px.",
            samples="pictures",
            features=f"{_ROOM}.resnet:resnet18",
            source="He et al. 2016; EVA sec. 4.1",
        ),
        "resnet50": Network(
            title="ResNet-50 (GPU)",
            summary="Bottleneck blocks; a 3×3 stem and no max-pool up to 64 px.",
            samples="pictures",
            features=f"{_ROOM}.resnet:resnet50",
            source="He et al. 2016",
        ),
        "mobilenet_v2": Network(
            title="MobileNetV2 (GPU)",
            summary="Inverted residuals, 2 million parameters; up to 64 px the first two strides "
            "are 1.",
            samples="pictures",
            features=f"{_ROOM}.mobilenet_v2:mobilenet_v2",
            source="Sandler et al. 2018",
        ),
        "vgg16": Network(
            title="VGG-16 (GPU)",
            summary="Thirteen convolutions with batch norm; the mean over positions in the place "
            "of its two wide dense layers.",
            samples="pictures",
            features=f"{_ROOM}.vgg16:vgg16",
            source="Simonyan and Zisserman 2015",
        ),
        "cnn14": Network(
            title="CNN of 14 layers (GPU)",
            summary="Our reading of a custom CNN whose layers are not listed: twelve "
            "convolutions, a dense layer, the classifier.",
            samples="pictures",
            features=f"{_ROOM}.cnn14:cnn14",
            source="arXiv 2509.21380",
        ),
        "small_cnn_3d": Network(
            title="Small 3-D CNN (minutes on a laptop)",
            summary="The small CNN in 3-D, about 290,000 parameters.",
            samples="volumes",
            features=f"{_ROOM}.small_cnn_3d:small_cnn_3d",
            source="our own",
        ),
        "resnet18_3d": Network(
            title="3-D ResNet-18 (GPU)",
            summary="3×3×3 convolutions and no max-pool, about 33 million parameters.",
            samples="volumes",
            features=f"{_ROOM}.resnet18_3d:resnet18_3d",
            source="He et al. 2016, in 3-D",
        ),
    },
    group="coreset_lens.networks",
    type_of_member=Network,
    credit=with_source,
)


def networks_for(depth: int) -> tuple[str, ...]:
    """Return the networks that take volumes of this depth, or pictures where it is 0."""
    samples = "volumes" if depth else "pictures"
    return tuple(name for name, network in NETWORKS.items() if network.samples == samples)
