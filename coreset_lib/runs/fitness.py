"""Whether a dataset can be trained on with the options that were chosen."""

from coreset_lib.configs import NO_LABEL_NOISE, PICTURE_MODELS, VOLUME_MODELS, TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError


def check_fits(config: TrainingConfig, dataset: LabeledImages) -> None:
    """Raise CoresetError if an option means nothing for this dataset."""
    check_network(config.model, dataset.name, depth=dataset.depth)
    if dataset.is_multi_label:
        _check_multi_label(config, dataset)


def _check_multi_label(config: TrainingConfig, dataset: LabeledImages) -> None:
    """Refuse options that are made for exactly one class per sample."""
    options = {
        "record_vog": config.record_vog,
        "keep_checkpoints (for score vog_pixel)": config.keep_checkpoints > 0,
        "label_noise": config.label_noise != NO_LABEL_NOISE,
    }
    for option, is_on in options.items():
        if is_on:
            raise CoresetError(
                f"option {option} needs exactly one class per sample, got {dataset.name}, whose "
                "samples carry any number of labels. Leave it away."
            )


def check_network(model: str, dataset: str, *, depth: int) -> None:
    """Raise CoresetError unless a network takes samples of this kind.

    Parameters
    ----------
    model : str
        One of :data:`coreset_lib.configs.MODELS`.
    dataset : str
        Name of the dataset.
    depth : int
        Slices of its volumes; 0 for pictures.
    """
    fitting = networks_for(depth)
    if model not in fitting:
        kind = "volumes" if depth else "pictures"
        raise CoresetError(
            f"model must be a network for {kind}, got {model} for {dataset}, whose samples are "
            f"{kind}. Choose {' or '.join(fitting)}."
        )


def networks_for(depth: int) -> tuple[str, ...]:
    """Return the networks that take volumes of this depth, or pictures where it is 0."""
    return VOLUME_MODELS if depth else PICTURE_MODELS
