"""A map of samples: pan, zoom, hover, lasso and box, drawn on canvas without a library.

Plotly's ``scattergl`` would draw as many points, but ``st.plotly_chart`` can neither show the
image under the pointer nor keep a selection when the colours change, and it uploads every
selected point. Here the selection lives in Python: the map only reports the shape that was
drawn, or the sample that was clicked, and draws the selection it is given.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.components.v2 import component

from coreset_lib.errors import CoresetError
from dashboard.shared.marks import NO_VALUE, RAMP, Mark, mark_of

MODES = ("replace", "add", "remove")
MOST_CORNERS = 5000
NO_LEVEL = 65535

Mode = Literal["replace", "add", "remove"]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Categories:
    """Colour by category: ``codes`` of shape (samples,) count from 0, -1 for none."""

    title: str
    names: Sequence[str]
    codes: NDArray[Any]
    marks: Sequence[Mark] = ()

    @cached_property
    def counts(self) -> list[int]:
        """Return the number of samples in each category."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).tolist()

    def mark(self, code: int) -> Mark:
        """Return colour and shape of a category."""
        return self.marks[code] if self.marks else mark_of(code)


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """Colour by number: ``values`` of shape (samples,), NaN for none; ``hint`` explains them."""

    title: str
    values: NDArray[Any]
    hint: str = ""
    is_whole: bool = False

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Return the values at both ends of the colour bar: 1 % lie beyond either of them."""
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return 0.0, 1.0
        low, high = (float(q) for q in np.quantile(known, (0.01, 0.99)))
        if low == high:
            low, high = float(known.min()), float(known.max())
        return (low, high) if low < high else (low, low + 1.0)

    @cached_property
    def levels(self) -> NDArray[np.uint16]:
        """Return each value's place between both ends, 0 to 65534; 65535 for none."""
        low, high = self.limits
        is_known = np.isfinite(self.values)
        share = np.where(is_known, (self.values - low) / (high - low), 0.0).clip(0, 1)
        return np.where(is_known, np.rint(share * (NO_LEVEL - 1)), NO_LEVEL).astype(np.uint16)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An area drawn on the map, in map coordinates: a lasso's corners or a box's two."""

    kind: Literal["lasso", "box"]
    corners: tuple[tuple[float, float], ...]
    mode: Mode


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A sample that was clicked."""

    index: int
    mode: Mode


@dataclass(frozen=True, kw_only=True)
class Density:
    """Images (PNG) that stand for more points than can be drawn, over ``bounds`` of the map."""

    bounds: Bounds
    all_samples: bytes
    selected: bytes | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class MapView:
    """Everything that one map shows.

    Attributes
    ----------
    positions : float array, shape (samples, 2)
        Map coordinates; samples without finite ones are not drawn.
    colour : Categories or Numbers
    labels : int array, shape (samples,)
        Class of each sample, for the note beside the pointer.
    class_names : sequence of str
    shown : int array
        Samples drawn as points; all others only by ``density``.
    selected : int array
        Samples of the shared selection.
    medoids : mapping of sample to text
        Drawn larger, with a ring.
    rings : mapping of sample to text
        Drawn with a ring that tells what is said beside the pointer.
    density : Density, optional
    bounds : (x0, y0, x1, y1), optional
        Where the map ends; by default around all placed samples.
    """

    positions: NDArray[Any]
    colour: Categories | Numbers
    labels: NDArray[Any]
    class_names: Sequence[str]
    shown: NDArray[np.intp]
    selected: NDArray[np.intp]
    medoids: Mapping[int, str] = field(default_factory=dict)
    rings: Mapping[int, str] = field(default_factory=dict)
    density: Density | None = None
    bounds: Bounds | None = None


def sample_map(
    view: MapView,
    *,
    key: str,
    alt: str,
    height: int = 560,
    previews: str = "",
    on_shape: Callable[[Shape], None] | None = None,
    on_pick: Callable[[Pick], None] | None = None,
    on_clear: Callable[[], None] | None = None,
) -> None:
    """Draw the map.

    Parameters
    ----------
    view : MapView
    key : str
        Identity of the map, unique in the app; another key starts with the whole map in view.
    alt : str
        What the map shows, in words.
    height : int
        Height of the drawing in pixels.
    previews : str
        Name of the ``sample_previews`` that gives images to this map.
    on_shape, on_pick, on_clear : callable, optional
        Called before the script reruns: after a lasso, box or "all in view"; after a click on
        a sample; after Esc.

    Raises
    ------
    CoresetError
        If positions, labels and colours are not of the same samples.
    """
    _check(view)
    n_samples = len(view.positions)

    def shaped() -> None:
        shape = read_shape(_report(key, "shape"))
        if on_shape is not None and shape is not None:
            on_shape(shape)

    def picked() -> None:
        pick = read_pick(_report(key, "picked"), n_samples)
        if on_pick is not None and pick is not None:
            on_pick(pick)

    def cleared() -> None:
        if on_clear is not None and _report(key, "cleared"):
            on_clear()

    _MAP(
        key=key,
        data={
            **payload(view),
            "instance": key,
            "alt": alt,
            "height": height,
            "previews": previews,
        },
        on_shape_change=shaped,
        on_picked_change=picked,
        on_cleared_change=cleared,
    )


def read_shape(report: Any) -> Shape | None:
    """Read what the browser says was drawn; None for anything malformed."""
    if not isinstance(report, Mapping):
        return None
    kind, mode, corners = (report.get(name) for name in ("kind", "mode", "corners"))
    if kind not in ("lasso", "box") or mode not in MODES or not isinstance(corners, list):
        return None
    least, most = (2, 2) if kind == "box" else (3, MOST_CORNERS)
    if not least <= len(corners) <= most or not all(map(_is_place, corners)):
        return None
    return Shape(kind=kind, mode=mode, corners=tuple((float(x), float(y)) for x, y in corners))


def read_pick(report: Any, n_samples: int) -> Pick | None:
    """Read which sample was clicked; None for anything malformed."""
    if not isinstance(report, Mapping) or report.get("mode") not in MODES:
        return None
    index = report.get("index")
    if type(index) is not int or not 0 <= index < n_samples:
        return None
    return Pick(index=index, mode=report["mode"])


def payload(view: MapView) -> dict[str, Any]:
    """Return what the browser needs: positions as 16-bit steps, colours as codes or levels."""
    positions = np.asarray(view.positions)
    bounds = view.bounds or map_bounds(positions)
    is_placed = np.isfinite(positions[view.shown]).all(axis=1)
    shown = view.shown[is_placed]
    steps = _steps(positions[shown], bounds)
    is_selected = np.zeros(len(positions), dtype=np.bool_)
    is_selected[view.selected] = True
    return {
        "bounds": list(bounds),
        "n": len(shown),
        "n_samples": len(positions),
        "x": _base64(steps[:, 0]),
        "y": _base64(steps[:, 1]),
        "index": None if len(shown) == len(positions) else _base64(shown.astype("<u4")),
        "labels": _base64(view.labels[shown].astype("<u2")),
        "class_names": list(view.class_names),
        "colour": _colour(view.colour, shown),
        "selected": _base64(np.packbits(is_selected[shown], bitorder="little")),
        "n_selected": len(view.selected),
        "medoids": _medoids(view, bounds),
        "rings": _rings(view, shown),
        "density": _density(view.density),
    }


def map_bounds(positions: NDArray[Any]) -> Bounds:
    """Return x0, y0, x1, y1 around all placed samples; never empty."""
    placed = positions[np.isfinite(positions).all(axis=1)]
    if not len(placed):
        return 0.0, 0.0, 1.0, 1.0
    (x0, y0), (x1, y1) = placed.min(axis=0).tolist(), placed.max(axis=0).tolist()
    return x0, y0, x1 if x1 > x0 else x0 + 1.0, y1 if y1 > y0 else y0 + 1.0


def _check(view: MapView) -> None:
    """Raise CoresetError unless everything is about the same samples."""
    n_samples = len(view.positions)
    colour = view.colour.codes if isinstance(view.colour, Categories) else view.colour.values
    for name, found in (("labels", view.labels), ("colours", colour)):
        if len(found) != n_samples:
            raise CoresetError(
                f"{name} of the map must be of its {n_samples} samples, got {len(found)}. "
                "Take all from the same run."
            )


def _steps(positions: NDArray[Any], bounds: Bounds) -> NDArray[np.uint16]:
    """Return positions as 65,536 steps from one bound to the other, shape (points, 2)."""
    low, high = np.array(bounds[:2]), np.array(bounds[2:])
    share = (positions.astype(np.float64) - low) / (high - low)
    return np.rint(share.clip(0, 1) * 65535).astype("<u2")


def _colour(colour: Categories | Numbers, shown: NDArray[np.intp]) -> dict[str, Any]:
    """Describe the colours of the shown samples, and the legend."""
    if isinstance(colour, Numbers):
        low, high = colour.limits
        return {
            "kind": "number",
            "title": colour.title,
            "hint": colour.hint,
            "is_whole": colour.is_whole,
            "low": low,
            "high": high,
            "ramp": list(RAMP),
            "none": NO_VALUE,
            "codes": _base64(colour.levels[shown].astype("<u2")),
        }
    codes = colour.codes[shown]
    marks = [colour.mark(code) for code in range(len(colour.names))]
    return {
        "kind": "category",
        "title": colour.title,
        "names": list(colour.names),
        "counts": colour.counts,
        "marks": [[mark.colour, mark.shape] for mark in marks],
        "none": NO_VALUE,
        "codes": _base64(np.where(codes < 0, NO_LEVEL, codes).astype("<u2")),
    }


def _medoids(view: MapView, bounds: Bounds) -> list[dict[str, Any]]:
    """Return place, sample and text of every medoid."""
    samples = np.array(list(view.medoids), dtype=np.intp)
    steps = _steps(np.asarray(view.positions)[samples], bounds).tolist() if len(samples) else []
    colour = view.colour
    codes = colour.levels if isinstance(colour, Numbers) else colour.codes
    return [
        {"index": int(i), "x": x, "y": y, "text": view.medoids[int(i)], "code": int(codes[i])}
        for i, (x, y) in zip(samples, steps, strict=True)
    ]


def _rings(view: MapView, shown: NDArray[np.intp]) -> list[tuple[int, str]]:
    """Return place among the shown samples and text of every ring that can be drawn."""
    if not view.rings:
        return []
    places = np.flatnonzero(np.isin(shown, list(view.rings)))
    return [(int(place), view.rings[int(shown[place])]) for place in places]


def _density(density: Density | None) -> dict[str, Any] | None:
    """Return the images as data addresses."""
    if density is None:
        return None
    selected = density.selected
    return {
        "bounds": list(density.bounds),
        "all": _png(density.all_samples),
        "selected": None if selected is None else _png(selected),
    }


def _png(content: bytes) -> str:
    """Return an image that the browser can show without asking for it."""
    return "data:image/png;base64," + b64encode(content).decode()


def _base64(array: NDArray[Any]) -> str:
    """Return the bytes of an array, little end first, as text."""
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _report(key: str, name: str) -> Any:
    """Return what the browser reports in this very run."""
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def _is_place(corner: Any) -> bool:
    """Whether this is a pair of finite numbers that stand for a place."""
    if not isinstance(corner, list) or len(corner) != 2:
        return False
    return all(type(v) in (int, float) and isfinite(v) and abs(v) < 1e9 for v in corner)


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


# One inline module cannot import another: the files are joined, each building on those before.
_SCRIPTS = (
    "map_points.js",
    "map_view.js",
    "map_legend.js",
    "map_tip.js",
    "map_bar.js",
    "sample_map.js",
)

# Registered once, at import; a fresh runtime registers it again by itself.
_MAP = component(
    "coreset_lens_sample_map",
    html='<div class="map"></div>',
    css=_source("sample_map.css"),
    js="\n".join(map(_source, _SCRIPTS)),
)
