"""A network: described here without torch, built by lens_example.layers."""

from coreset_lib.networks import Network

TWO_LAYERS = Network(
    title="Two layers",
    summary="One convolution before the classifier.",
    samples="pictures",
    features="lens_example.layers:two_layers",
    source="an example",
)
