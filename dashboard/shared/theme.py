"""Colours, signs and figure settings that every page shares."""

EARLY = "#0072B2"
LATE = "#D55E00"
RIGHT = "#009E73"
WRONG = "#D55E00"
NEUTRAL = "#8a94a3"
CLASS_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#8C6BB1",
    "#7F7F7F",
)
PLOTLY_CONFIG = {"displaylogo": False, "displayModeBar": False}
MARGINS = {"l": 8, "r": 8, "t": 28, "b": 8}
VERDICT_ICONS = {
    "better": ":green[▲]",
    "worse": ":orange[▼]",
    "equivalent": "◆",
    "undecided": "○",
}
