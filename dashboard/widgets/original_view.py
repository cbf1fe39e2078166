"""A close look at the original of a sample: window and level, and zoom to the pixel."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.grey_window import WINDOW_PRESETS, GreyWindow, range_window
from coreset_lib.datasets.original import Original, find_original, read_original
from coreset_lib.errors import CoresetError
from dashboard.images import enlarge
from dashboard.widgets.messages import draw_error

ZOOMS = (1, 2, 4, 8, 16)
VIEW = 720
AS_STORED = "as stored"


def draw_original_button(images: LabeledImages, index: int) -> None:
    """Draw the way to the original, for datasets made of single files."""
    if images.origin is None:
        return
    if st.button("Original…", icon=":material/zoom_in:", key=f"original:{index}", type="tertiary"):
        _draw_dialog(images, index)


@st.dialog("Original image", width="large")
def _draw_dialog(images: LabeledImages, index: int) -> None:
    """Draw the original with its controls."""
    try:
        original = _read(images, index)
    except CoresetError as error:
        draw_error(error)
        return
    window = _draw_window(original)
    height, width = original.values.shape[:2]
    zoom = st.segmented_control(
        "Zoom", ZOOMS, default=1, format_func="{}×".format, key=f"original-zoom:{index}"
    )
    x, y = 0.5, 0.5
    if (zoom or 1) > 1:
        across, down = st.columns(2)
        x = across.slider("Left to right (%)", 0, 100, 50, key=f"original-x:{index}") / 100
        y = down.slider("Top to bottom (%)", 0, 100, 50, key=f"original-y:{index}") / 100
    picture = cut(original.shown(window), zoom or 1, x, y)
    st.image(picture, width="stretch", alt=f"Original of training sample {index}")
    st.caption(
        f"{width} × {height} pixels, values {original.low:g} to {original.high:g}. "
        "Pixels are enlarged, never smoothed."
    )


def _read(images: LabeledImages, index: int) -> Original:
    """Read the original of a sample."""
    place = find_original(images, index)
    if place is None:
        raise CoresetError("the original of this sample is not known.")
    return read_original(*place)


def _draw_window(original: Original) -> GreyWindow | None:
    """Draw level and window for wide values, contrast for 8 bits; None leaves it as it is."""
    if original.values.ndim == 3 or original.low >= original.high:
        return None
    if not original.has_wide_values:
        low, high = st.slider("Contrast: black and white at", 0, 255, (0, 255))
        return None if (low, high) == (0, 255) else range_window(low, max(high, low + 1))
    names = [AS_STORED, *WINDOW_PRESETS]
    preset = st.selectbox("Preset", names, help="Presets are in Hounsfield units, for CT.")
    start = initial_window(original, preset)
    span = original.high - original.low
    level, width = st.columns(2)
    # Sliders of their own for each preset: a chosen preset moves both.
    centre = level.slider(
        "Level (centre)",
        *(min(original.low, start.centre), max(original.high, start.centre), start.centre),
        key=f"level:{preset}",
    )
    chosen = width.slider(
        "Window (width)",
        *(min(1.0, start.width), max(2 * span, start.width), start.width),
        key=f"width:{preset}",
    )
    return GreyWindow(centre, chosen, start.function)


def initial_window(original: Original, preset: str) -> GreyWindow:
    """Return the window of a preset; else the stored one, else the whole range."""
    if preset in WINDOW_PRESETS:
        centre, width = WINDOW_PRESETS[preset]
        return GreyWindow(float(centre), float(width))
    return original.window or range_window(original.low, original.high)


def cut(picture: NDArray[np.uint8], zoom: int, x: float, y: float) -> NDArray[np.uint8]:
    """Return the part of a picture that a zoom shows, each pixel enlarged to a square.

    Parameters
    ----------
    picture : uint8 array, shape (height, width) or (height, width, 3)
    zoom : int
        The part has a ``zoom``-th of the height and width.
    x, y : float
        Where it lies: 0 left or top, 1 right or bottom.
    """
    height, width = picture.shape[:2]
    rows, columns = max(height // zoom, 1), max(width // zoom, 1)
    top, left = round((height - rows) * y), round((width - columns) * x)
    part = picture[top : top + rows, left : left + columns]
    return enlarge(part, least=min(VIEW, min(part.shape[:2]) * max(1, VIEW // max(part.shape[:2]))))
