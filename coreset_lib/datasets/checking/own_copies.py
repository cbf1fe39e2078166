"""How much a picture differs from copies that are made of it here: what a copy may differ by."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coreset_lib.datasets.checking.common_look import CommonLook, pictures
from coreset_lib.datasets.checking.registration import Likeness, likeness_in_place
from coreset_lib.datasets.labeled_images import Images, is_volume

QUALITY = 75
SMALLER = 0.8
BRIGHTER, LIGHTER = 1.2, 10
SPARE = 1.15
LEAST_REST, LEAST_DISTANCE, LEAST_DETAIL_LOST = 0.03, 0.01, 0.03
Picture = NDArray[np.uint8]


def likeness_to_own_copies(images: Images, look: CommonLook) -> list[Likeness]:
    """Return how like each image is to copies of it, one `Likeness` for each way to make one.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width), with colours or a depth
        Of volumes, the mean slice is copied.
    look : CommonLook

    Notes
    -----
    The copies are compressed (JPEG, quality 75), made smaller by a fifth and large again, or
    brightened by a fifth and cut off at white.
    """
    flat = images.mean(axis=1).astype(np.uint8) if is_volume(images) else np.asarray(images)
    whole = pictures(flat, look.side)
    found: list[Likeness] = []
    for change in CHANGES:
        made = np.stack([change(image) for image in flat])
        found.append(likeness_in_place(whole, pictures(made, look.side), look.check))
    return found


def is_explained(alike: Likeness, own: Likeness) -> NDArray[np.bool_]:
    """Return which pairs differ no more than an image differs from a copy made of it.

    Parameters
    ----------
    alike, own : Likeness
        Of pairs, and of one image of each pair with its own copy.

    Notes
    -----
    In shape, in grain and, in every band of frequency, in what is left when one is taken from
    the other; 15 % more is borne, and as much as placing a cut-out may be wrong by.
    """
    over = alike.rest / np.maximum(own.rest, LEAST_REST)
    is_near = over.max(axis=1) <= SPARE
    is_near &= 1 - alike.overall <= SPARE * (1 - own.overall) + LEAST_DISTANCE
    return is_near & (1 - alike.detail <= SPARE * (1 - own.detail) + LEAST_DETAIL_LOST)


def _compressed(image: Picture) -> Picture:
    """Return an image after JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(buffer))


def _rescaled(image: Picture) -> Picture:
    """Return an image made smaller and large again."""
    height, width = image.shape[:2]
    small = (max(round(width * SMALLER), 1), max(round(height * SMALLER), 1))
    picture = Image.fromarray(image).resize(small, Image.Resampling.BICUBIC)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))


def _brightened(image: Picture) -> Picture:
    """Return a brighter image, white where it would be brighter than white."""
    return np.clip(image * BRIGHTER + LIGHTER, 0, 255).astype(np.uint8)


CHANGES: tuple[Callable[[Picture], Picture], ...] = (_compressed, _rescaled, _brightened)
