"""The choice of a grey window: from the file, a preset, or centre and width of one's own."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from coreset_lib.datasets.files.grey_window import FROM_FILE, FULL_RANGE, GREY_WINDOW_PRESETS

TITLES = {FROM_FILE: "as stored in the file", FULL_RANGE: "darkest to brightest"}
HELP = (
    "Which values become black to white, for DICOM and 16-bit images. Presets are in Hounsfield "
    "units, for CT. For a window of your own type centre and width, as 40,400."
)


def choose_grey_window(place: DeltaGenerator | None = None, start: str = FROM_FILE) -> str:
    """Draw the choice and return what was chosen, as `parse_grey_window` reads it."""
    known = [FROM_FILE, FULL_RANGE, *GREY_WINDOW_PRESETS]
    names = known if start in known else [*known, start]
    chosen = (place or st).selectbox(
        "Grey window",
        names,
        index=names.index(start),
        format_func=window_title,
        accept_new_options=True,
        help=HELP,
    )
    return chosen or FROM_FILE


def window_title(name: str) -> str:
    """Name a grey window for people."""
    if name in GREY_WINDOW_PRESETS:
        centre, width = GREY_WINDOW_PRESETS[name]
        return f"{name} (centre {centre:g}, width {width:g})"
    return TITLES.get(name, name)
