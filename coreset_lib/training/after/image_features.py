"""EfficientNet and pixel features as steps of a run: computed once, kept with it."""

from collections.abc import Callable

from coreset_lib.atomic import write_array
from coreset_lib.datasets import load_configured
from coreset_lib.datasets.labeled_images import LabeledImages, is_volume
from coreset_lib.datasets.pixels import pixel_components
from coreset_lib.features.efficientnet import efficientnet_features
from coreset_lib.runs.resume import check_same_dataset, plain_config
from coreset_lib.runs.store import Run
from coreset_lib.training.device import resolve_device
from coreset_lib.training.precision import whole_float32


def compute_efficientnet(
    run: Run,
    *,
    side: int,
    device: str = "auto",
    on_batch: Callable[[int], None] = lambda _: None,
) -> tuple[int, int]:
    """Compute and keep the EfficientNet features of a run's training images.

    Returns
    -------
    tuple of int
        Samples and features.

    Raises
    ------
    CoresetError
        If the images are gone or changed, or the network is not installed.
    """
    with whole_float32():
        found = efficientnet_features(
            _dataset_of(run).train.images,
            side=side,
            device=str(resolve_device(device)),
            on_batch=on_batch,
        )
    write_array(run.paths.embedding_of("efficientnet"), found)
    return found.shape[0], found.shape[1]


def compute_pixels(run: Run) -> tuple[int, int]:
    """Compute and keep the principal components of the pixels of a run's training images.

    Raises
    ------
    CoresetError
        If the images are gone or changed.
    """
    images = _dataset_of(run).train.images
    has_colours = images.ndim == 4 and not is_volume(images)
    found = pixel_components(images, has_colours=has_colours)
    write_array(run.paths.embedding_of("pixels"), found)
    return found.shape[0], found.shape[1]


def _dataset_of(run: Run) -> LabeledImages:
    """Load the images that a run was trained on."""
    dataset = load_configured(plain_config(run.paths), cache=run.paths.cache)
    check_same_dataset(run, dataset.fingerprint())
    return dataset
