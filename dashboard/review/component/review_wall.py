"""A wall of images: a click makes one an exception, a button decides on all the others."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

ACTIONS = ("keep", "relabel", "undo")
MOST_IN_GROUP = 500
TOKEN_START = "wall-"


@dataclass(frozen=True, kw_only=True)
class WallTile:
    """One image; ``label`` and ``status`` are empty where the view hides them."""

    index: int
    name: str
    label: str
    status: str
    image: str
    seen: int


@dataclass(frozen=True, kw_only=True)
class Wall:
    """Everything that the browser needs.

    ``account`` names reader and dataset: a group that is not saved yet is kept under it.
    ``group`` names what is shown: another one begins without exceptions. ``n_undoable`` counts the
    decisions of the reader's last group. ``answers`` maps tokens to whether the group was recorded
    and what is said about it.
    """

    account: str
    group: str
    n_queue: int
    tiles: tuple[WallTile, ...]
    classes: tuple[str, ...]
    is_blind: bool
    n_undoable: int
    images: Mapping[str, str]
    answers: Mapping[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class GroupWish:
    """What a reader asks to have recorded of a group; nothing in it is trusted.

    ``seen`` maps the samples to the last event on each that the reader knew of.
    """

    token: str
    action: str
    label: str | None
    seen: Mapping[int, int]
    n_exceptions: int


def review_wall(wall: Wall, *, key: str) -> None:
    """Draw the wall."""
    _WALL(key=key, data=asdict(wall), on_group_change=lambda: None)


def read_group(key: str) -> GroupWish | None:
    """Return the group that the browser sent in this run; None for anything it would not send."""
    state = st.session_state.get(key)
    raw = state.get("group") if isinstance(state, Mapping) else None
    if not isinstance(raw, Mapping) or raw.get("action") not in ACTIONS:
        return None
    token, label, n_exceptions = raw.get("token"), raw.get("label"), raw.get("n_exceptions")
    seen = _read_seen(raw.get("samples"))
    is_sound = (
        isinstance(token, str)
        and token.startswith(TOKEN_START)
        and 20 <= len(token) <= 48
        and token.removeprefix(TOKEN_START).isalnum()
        and (label is None or isinstance(label, str))
        and type(n_exceptions) is int
        and seen is not None
    )
    if not is_sound or seen is None or not isinstance(n_exceptions, int):
        return None
    return GroupWish(
        token=str(token),
        action=str(raw["action"]),
        label=label,
        seen=seen,
        n_exceptions=n_exceptions,
    )


def _read_seen(pairs: Any) -> dict[int, int] | None:
    """Read ``[[index, seen], ...]``; None for anything else."""
    if not isinstance(pairs, list) or len(pairs) > MOST_IN_GROUP:
        return None
    is_sound = all(
        isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)
        for pair in pairs
    )
    return {pair[0]: pair[1] for pair in pairs} if is_sound else None


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_WALL = component(
    "coreset_lens_review_wall",
    html='<section class="wall" aria-label="Wall of images"></section>',
    css=_source("review_wall.css"),
    js=_source("review_wall.js"),
)
