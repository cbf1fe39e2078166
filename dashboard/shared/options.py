"""Options of scores and strategies as widgets: one drawn after its description."""

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from coreset_lib.scores.score import Option
from dashboard.reads import Options

LARGEST_WHOLE = 1_000_000
LARGEST_REAL = 1e9
KEPT: Literal["session"] = "session"  # also while another page is looked at


def draw_options(
    place: str, options: Mapping[str, Option], n_epochs: int, *, but: tuple[str, ...] = ()
) -> Options:
    """Draw every option whose kind is not in ``but`` and return what is chosen."""
    return tuple(
        (name, _draw_option(f"{place}:{name}", name, spec, n_epochs))
        for name, spec in options.items()
        if spec.kind not in but
    )


def _draw_option(key: str, name: str, spec: Option, n_epochs: int) -> Any:
    """Draw one option as the widget that fits it."""
    default = spec.default_for(n_epochs)
    label = name.replace("_", " ").capitalize()
    if spec.kind == "choice":
        return st.selectbox(
            label,
            spec.choices,
            index=spec.choices.index(default),
            key=key,
            help=spec.help,
            persist_state=KEPT,
        )
    if spec.words:
        choices = [*spec.words, "a number"]
        at = choices.index(default) if default in spec.words else len(spec.words)
        word = st.selectbox(label, choices, index=at, key=key, help=spec.help, persist_state=KEPT)
        if word in spec.words:
            return word
        label, key = f"{label}: number", f"{key}:number"
    return _draw_number(label, key, default, spec)


def _draw_number(label: str, key: str, default: Any, spec: Option) -> int | float:
    """Draw a number in its range."""
    if spec.kind == "whole":
        most = int(min(spec.most, LARGEST_WHOLE))
        start = default if isinstance(default, int) else int(spec.least)
        return st.number_input(
            label, int(spec.least), most, start, key=key, help=spec.help, persist_state=KEPT
        )
    most = float(min(spec.most, LARGEST_REAL))
    start = default if isinstance(default, int | float) else spec.least
    return st.number_input(
        label, float(spec.least), most, float(start), key=key, help=spec.help, persist_state=KEPT
    )
