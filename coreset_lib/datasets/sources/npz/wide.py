"""Arrays of 16-bit grey values: made 8-bit by a window, and looked up again for a close view."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.files.grey_window import parse_grey_window, range_window, to_grey
from coreset_lib.datasets.labeled_images import Images, Origin
from coreset_lib.datasets.sources.npz.archive import NpzArchive
from coreset_lib.datasets.sources.npz.labels import PARTS
from coreset_lib.errors import DatasetError

ARRAYS = "arrays"
Wide = NDArray[Any]


def is_wide(dtype: np.dtype[Any]) -> bool:
    """Whether values are whole numbers of 16 bits, as scanners give them."""
    return dtype.kind in "ui" and dtype.itemsize == 2


def to_8_bits(values: Wide, grey_window: str) -> Images:
    """Return images of 16 bits as 8-bit ones, as 16-bit image files are read.

    Parameters
    ----------
    values : uint16 or int16 array, shape (samples, height, width)
        Or (samples, depth, height, width).
    grey_window : str
        See `parse_grey_window`. Without a chosen one, each sample goes from its darkest to
        its brightest value.
    """
    chosen = parse_grey_window(grey_window)
    images = np.empty(values.shape, np.uint8)
    for row, sample in enumerate(values):
        images[row] = to_grey(sample, chosen or range_window(*_limits(sample)))
    return images


def array_origin(path: Path, splits: Sequence[Wide]) -> Origin:
    """Return where the values of 16 bits of train, val and test can be looked up again."""
    stat = os.stat(path)
    limits = [_limits(values) for values in splits]
    height, width = splits[0].shape[-2:]
    record = FileRecord(
        os.path.abspath(path),
        stat.st_size,
        stat.st_mtime_ns,
        "",
        rows=tuple((1, row) for row in range(sum(map(len, splits)))),
        height=height,
        width=width,
        bits=16,
        low=min(low for low, _ in limits),
        high=max(high for _, high in limits),
    )
    return Origin(kind=ARRAYS, files=(record,))


def read_wide(path: str, number: int, slice_number: int | None = None) -> Wide:
    """Return the values of one sample, counted through train, val and test.

    Parameters
    ----------
    path : str
    number : int
    slice_number : int, optional
        Of a volume; its middle slice by default.

    Raises
    ------
    DatasetError
        If the archive cannot be read any more.
    """
    with NpzArchive(Path(path)) as archive:
        for part in PARTS:
            if f"{part}_images" not in archive:
                continue
            count = archive.header(f"{part}_images").shape[0]
            if number < count:
                sample = archive.read(f"{part}_images")[number]
                sample = sample[..., 0] if sample.shape[-1] == 1 else sample
                middle = len(sample) // 2 if slice_number is None else slice_number
                return np.array(sample if sample.ndim == 2 else sample[middle])
            number -= count
    raise DatasetError(f"sample {number} is not in {path}. Load the dataset again.")


def _limits(values: Wide) -> tuple[float, float]:
    """Return the smallest and the largest value."""
    return float(values.min()), float(values.max())
