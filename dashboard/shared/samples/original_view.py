"""A close look at the original of a sample: window and level, and zoom to the pixel."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.files.grey_window import GREY_WINDOW_PRESETS, GreyWindow, range_window
from coreset_lib.datasets.files.original import (
    Original,
    find_original,
    prepared_original,
    read_original,
)
from coreset_lib.errors import CoresetError
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.images import data_uri, enlarge, shrink
from dashboard.shared.samples.volume_view import chosen_slice

ZOOMS = (1, 2, 4, 8, 16)
VIEW = 720
MOST_SENT = 2 * VIEW
AS_STORED = "as stored"


def draw_original_button(images: LabeledImages, index: int) -> None:
    """Draw the way to a close look: at the original, or at the image where that is all there is."""
    if st.button(
        "Look closer…", icon=":material/zoom_in:", key=f"original:{index}", type="tertiary"
    ):
        _draw_dialog(images, index)


@st.dialog("Close look", width="large")
def _draw_dialog(images: LabeledImages, index: int) -> None:
    """Draw the original with its controls."""
    try:
        original = _read(images, index)
    except CoresetError as error:
        draw_error(error)
        return
    view, controls = st.columns([3, 2], gap="large")
    with controls:
        window = _draw_window(original, index)
        zoom, x, y = _draw_zoom(index)
        height, width = original.values.shape[:2]
        st.caption(
            f"{width} × {height} pixels, values {original.low:g} to {original.high:g}. "
            "Pixels are enlarged, never smoothed."
        )
    picture = shrink(cut(original.shown(window), zoom, x, y), most=MOST_SENT)
    view.image(data_uri(picture), width="content", alt=f"Training sample {index}, enlarged")


def _draw_zoom(index: int) -> tuple[int, float, float]:
    """Draw how much is enlarged, and which part: 0 left or top, 1 right or bottom."""
    zoom = st.segmented_control(
        "Zoom", ZOOMS, default=1, format_func="{}×".format, key=f"original-zoom:{index}"
    )
    if (zoom or 1) == 1:
        return 1, 0.5, 0.5
    x = st.slider("Left to right (%)", 0, 100, 50, key=f"original-x:{index}")
    y = st.slider("Top to bottom (%)", 0, 100, 50, key=f"original-y:{index}")
    return zoom or 1, x / 100, y / 100


def _read(images: LabeledImages, index: int) -> Original:
    """Return the original of a sample; of a volume the slice that is shown on the page."""
    number = chosen_slice(images, index)
    place = find_original(images, index)
    if place is None:
        return prepared_original(images, index, number)
    record, frame = place
    return _read_file(record, (record.path, record.size, record.mtime), frame, number)


@st.cache_resource(max_entries=4, show_spinner="Reading the original…")
def _read_file(
    _record: FileRecord, key: tuple[str, int, int], frame: int, slice_number: int
) -> Original:
    """Read an original once, however often its window is moved."""
    del key  # what the cache tells files apart by; a record of arrays has a row per sample
    return read_original(_record, frame, slice_number)


def _draw_window(original: Original, index: int) -> GreyWindow | None:
    """Draw level and window for wide values, contrast for 8 bits; None leaves it as it is."""
    if original.low >= original.high:
        return None
    if not original.has_wide_values:
        title, key = "Contrast: black and white at", f"contrast:{index}"
        low, high = st.slider(title, 0, 255, (0, 255), key=key)
        return None if (low, high) == (0, 255) else range_window(low, max(high, low + 1))
    names = [AS_STORED, *GREY_WINDOW_PRESETS]
    preset = st.selectbox("Preset", names, help="Presets are in Hounsfield units, for CT.")
    start = initial_window(original, preset)
    span = original.high - original.low
    digits = "%.0f" if span >= 50 else "%.2f"
    # Sliders of their own for each preset: a chosen preset moves both.
    centre = st.slider(
        "Level (centre)",
        *(min(original.low, start.centre), max(original.high, start.centre), start.centre),
        key=f"level:{index}:{preset}",
        format=digits,
    )
    chosen = st.slider(
        "Window (width)",
        *(min(1.0, start.width), max(2 * span, start.width), start.width),
        key=f"width:{index}:{preset}",
        format=digits,
    )
    return GreyWindow(centre, chosen, start.function)


def initial_window(original: Original, preset: str) -> GreyWindow:
    """Return the window of a preset; else the stored one, else the whole range."""
    if preset in GREY_WINDOW_PRESETS:
        centre, width = GREY_WINDOW_PRESETS[preset]
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
