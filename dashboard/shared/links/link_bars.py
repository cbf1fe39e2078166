"""Bars, or the cells of a table, that a click or Enter opens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.components.v2 import component

Tone = Literal["early", "late", "neutral", "right"]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar.

    Attributes
    ----------
    label, text : str
        What it is, and the number at its end.
    hint : str
        What a click does, or why it does nothing.
    share : float
        Length, 0 to 1.
    reference : float, optional
        Length of the hatched bar above it, which it is compared with.
    tone : str
    can_open : bool
    """

    label: str
    text: str
    hint: str
    share: float
    reference: float | None = None
    tone: Tone = "early"
    can_open: bool = True


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table; ``share`` is how strong its colour is, 0 to 1."""

    text: str
    hint: str
    share: float
    can_open: bool = True


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A table of links with the names of its rows and columns."""

    corner: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Cell]]


def link_bars(bars: Sequence[Bar], *, key: str, label: str, on_open: Callable[[int], None]) -> None:
    """Draw bars below one another.

    Parameters
    ----------
    bars : sequence of Bar
    key : str
        Identity, unique in the app.
    label : str
        What the bars are, for people who do not see them.
    on_open : callable
        Called with the position of the bar that was pressed, before the script reruns.
    """

    def opened() -> None:
        place = read_place(_report(key), (len(bars),))
        if place is not None and bars[place[0]].can_open:
            on_open(place[0])

    data = {"label": label, "bars": [asdict(bar) for bar in bars], "matrix": None}
    _LINKS(key=key, data=data, on_opened_change=opened)


def link_matrix(
    matrix: Matrix, *, key: str, label: str, on_open: Callable[[int, int], None]
) -> None:
    """Draw a table; ``on_open`` is called with row and column of the cell that was pressed."""

    def opened() -> None:
        place = read_place(_report(key), (len(matrix.rows), len(matrix.columns)))
        if place is not None and matrix.cells[place[0]][place[1]].can_open:
            on_open(place[0], place[1])

    data = {"label": label, "bars": [], "matrix": asdict(matrix)}
    _LINKS(key=key, data=data, on_opened_change=opened)


def read_place(report: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Read where something was pressed; None for anything else or what is not there."""
    if not isinstance(report, list) or len(report) != len(shape):
        return None
    if any(type(k) is not int or not 0 <= k < n for k, n in zip(report, shape, strict=True)):
        return None
    return tuple(report)


def _report(key: str) -> Any:
    """Return what the browser reports in this very run."""
    state = st.session_state.get(key)
    return state.get("opened") if isinstance(state, Mapping) else None


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_LINKS = component(
    "coreset_lens_links",
    html='<div class="links"></div>',
    css=_source("link_bars.css"),
    js=_source("link_bars.js"),
)
