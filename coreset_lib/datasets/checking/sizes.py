"""Whether images are scaled down so far that what matters may be lost."""

import statistics

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.labeled_images import LabeledImages

MOST_SHRUNK = 4


def suggest_size(dataset: LabeledImages) -> int:
    """Return the image size that suits the originals better; 0 where the present one does.

    Notes
    -----
    An image that is scaled down by four or more along its shorter side is read at the smallest
    size that scales it down by less, or at the largest there is.
    """
    side = _usual_side(dataset)
    size = min(dataset.image_size)
    if side < MOST_SHRUNK * size:
        return 0
    larger = [each for each in IMAGE_SIZES if each > size]
    return next((each for each in larger if side < MOST_SHRUNK * each), max(larger, default=0))


def size_warnings(dataset: LabeledImages, suggested: int) -> list[str]:
    """Say that a larger size would keep more of the originals."""
    if not suggested:
        return []
    return [
        f"The originals are usually {_usual_side(dataset)} pixels on their shorter side, of which "
        f"{min(dataset.image_size)} are kept: fine detail is lost. Image size {suggested} keeps "
        "more."
    ]


def _usual_side(dataset: LabeledImages) -> int:
    """Return the median of the shorter sides of the original files; 0 where there are none."""
    if dataset.origin is None or dataset.origin.kind not in ("folder", "table"):
        return 0
    sides = [min(file.height, file.width) for file in dataset.origin.files]
    return int(statistics.median(sides)) if sides else 0
