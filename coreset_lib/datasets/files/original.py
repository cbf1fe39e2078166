"""The original of a sample, in full size and in the values of its modality, for a close look."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.contract import Image, UnreadableFile, check_form
from coreset_lib.datasets.files.decoding import (
    is_dicom,
    is_nifti,
    open_raster,
    pixels_of,
    wide_over_black,
)
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.files.grey_window import GreyWindow, range_window, to_grey
from coreset_lib.datasets.files.wide_png import read_wide_png
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.npz.wide import read_wide
from coreset_lib.errors import DatasetError


class OriginalError(DatasetError):
    """An original that cannot be shown; ``reason`` says why without naming the file."""

    def __init__(self, name: str, reason: str, advice: str = "") -> None:
        super().__init__(" ".join(filter(None, (f"original {name} {reason}.", advice))))
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Original:
    """One image as it was before it was scaled and windowed for training.

    Attributes
    ----------
    values : array, shape (height, width) or (height, width, 3)
        In the units of the modality (for example Hounsfield units); colours from 0 to 255.
    window : GreyWindow or None
        The one stored in the file.
    is_inverted : bool
        Large values are dark (MONOCHROME1).
    low, high : float
        Smallest and largest value, padding left out.
    """

    values: NDArray[Any]
    window: GreyWindow | None
    is_inverted: bool
    low: float
    high: float

    @property
    def has_wide_values(self) -> bool:
        """Whether a screen cannot show all values at once, so that a window is needed."""
        return self.values.ndim == 2 and self.values.dtype != np.uint8

    def fit(self, most: int) -> "Original":
        """Return the same image with its longer side at most ``most`` pixels, averaged to that."""
        if max(self.values.shape[:2]) <= most:
            return self
        return replace(self, values=_smaller(self.values, most))

    @property
    def first_window(self) -> GreyWindow:
        """The window that an image is shown through at first."""
        if self.window is not None:
            return self.window
        if not self.has_wide_values:
            return range_window(0, 255)
        return range_window(self.low, self.high)

    def shown(self, window: GreyWindow | None = None) -> Image:
        """Return the image as a screen shows it, through a window of grey values.

        Parameters
        ----------
        window : GreyWindow, optional
            By default the one stored in the file; else 8-bit values as they are, and
            others from the darkest to the brightest.

        Returns
        -------
        uint8 array of the shape of ``values``
        """
        window = window or self.window
        if window is None and not self.has_wide_values:
            image = self.values.astype(np.uint8)
        else:
            image = to_grey(self.values, window or range_window(self.low, self.high))
        return np.invert(image) if self.is_inverted else image


def find_original(dataset: LabeledImages, index: int) -> tuple[FileRecord, int] | None:
    """Return the file of a training sample and its frame, from 0; None without files."""
    return None if dataset.origin is None else dataset.origin.places.get(index)


def prepared_original(dataset: LabeledImages, index: int, slice_number: int = 0) -> Original:
    """Return a training sample as it is trained on, for datasets that have no files beside it.

    ``slice_number`` is the slice of a volume, from 0.
    """
    image = np.asarray(dataset.train.images[index])
    values = image[slice_number] if dataset.depth else image
    return Original(values, None, False, float(values.min()), float(values.max()))


def read_original(record: FileRecord, frame: int, slice_number: int | None = None) -> Original:
    """Return an original image.

    Parameters
    ----------
    record : FileRecord
    frame : int
        Frame, page or array row of the file, from 0.
    slice_number : int, optional
        Slice of a volume in an array, from 0.

    Raises
    ------
    OriginalError
        If the file is gone, has changed since it was prepared, or cannot be read.
    """
    name = os.path.basename(record.path)
    try:
        stat = os.stat(record.path)
        if not record.is_of(record.path, stat.st_size, stat.st_mtime_ns):
            raise UnreadableFile("has changed since it was prepared")
        if record.path.lower().endswith(".npz"):
            values = read_wide(record.path, frame, slice_number)
            return Original(values, None, False, float(values.min()), float(values.max()))
        if is_dicom(record.path):
            from coreset_lib.datasets.files.dicom import read_frame

            return Original(*read_frame(record.path, frame))
        if is_nifti(record.path):
            from coreset_lib.datasets.files.nifti import read_slice

            return Original(*read_slice(record.path, frame))
        return _read_raster(record.path, frame)
    except UnreadableFile as error:
        raise OriginalError(name, str(error), "Prepare the dataset again.") from None
    except MemoryError:
        why = "needs more memory than there is"
        raise OriginalError(name, why, "Close other programs.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OriginalError(name, f"cannot be read: {reason}") from None


def _smaller(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Return values averaged over squares: floats for wide ones, 8 bits stay 8 bits."""
    from PIL import Image as Picture

    is_wide = values.dtype != np.uint8
    if is_wide and values.ndim == 3:
        planes = [_smaller(values[..., number], most) for number in range(values.shape[2])]
        return np.stack(planes, axis=2)
    picture = Picture.fromarray(values.astype(np.float32) if is_wide else values)
    picture.thumbnail((most, most), Picture.Resampling.BOX)
    return np.asarray(picture)


def _read_raster(path: str, frame: int) -> Original:
    """Return a page of a PNG, JPEG, BMP or TIFF file."""
    if (wide := read_wide_png(path)) is not None:
        values = wide_over_black(wide)
        low, high = float(values.min()), float(values.max())
        if values.ndim == 3:
            values = to_grey(values, range_window(low, high))
            low, high = 0.0, 255.0
        return Original(values, None, False, low, high)
    with open_raster(path) as file:
        if frame:
            file.seek(frame)
        check_form(file.height, file.width)
        values = pixels_of(file)
    low, high = float(values.min()), float(values.max())
    return Original(values, None, False, low, high)
