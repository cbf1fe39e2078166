"""Error score against epoch, with two windows of epochs dragged on the plot itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.components.v2 import component

from coreset_lib.errors import CoresetError
from coreset_lib.windows import Window, check_windows

QUANTILES = ("q05", "q25", "q50", "q75", "q95")
MAX_ERROR = sqrt(2)

Values = Sequence[float] | npt.NDArray[np.floating[Any]]
Windows = tuple[Window, Window]


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Quantiles of the population at every epoch, each of shape (epochs,); NaN is a gap."""

    q05: Values
    q25: Values
    q50: Values
    q75: Values
    q95: Values


@dataclass(frozen=True, kw_only=True)
class Line:
    """The trajectory of one highlighted sample, shape (epochs,); NaN is a gap.

    ``index`` is what a click reports. ``colour`` is ``#rrggbb``, or None for a neutral
    tone; a pinned line is drawn thicker, with its label at the right edge.
    """

    index: int
    label: str
    values: Values
    colour: str | None = None
    is_pinned: bool = False

    def __post_init__(self) -> None:
        if self.colour is not None and re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour) is None:
            raise CoresetError(
                f"line colour must look like #rrggbb, got {self.colour!r}. For example #009E73."
            )


@dataclass(frozen=True)
class BrushResult:
    """The windows as they stand now, and the index of a line clicked in this very run."""

    early: Window
    late: Window
    picked: int | None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """A component that draws more around the plot, with what it needs beyond the brush's data.

    ``callbacks`` are named as Streamlit names them, ``on_<report>_change``.
    """

    component: Callable[..., Any]
    data: Mapping[str, Any]
    callbacks: Mapping[str, Callable[[], None]]


def window_brush(
    *,
    n_epochs: int,
    bands: Bands,
    lines: Sequence[Line],
    early: Window,
    late: Window,
    key: str,
    alt: str,
    lock_length: bool = True,
    height: int = 380,
    title: str = "",
    y_label: str = "error score",
    y_max: float | None = None,
    on_windows: Callable[[Window, Window], None] | None = None,
    on_pick: Callable[[int], None] | None = None,
    around: Surroundings | None = None,
) -> BrushResult:
    """Draw trajectories over the population's bands, with two draggable windows.

    Parameters
    ----------
    n_epochs : int
        Recorded epochs, at least 2; may grow from one call to the next.
    bands : Bands
        Quantiles of the population, shape (epochs,) each.
    lines : sequence of Line
        Highlighted samples; about 30 stay readable.
    early, late : Window
        Disjoint windows to show. Pass the current ones in every run: the component adopts
        them, except while a newer drag has not reached Python yet.
    key : str
        Identity of the component, unique in the app.
    alt : str
        What the plot shows, in words, for people who do not see it.
    lock_length : bool
        Resizing one window resizes the other likewise.
    height : int
        Height of the plot in pixels.
    title, y_label : str
        Heading (none if empty) and name of the vertical axis.
    y_max : float, optional
        Top of the vertical axis; default sqrt(2), the largest possible error score.
    on_windows, on_pick : callable, optional
        Called before the script reruns, with the new windows or the clicked line's index.
        A page that keeps the windows elsewhere updates them here, so that everything drawn
        in the same run agrees.
    around : Surroundings, optional
        Draws the plot as part of something larger; by default it stands alone.

    Returns
    -------
    BrushResult
        Without ``on_windows`` a move shows up here once: pass these windows next time.

    Raises
    ------
    CoresetError
        If the windows are not valid for the run or a series does not have ``n_epochs`` values.
    """
    check_windows(early, late, n_epochs=n_epochs)
    _check_lengths(bands, lines, n_epochs)
    # With a callback the report was taken before this run; without one it is taken here.
    early, late = take_windows(key, n_epochs) or (early, late)
    indices = {line.index for line in lines}

    def moved() -> None:
        windows = take_windows(key, n_epochs) if on_windows else None
        if on_windows and windows:
            on_windows(*windows)

    def picked() -> None:
        index = _valid_index(_state(key).get("picked"), indices)
        if on_pick and index is not None:
            on_pick(index)

    draw: Callable[..., Any] = _BRUSH if around is None else around.component
    result = draw(
        key=key,
        data={
            **(around.data if around else {}),
            **_series(bands, lines),
            "instance": key,
            "n_epochs": n_epochs,
            "windows": {"early": _pair(early), "late": _pair(late)},
            "revision": st.session_state.get(_seen(key), 0),
            "lock_length": lock_length,
            "height": height,
            "alt": alt,
            "title": title,
            "y_label": y_label,
            "y_max": MAX_ERROR if y_max is None else y_max,
        },
        on_windows_change=moved,
        on_picked_change=picked,
        **(around.callbacks if around else {}),
    )
    return BrushResult(early, late, _valid_index(result.get("picked"), indices))


def take_windows(key: str, n_epochs: int) -> Windows | None:
    """Return the windows the browser reported since the last call, None if none or malformed.

    Every report carries a revision that only grows. The last one taken is sent back with
    the data, so that the browser can tell a page drawn before its report from one after.
    """
    report = _state(key).get("windows")
    if not isinstance(report, Mapping):
        return None
    revision = report.get("revision")
    if type(revision) is not int or not 0 < revision < 2**53:
        return None
    if revision == st.session_state.get(_seen(key)):
        return None
    st.session_state[_seen(key)] = revision
    return parse_windows(report, n_epochs)


def parse_windows(report: Mapping[str, Any], n_epochs: int) -> Windows | None:
    """Read ``{"early": [a, b], "late": [c, d]}``; anything malformed or invalid gives None."""
    try:
        early, late = (_window(report.get(name)) for name in ("early", "late"))
        check_windows(early, late, n_epochs=n_epochs)
    except CoresetError:
        return None
    return early, late


def _window(pair: Any) -> Window:
    """Read ``[first, last]``; raises CoresetError for anything else."""
    if not isinstance(pair, list) or [type(epoch) for epoch in pair] != [int, int]:
        raise CoresetError(f"window must be a pair of whole epochs, got {pair!r}.")
    return Window(*pair)


def _state(key: str) -> Mapping[str, Any]:
    """Return what the browser reported so far for this component."""
    state = st.session_state.get(key)
    return state if isinstance(state, Mapping) else {}


def _seen(key: str) -> str:
    """Name of the session entry with the last revision taken."""
    return f"{key}.revision"


def _valid_index(value: Any, indices: set[int]) -> int | None:
    """Return the clicked index if it is one of the drawn lines."""
    return value if type(value) is int and value in indices else None


def _check_lengths(bands: Bands, lines: Sequence[Line], n_epochs: int) -> None:
    """Raise CoresetError unless every series has one value per epoch."""
    series = {name: getattr(bands, name) for name in QUANTILES}
    series |= {f"line {line.label}": line.values for line in lines}
    for name, values in series.items():
        if len(values) != n_epochs:
            raise CoresetError(
                f"{name} must have one value for each of the {n_epochs} epochs, "
                f"got {len(values)}. Cut all series to the same epochs."
            )


def _series(bands: Bands, lines: Sequence[Line]) -> dict[str, Any]:
    """Return bands and lines as the browser reads them."""
    return {
        "bands": {name: _rounded(getattr(bands, name)) for name in QUANTILES},
        "lines": [
            {
                "index": int(line.index),
                "label": line.label,
                "values": _rounded(line.values),
                "colour": line.colour,
                "is_pinned": line.is_pinned,
            }
            for line in lines
        ],
    }


def _rounded(values: Values) -> list[float | None]:
    """Round to four decimals, a tenth of a pixel; None where there is no value."""
    rounded = np.round(np.asarray(values, dtype=float), 4).tolist()
    return [value if isfinite(value) else None for value in rounded]


def _pair(window: Window) -> list[int]:
    """Return first and last epoch."""
    return [window.first, window.last]


def brush_source(name: str) -> str:
    """Read one of the files of the brush."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


# One inline module cannot import another: the files are joined, each building on those before.
BRUSH_SCRIPTS = (
    "window_rules.js",
    "window_plot.js",
    "window_tip.js",
    "window_panes.js",
    "window_brush.js",
)

# Registered once, at import; a fresh runtime registers it again by itself.
_BRUSH = component(
    "coreset_lens_window_brush",
    html='<div class="brush"></div>',
    css=brush_source("window_brush.css"),
    js="\n".join(map(brush_source, (*BRUSH_SCRIPTS, "window_mount.js"))),
)
