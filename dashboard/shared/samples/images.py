"""Images for the screen: enlarged pixel by pixel, never smoothed; of a volume its middle slice.

They travel inside the page, as data URIs. Media files of Streamlit are dropped as soon as a rerun
shows others, and a browser that has not fetched them by then gets none.
"""

import base64
import io

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import is_volume


def picture_of(images: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    """Return what stands for a sample on the screen: its picture, or its volume's middle slice."""
    sample = np.asarray(images[index])
    return sample[len(sample) // 2] if is_volume(images) else sample


def slice_sheet(volume: NDArray[np.uint8], *, columns: int) -> NDArray[np.uint8]:
    """Return all slices of a volume in one picture, row by row, with a gap of one pixel.

    Parameters
    ----------
    volume : uint8 array, shape (depth, height, width)
    columns : int
        Slices per row.
    """
    depth, height, width = volume.shape
    rows = -(-depth // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1), np.uint8)
    for number, picture in enumerate(volume):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def enlarge(image: NDArray[np.uint8], *, least: int) -> NDArray[np.uint8]:
    """Repeat every pixel so often that the shorter side has at least ``least`` pixels."""
    factor = max(1, -(-least // min(image.shape[:2])))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def shrink(image: NDArray[np.uint8], *, most: int) -> NDArray[np.uint8]:
    """Return an image whose longer side has at most ``most`` pixels, averaged where it had more."""
    from PIL import Image

    if max(image.shape[:2]) <= most:
        return image
    smaller = Image.fromarray(np.asarray(image))
    smaller.thumbnail((most, most), Image.Resampling.BOX)
    return np.asarray(smaller)


def png_of(image: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    # The lowest level is several times faster, and no larger on noisy images.
    Image.fromarray(np.asarray(image)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def data_uri(image: NDArray[np.uint8]) -> str:
    """Return an image as a PNG for ``st.image``, a table cell or a component."""
    return "data:image/png;base64," + base64.b64encode(png_of(image)).decode()
