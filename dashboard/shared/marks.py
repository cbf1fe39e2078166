"""Colour and shape of every category on a map: two cues, because classes outnumber safe hues."""

from typing import NamedTuple

from dashboard.shared.theme import CLASS_COLOURS

SHAPES = ("circle", "square", "triangle", "diamond", "plus", "wedge", "cross")
# Viridis, from low to high, at equal steps.
RAMP = (
    "#440154",
    "#482878",
    "#3e4989",
    "#31688e",
    "#26828e",
    "#1f9e89",
    "#35b779",
    "#6ece58",
    "#b5de2b",
    "#fde725",
)
NO_VALUE = "#9aa3af"


class Mark(NamedTuple):
    """How one category is drawn."""

    colour: str
    shape: str


def mark_of(category: int) -> Mark:
    """Return the mark of category 0, 1, ...; the first 56 differ in colour or shape."""
    return Mark(CLASS_COLOURS[category % len(CLASS_COLOURS)], SHAPES[category % len(SHAPES)])


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``, each from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
