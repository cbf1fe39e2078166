"""VGG-16 features as a step of a run: computed once, kept with it."""

from collections.abc import Callable
from pathlib import Path

from coreset_lib.atomic import write_array, write_json
from coreset_lib.features.vgg16 import vgg16_features
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.resume import check_same_dataset
from coreset_lib.runs.store import Run
from coreset_lib.training.device import resolve_device
from coreset_lib.training.precision import whole_float32


def compute_vgg16(
    run: Run,
    *,
    weights: Path | None,
    side: int,
    device: str = "auto",
    on_batch: Callable[[int], None] = lambda _: None,
) -> tuple[int, int]:
    """Compute and keep the VGG-16 features of a run's training images.

    Returns
    -------
    tuple of int
        Samples and features.

    Raises
    ------
    CoresetError
        If the images are gone or changed, or the weights cannot be had.
    """
    dataset = load_run_images(run)
    check_same_dataset(run, dataset.fingerprint())
    with whole_float32():
        found = vgg16_features(
            dataset.train.images,
            weights=weights,
            side=side,
            device=str(resolve_device(device)),
            on_batch=on_batch,
        )
    write_json(
        run.paths.vgg16_info,
        {"side": side, "weights": "ImageNet (torchvision)" if weights is None else weights.name},
    )
    write_array(run.paths.vgg16, found)
    return found.shape[0], found.shape[1]
