"""The images that a sample map shows beside the pointer, without drawing the map again."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Small images of all samples in one PNG, row by row, ``columns`` to a row."""

    png: bytes
    columns: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Name and image (PNG) of one sample."""

    sample: int
    name: str
    png: bytes | None


def sample_previews(
    *,
    key: str,
    names: Sequence[str] | None = None,
    atlas: Atlas | None = None,
    find: Callable[[int], Preview | None] | None = None,
) -> None:
    """Give images to the map whose ``previews`` is this key.

    Parameters
    ----------
    key : str
        Identity, unique in the app.
    names : sequence of str, optional
        Sample ids, for sets small enough to send them all; with them nothing is ever asked.
    atlas : Atlas, optional
        The images that go with ``names``.
    find : callable, optional
        Gives name and image of one sample, asked when the pointer rests; None if there is no
        such sample. Call this function within a fragment, so that only it runs again.
    """
    wanted = _wanted(key)
    found = None if find is None or wanted is None else find(wanted)
    _PREVIEWS(
        key=key,
        data={
            "instance": key,
            "names": None if names is None else list(names),
            "atlas": None if atlas is None else _as_data(atlas),
            "one": None if found is None else _answer(found),
        },
        on_wanted_change=lambda: None,
    )


def _wanted(key: str) -> int | None:
    """Return the sample asked for in this run, if any."""
    state = st.session_state.get(key)
    value = state.get("wanted") if isinstance(state, Mapping) else None
    return value if type(value) is int and value >= 0 else None


def _as_data(atlas: Atlas) -> dict[str, Any]:
    """Return the atlas as the browser reads it."""
    measures = {"columns": atlas.columns, "width": atlas.width, "height": atlas.height}
    return {"image": _address(atlas.png), **measures}


def _answer(preview: Preview) -> dict[str, Any]:
    """Return one image as the browser reads it."""
    image = None if preview.png is None else _address(preview.png)
    return {"sample": preview.sample, "name": preview.name, "image": image}


def _address(png: bytes) -> str:
    """Return an image that the browser can show without asking for it."""
    return "data:image/png;base64," + b64encode(png).decode()


_PREVIEWS = component(
    "coreset_lens_sample_previews",
    html='<div class="previews" hidden></div>',
    js=(Path(__file__).parent / "sample_previews.js").read_text(encoding="utf-8"),
)
