"""More samples than can be drawn one by one, as an image: where they are, and their colour."""

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.map.component.sample_map import Bounds, Categories, Numbers
from dashboard.shared.marks import NO_VALUE, RAMP, rgb

LONGER_SIDE = 720
FAINTEST = 70


def density_image(
    positions: NDArray[np.floating[Any]],
    bounds: Bounds,
    colour: Categories | Numbers,
    samples: NDArray[np.intp] | None = None,
) -> bytes:
    """Return a PNG of many samples: opacity for how many, colour for what they are.

    Parameters
    ----------
    positions : float array, shape (all samples, 2)
        Samples outside ``bounds`` or without finite coordinates are left out.
    bounds : (x0, y0, x1, y1)
        What the image covers; at most 720 pixels along the longer side.
    colour : Categories or Numbers
        A pixel shows its most frequent category, or the mean place of its values between
        both ends of the colour bar.
    samples : int array, optional
        Only these; default: all.
    """
    codes = colour.levels if isinstance(colour, Numbers) else colour.codes
    if samples is not None:
        positions, codes = positions[samples], codes[samples]
    shape, pixels, is_inside = _pixels(positions, bounds)
    counts = np.bincount(pixels, minlength=shape[0] * shape[1])
    # Only pixels with a sample are coloured: numbered anew, they are few.
    used = np.flatnonzero(counts)
    place = np.empty(len(counts), dtype=np.int64)
    place[used] = np.arange(len(used))
    paint = _by_number if isinstance(colour, Numbers) else partial(_by_category, colour)
    image = np.zeros((len(counts), 4), dtype=np.uint8)
    image[used, :3] = paint(codes[is_inside], place[pixels], len(used))
    image[used, 3] = _opacity(counts[used])
    return _png(image.reshape(*shape, 4))


def image_shape(bounds: Bounds) -> tuple[int, int]:
    """Return rows and columns of the image, square pixels in map coordinates."""
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    scale = LONGER_SIDE / max(width, height)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _pixels(
    positions: NDArray[np.floating[Any]], bounds: Bounds
) -> tuple[tuple[int, int], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the image's shape, the pixel of every sample inside, and which are inside."""
    rows, columns = image_shape(bounds)
    x0, y0, x1, y1 = bounds
    x, y = positions[:, 0], positions[:, 1]
    is_inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    column = ((x[is_inside] - x0) * (columns / (x1 - x0))).astype(np.int64)
    row = ((y1 - y[is_inside]) * (rows / (y1 - y0))).astype(np.int64)
    pixels = row.clip(0, rows - 1) * columns + column.clip(0, columns - 1)
    return (rows, columns), pixels, is_inside


def _by_number(
    levels: NDArray[np.uint16], pixels: NDArray[np.int64], n_pixels: int
) -> NDArray[np.uint8]:
    """Return the colour of the mean value of every pixel, shape (pixels, 3)."""
    is_known = levels < 65535
    counts = np.bincount(pixels[is_known], minlength=n_pixels)
    sums = np.bincount(pixels[is_known], weights=levels[is_known], minlength=n_pixels)
    share = sums / np.maximum(counts, 1) / 65534
    stops = np.array([rgb(colour) for colour in RAMP], dtype=np.float64)
    places = np.linspace(0, 1, len(stops))
    painted = np.stack([np.interp(share, places, stops[:, k]) for k in range(3)], axis=1)
    return np.where(counts[:, None] > 0, np.rint(painted), rgb(NO_VALUE)).astype(np.uint8)


def _by_category(
    colour: Categories, codes: NDArray[np.integer[Any]], pixels: NDArray[np.int64], n_pixels: int
) -> NDArray[np.uint8]:
    """Return the colour of the most frequent category of every pixel, shape (pixels, 3)."""
    best = np.full(n_pixels, -1, dtype=np.int64)
    most = np.zeros(n_pixels, dtype=np.int64)
    for code in np.flatnonzero(np.bincount(codes[codes >= 0])).tolist():
        counts = np.bincount(pixels[codes == code], minlength=n_pixels)
        is_more = counts > most
        best[is_more], most[is_more] = code, counts[is_more]
    hues = [rgb(colour.mark(code).colour) for code in range(len(colour.names))]
    return np.array([*hues, rgb(NO_VALUE)], dtype=np.uint8)[best]


def _opacity(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return how opaque pixels with so many samples are: logarithmic, never invisible."""
    if not len(counts):
        return np.empty(0, dtype=np.uint8)
    full = np.log1p(max(float(np.quantile(counts, 0.98)), 1.0))
    share = (np.log1p(counts) / full).clip(0, 1)
    return (FAINTEST + share * (255 - FAINTEST)).astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image; fast rather than small, for it travels once and not far."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
