"""What every decoder of image files keeps to: options, facts, limits and the error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.grey_window import FROM_FILE, parse_grey_window

LARGEST_PIXELS = 100_000_000
MOST_FRAMES = 20_000
SMALLEST_SIDE = 8
Image = NDArray[np.uint8]


class UnreadableFile(Exception):
    """A file that cannot be used; the message completes the sentence "file …"."""


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How files become pixels.

    Attributes
    ----------
    image_size : int
        Height and width of the result; other forms are scaled to fit and padded with black.
    grey_window : str
        See `parse_grey_window`; for images of more than 8 bits and for DICOM.
    pseudonym_key : str
        Patient ids leave the decoder only after this key has made them unreadable; with
        an empty key they stay as they are.
    """

    image_size: int = 28
    grey_window: str = FROM_FILE
    pseudonym_key: str = ""

    def __post_init__(self) -> None:
        parse_grey_window(self.grey_window)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the original was; ``low`` and ``high`` are its extreme values.

    ``study`` and ``series`` are pseudonyms of their unique identifiers.
    """

    height: int
    width: int
    bits: int
    low: float = 0.0
    high: float = 0.0
    modality: str = ""
    patient: str = ""
    identity_removed: str = ""
    burned_in: str = ""
    study: str = ""
    series: str = ""


def check_form(height: int, width: int) -> None:
    """Refuse images of too few pixels to learn from, or of so many that memory runs out."""
    if height * width > LARGEST_PIXELS:
        raise UnreadableFile(too_large())
    if min(height, width) < SMALLEST_SIDE:
        raise UnreadableFile(f"has {height} x {width} pixels, fewer than {SMALLEST_SIDE} on a side")


def too_large() -> str:
    """Say which size is too large."""
    return f"has more than {LARGEST_PIXELS // 1_000_000} million pixels"
