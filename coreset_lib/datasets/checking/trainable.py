"""Whether a dataset can be trained on with the options that were chosen."""

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages, check_one_class_each
from coreset_lib.errors import CoresetError
from coreset_lib.networks import networks_for


def check_fits(config: TrainingConfig, dataset: LabeledImages) -> None:
    """Raise CoresetError if an option means nothing for this dataset."""
    check_network(config.model, dataset.name, depth=dataset.depth)
    _check_one_class_options(config, dataset)
    if not len(dataset.val):
        raise CoresetError(
            f"dataset {dataset.name} must have a validation split, got one without samples. "
            "Give it some, or leave the split away to have a part of the training samples taken."
        )


def _check_one_class_options(config: TrainingConfig, dataset: LabeledImages) -> None:
    """Refuse options that mean nothing for samples with any number of labels."""
    options = {
        "record_vog": config.record_vog,
        "keep_checkpoints (for score vog_pixel)": config.keep_checkpoints > 0,
    }
    for option, is_on in options.items():
        if is_on:
            check_one_class_each(dataset, f"option {option}")


def check_network(model: str, dataset: str, *, depth: int) -> None:
    """Raise CoresetError unless a network takes samples of this kind.

    Parameters
    ----------
    model : str
        One of :data:`coreset_lib.networks.NETWORKS`.
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
