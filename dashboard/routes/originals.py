"""Originals at the size of a screen, through a window of grey values: read once, kept for a while.

What is answered names no file: a blind reader asks here too.
"""

import json
import math
import os
from collections import OrderedDict
from threading import BoundedSemaphore, Lock
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.files.grey_window import GreyWindow
from coreset_lib.datasets.files.original import (
    Original,
    OriginalError,
    find_original,
    read_original,
)
from coreset_lib.errors import CoresetError
from dashboard import reads
from dashboard.routes.served_run import NotThereError, ServedRun
from dashboard.shared.samples.images import picture_of, png_of
from dashboard.shared.samples.sample_images import thumbnail

MOST_SIDE, SMALL_SIDE = 1000, 192
SHELF_BYTES, SMALL_BYTES = 96_000_000, 32_000_000
MOST_AT_ONCE = 2
FACTS = "Lens-Original"
# The file may vanish or change, and what it shows stays off the browser's disk.
NOT_KEPT = {"Cache-Control": "no-store"}

Key = tuple[str, int, int, int]


class Shelf:
    """Originals made to fit a size, the latest ones, up to so many bytes."""

    def __init__(self, most_bytes: int, *, side: int = MOST_SIDE) -> None:
        self.most_bytes = most_bytes
        self.side = side
        self._kept: OrderedDict[Key, tuple[Original, tuple[int, int]]] = OrderedDict()
        self._lock = Lock()
        self._readers = BoundedSemaphore(MOST_AT_ONCE)

    def take(self, record: FileRecord, frame: int) -> tuple[Original, tuple[int, int]]:
        """Return an original made to fit, and its height and width before.

        Raises
        ------
        OriginalError
            If the file is gone, has changed, or cannot be read.
        """
        key = (record.path, record.size, record.mtime, frame)
        with self._lock:
            found = self._kept.get(key)
            if found is not None and _is_unchanged(record):
                self._kept.move_to_end(key)
                return found
        with self._readers:
            original = read_original(record, frame)
            if not math.isfinite(original.low + original.high):
                raise OriginalError(os.path.basename(record.path), "holds values that are none")
            height, width = original.values.shape[:2]
            read = original.fit(self.side), (height, width)
        self._keep(key, read)
        return read

    @property
    def n_bytes(self) -> int:
        """Bytes of what is kept."""
        return sum(original.values.nbytes for original, _ in self._kept.values())

    def _keep(self, key: Key, read: tuple[Original, tuple[int, int]]) -> None:
        """Keep an original, and let go of those that were not asked for longest."""
        with self._lock:
            self._kept[key] = read
            while self.n_bytes > self.most_bytes:
                self._kept.popitem(last=False)


SHELF = Shelf(SHELF_BYTES)
SMALL = Shelf(SMALL_BYTES, side=SMALL_SIDE)


def _is_unchanged(record: FileRecord) -> bool:
    """Whether a file is still the one that was prepared."""
    try:
        stat = os.stat(record.path)
    except OSError:
        return False
    return record.is_of(record.path, stat.st_size, stat.st_mtime_ns)


def has_original(images: LabeledImages, sample: int) -> bool:
    """Whether a sample has an original that a browser may ask for; volumes have views of their own.

    Nothing is read from the disk.
    """
    return not images.depth and find_original(images, sample) is not None


def answer_original(run: ServedRun, sample: int, request: Request) -> Response:
    """Answer with the original of a training sample as PNG, and with what can be done to it.

    Raises
    ------
    NotThereError
        If the sample has no original, or it is gone or has changed.
    CoresetError
        If the window that is asked for is none.
    """
    images = reads.load_images(run.version)
    place = None
    if isinstance(images, LabeledImages) and has_original(images, sample):
        place = find_original(images, sample)
    if place is None:
        raise NotThereError("this image has no original beside it.")
    try:
        original, size = SHELF.take(*place)
    except OriginalError as error:
        raise NotThereError(
            f"The original {error.reason}: this is the image as the network sees it."
        ) from None
    window = _asked_window(request, original.first_window)
    headers = {FACTS: json.dumps(_facts(original, size)), **NOT_KEPT}
    return Response(png_of(original.shown(window)), media_type="image/png", headers=headers)


def answer_small(run: ServedRun, sample: int) -> Response:
    """Answer with a small picture of a sample's original; of what the network sees without one.

    Raises
    ------
    NotThereError
        If the run's images cannot be shown.
    """
    images = reads.load_images(run.version)
    if not isinstance(images, LabeledImages):
        raise NotThereError(images)
    place = find_original(images, sample) if has_original(images, sample) else None
    try:
        shown = None if place is None else SMALL.take(*place)[0].shown()
    except OriginalError:
        shown = None
    if shown is None:
        shown = picture_of(images.train.images, sample)
    return Response(thumbnail(shown, side=SMALL_SIDE), media_type="image/png", headers=NOT_KEPT)


def _facts(original: Original, size: tuple[int, int]) -> dict[str, Any]:
    """Return what a page needs for the controls; no name, no place."""
    first = original.first_window
    is_8_bit = not original.has_wide_values and original.window is None
    low, high = (0.0, 255.0) if is_8_bit else (original.low, original.high)
    return {
        "height": size[0],
        "width": size[1],
        "low": low,
        "high": high,
        "centre": first.centre,
        "span": first.width,
        "is_wide": not is_8_bit,
    }


def _asked_window(request: Request, first: GreyWindow) -> GreyWindow:
    """Return the window that an address asks for, else the first one."""
    asked = request.query_params
    if "centre" not in asked and "width" not in asked:
        return first
    try:
        centre, width = float(asked["centre"]), float(asked["width"])
    except (KeyError, ValueError):
        centre, width = math.nan, math.nan
    if not (math.isfinite(centre) and 0 < width < math.inf):
        raise CoresetError("centre and width of a window must be numbers, the width above 0.")
    return GreyWindow(centre, width, first.function)
