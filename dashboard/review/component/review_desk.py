"""The reviewer's desk: one large image at a time, decided by keyboard, with the next ones ready."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.shared.samples.viewer.sample_viewer import IMAGE_SCRIPTS, viewer_source

ACTIONS = ("keep", "relabel", "flag", "skip", "confirm", "reject", "undo")
# Letters that mean something else: actions of the desk, and Streamlit's own c and r.
CLASS_KEYS = "1234567890" + "adghijlmoqtv"
MOST_WISHES = 500
LONGEST_TEXT = 2000


@dataclass(frozen=True, kw_only=True)
class DeskItem:
    """One sample on the desk; what a blind reader must not know is left empty.

    ``image`` and the first parts of ``neighbours`` are names in ``Desk.images``, ``original`` is
    an address that names no file, empty where there is none. ``proposal``
    is the event that a second reader may confirm or reject. ``labels`` are those of a sample that
    carries any number of them.
    """

    place: int
    index: int
    name: str
    image: str | None
    seen: int
    original: str = ""
    neighbours: tuple[tuple[str, str], ...] = ()
    label: str = ""
    labels: tuple[str, ...] = ()
    prediction: str = ""
    reasons: tuple[str, ...] = ()
    status: str = ""
    proposal: int | None = None


@dataclass(frozen=True, kw_only=True)
class DeskClass:
    """One class with its key (empty beyond the last key) and the image at its heart."""

    name: str
    key: str
    image: str | None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Everything that the browser needs.

    ``account`` names reader and dataset: unsaved decisions are kept under it in the browser.
    ``queue`` names the order of samples: another one is opened at ``place``.
    ``has_sets``: samples carry any number of labels, the last class stands for none of them.
    ``saved`` and ``refused`` answer decisions by their tokens.
    """

    account: str
    n_items: int
    queue: str
    place: int
    is_blind: bool
    hides_others: bool
    may_confirm: bool
    has_sets: bool = False
    items: tuple[DeskItem, ...]
    classes: tuple[DeskClass, ...]
    images: Mapping[str, str]
    saved: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a reader asks to have recorded, as the browser sent it; nothing in it is trusted."""

    token: str
    action: str
    index: int
    label: str | None
    target: int | None
    seen: int
    reason: str
    confidence: int | None


def review_desk(desk: Desk, *, key: str) -> None:
    """Draw the desk; call it within a fragment, so that only it runs again."""
    _DESK(key=key, data=asdict(desk), on_report_change=lambda: None)


def read_report(key: str) -> tuple[int | None, list[Wish]]:
    """Return where the reader is in the queue (None: no news) and what they decided."""
    state = st.session_state.get(key)
    report = state.get("report") if isinstance(state, Mapping) else None
    if not isinstance(report, Mapping):
        return None, []
    place = report.get("place")
    wishes = report.get("wishes")
    found = wishes[:MOST_WISHES] if isinstance(wishes, list) else []
    is_place = type(place) is int and place >= 0
    return place if is_place else None, [w for w in map(_read_wish, found) if w is not None]


def class_keys(n_classes: int) -> Sequence[str]:
    """Return the key of each class, "" for those beyond the last key."""
    return [CLASS_KEYS[k] if k < len(CLASS_KEYS) else "" for k in range(n_classes)]


def _read_wish(raw: Any) -> Wish | None:
    """Read one decision; None for anything that the desk would not send."""
    if not isinstance(raw, Mapping) or raw.get("action") not in ACTIONS:
        return None
    token, reason = raw.get("token"), raw.get("reason") or ""
    label, numbers = raw.get("label"), [raw.get(name) for name in ("index", "seen")]
    optional = [raw.get(name) for name in ("target", "confidence")]
    is_sound = (
        isinstance(token, str)
        and 8 <= len(token) <= 64
        and isinstance(reason, str)
        and len(reason) <= LONGEST_TEXT
        and (label is None or isinstance(label, str))
        and all(type(number) is int for number in numbers)
        and all(number is None or type(number) is int for number in optional)
    )
    if not is_sound:
        return None
    return Wish(
        token=str(token),
        action=str(raw["action"]),
        index=int(raw["index"]),
        label=label,
        target=raw.get("target"),
        seen=int(raw["seen"]),
        reason=str(reason).replace("\0", ""),
        confidence=raw.get("confidence"),
    )


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_DESK = component(
    "coreset_lens_review_desk",
    html='<section class="desk" aria-label="Review desk"></section>',
    css=viewer_source("viewer_image.css") + _source("review_desk.css"),
    js="\n".join([*map(viewer_source, IMAGE_SCRIPTS), _source("review_desk.js")]),
)
