"""A grid of images with captions; a click names the image, a cross takes it out."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

ACTIONS = ("open", "drop")


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One image (PNG, None if it cannot be shown) with what is said about it.

    ``is_right`` puts a mark beside the note: None leaves it out.
    """

    index: int
    png: bytes | None
    title: str
    note: str
    alt: str
    is_right: bool | None = None


def image_grid(
    tiles: Sequence[Tile],
    *,
    key: str,
    label: str,
    size: int = 112,
    on_open: Callable[[int], None] | None = None,
    on_drop: Callable[[int], None] | None = None,
) -> None:
    """Draw images in rows that fill the width.

    Parameters
    ----------
    tiles : sequence of Tile
    key : str
        Identity of the grid, unique in the app.
    label : str
        What the images are, for people who do not see them.
    size : int
        Side of an image in pixels.
    on_open, on_drop : callable, optional
        Called with the index of an image before the script reruns: after a click on it, and
        after a click on its cross. Without ``on_drop`` there is no cross.
    """
    indices = {tile.index for tile in tiles}

    def acted() -> None:
        action, index = read_action(_report(key), indices)
        act = {"open": on_open, "drop": on_drop}.get(action)
        if act is not None:
            act(index)

    _GRID(
        key=key,
        data={
            "label": label,
            "size": size,
            "can_open": on_open is not None,
            "can_drop": on_drop is not None,
            "tiles": [_as_data(tile) for tile in tiles],
        },
        on_acted_change=acted,
    )


def read_action(report: Any, indices: set[int]) -> tuple[str, int]:
    """Read ``[action, index]``; ("", -1) for anything else or an image that is not there."""
    if isinstance(report, list) and len(report) == 2:
        action, index = report
        if action in ACTIONS and type(index) is int and index in indices:
            return action, index
    return "", -1


def _report(key: str) -> Any:
    """Return what the browser reports in this very run."""
    state = st.session_state.get(key)
    return state.get("acted") if isinstance(state, Mapping) else None


def _as_data(tile: Tile) -> dict[str, Any]:
    """Return a tile as the browser reads it."""
    png = tile.png
    return {
        "index": tile.index,
        "image": None if png is None else "data:image/png;base64," + b64encode(png).decode(),
        "title": tile.title,
        "note": tile.note,
        "alt": tile.alt,
        "is_right": tile.is_right,
    }


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_GRID = component(
    "coreset_lens_image_grid",
    html='<ul class="grid"></ul>',
    css=_source("image_grid.css"),
    js=_source("image_grid.js"),
)
