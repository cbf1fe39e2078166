"""NIfTI volumes: slices in the orientation that radiologists read, and facts about the original."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.contract import (
    MOST_FRAMES,
    DecodeOptions,
    Facts,
    Image,
    UnreadableFile,
    check_form,
)
from coreset_lib.datasets.files.grey_window import (
    FROM_FILE,
    GreyWindow,
    parse_grey_window,
    range_window,
    to_grey,
)
from coreset_lib.system.memory import room_for

LARGEST_VOXELS = 500_000_000
LABEL_INTENT = 1002
# Spacings that differ by less are the same: such a volume has no plane of acquisition.
SAME_SPACING = 1.1


@dataclass(frozen=True)
class Volume:
    """Voxels as they are stored, turned to left-right, back-front and foot-head.

    Attributes
    ----------
    stored : array, shape (width, depth, height)
    slope, inter : float
        A value is ``stored * slope + inter``.
    axis : int
        The slices lie across it.
    window : GreyWindow or None
        The one stored in the file.
    """

    stored: NDArray[Any]
    slope: float
    inter: float
    axis: int
    window: GreyWindow | None

    def __len__(self) -> int:
        return self.stored.shape[self.axis]

    def range(self) -> tuple[float, float]:
        """Return the smallest and the largest value; raises where some are no numbers."""
        ends = sorted(
            float(end) * self.slope + self.inter for end in (self.stored.min(), self.stored.max())
        )
        if not np.isfinite(ends).all():
            raise UnreadableFile("has voxels that are no numbers (NaN or infinite)")
        return ends[0], ends[1]

    def slice(self, number: int) -> NDArray[Any]:
        """Return the values of a slice, head or front above, the patient's right on the left."""
        plane = np.take(self.stored, number, axis=self.axis)[::-1, ::-1].T
        if (self.slope, self.inter) == (1.0, 0.0):
            return np.ascontiguousarray(plane)
        return plane.astype(np.float32) * np.float32(self.slope) + np.float32(self.inter)


def nifti_frames(path: str, options: DecodeOptions) -> Iterator[tuple[Image, Facts]]:
    """Yield the slices of a volume from foot to head, all through one window of grey values.

    The window is the chosen one, else that of the file, else the range of the whole volume.

    Raises
    ------
    UnreadableFile
        If the file holds no image of three dimensions, or more than may be read. Other errors
        of the decoder pass through.
    """
    volume = read_volume(path)
    low, high = volume.range()
    stored = volume.window if options.grey_window == FROM_FILE else None
    window = parse_grey_window(options.grey_window) or stored or range_window(low, high)
    bits = 8 * volume.stored.dtype.itemsize
    for number in range(len(volume)):
        values = volume.slice(number)
        check_form(*values.shape)
        least, most = float(values.min()), float(values.max())
        height, width = values.shape
        facts = Facts(height=height, width=width, bits=bits, low=least, high=most)
        yield to_grey(values, window), facts


def read_slice(
    path: str, number: int
) -> tuple[NDArray[Any], GreyWindow | None, bool, float, float]:
    """Return the values of a slice, the window, that it is not inverted, and its extreme values."""
    volume = read_volume(path)
    low, high = volume.range()
    values = volume.slice(number)
    window = volume.window or range_window(low, high)
    if values.dtype == np.uint8:
        values = values.astype(np.uint16)  # shown through the window of the volume too
    return values, window, False, float(values.min()), float(values.max())


def read_volume(path: str) -> Volume:
    """Return a volume; its header is judged before memory is taken for the voxels."""
    import nibabel

    # Not mapped: a file that is cut short while it is read would end the process.
    file: Any = nibabel.load(path, mmap=False)
    form = _checked_form(file)
    proxy = file.dataobj
    n_bytes = int(np.prod(form, dtype=np.int64)) * file.get_data_dtype().itemsize
    if path.lower().endswith(".nii") and os.path.getsize(path) < proxy.offset + n_bytes:
        raise UnreadableFile("is cut short")
    with room_for(3 * n_bytes):
        stored = proxy.get_unscaled().reshape(form)
        turns = nibabel.io_orientation(file.affine)
        spacing = np.asarray(file.header.get_zooms()[:3], dtype=np.float64)
        spacing = np.pad(spacing, (0, 3 - len(spacing)), constant_values=1.0)
        spacing = np.where(np.array(form) == 1, np.inf, spacing)
        if np.isfinite(turns).all():
            stored = nibabel.apply_orientation(stored, turns)
            spacing = spacing[np.argsort(turns[:, 0])]
    return Volume(
        stored, float(proxy.slope), float(proxy.inter), _slice_axis(spacing), _window(file)
    )


def _checked_form(file: Any) -> tuple[int, int, int]:
    """Return the three sides that a header declares, or say why it is no image."""
    kind = file.get_data_dtype()
    if kind.fields or kind.kind not in "iuf":
        raise UnreadableFile("holds colours or complex numbers, which are not read")
    if int(file.header["intent_code"]) == LABEL_INTENT:
        raise UnreadableFile("is a label volume (a mask), not an image")
    sides = [int(side) for side in file.shape]
    if min(sides, default=0) < 1:
        raise UnreadableFile("holds no image")
    if np.prod(sides[3:], dtype=np.int64) > 1:
        raise UnreadableFile(
            f"holds {int(np.prod(sides[3:], dtype=np.int64))} volumes, where one is read; "
            "write each to a file of its own"
        )
    first, second, third = (*sides[:3], 1, 1)[:3]
    n_voxels = first * second * third
    if n_voxels > LARGEST_VOXELS:
        raise UnreadableFile(f"has more than {LARGEST_VOXELS // 1_000_000} million voxels")
    if max(first, second, third) > MOST_FRAMES:
        raise UnreadableFile(f"has more than {MOST_FRAMES} slices")
    check_form(*sorted((first, second, third))[1:])
    return first, second, third


def _slice_axis(spacing: NDArray[np.float64]) -> int:
    """Return the axis with the widest spacing, which slices were taken across; else foot-head."""
    widest = int(np.argmax(spacing))
    others = np.delete(spacing, widest)
    return widest if spacing[widest] > SAME_SPACING * others.max() else 2


def _window(file: Any) -> GreyWindow | None:
    """Return the window that a file stores, if it does."""
    low, high = float(file.header["cal_min"]), float(file.header["cal_max"])
    return range_window(low, high) if np.isfinite([low, high]).all() and low < high else None
