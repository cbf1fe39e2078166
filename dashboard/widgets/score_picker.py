"""The choice of a score and of its options other than the windows."""

from typing import Any

import streamlit as st

from coreset_lib.scores import SCORES
from coreset_lib.scores.score import Option
from dashboard.data import Options

PICKER_WIDTH = 300
WINDOW_KINDS = ("window",)


def draw_score_picker(place: str, n_epochs: int) -> tuple[str, Options]:
    """Draw the choice and return the score's name with its plain options.

    Parameters
    ----------
    place : str
        Keeps the widgets of two pages apart.
    n_epochs : int
        Recorded epochs, for defaults that a short run must shrink.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.selectbox(
        "Rank by",
        list(SCORES),
        format_func=lambda key: SCORES[key].title,
        key="score",
        bind="query-params",
        persist_state="session",
        width=PICKER_WIDTH,
        help="\n\n".join(f"**{s.title}**: {s.summary} ({s.source})" for s in SCORES.values()),
    )
    plain = {k: o for k, o in SCORES[name].options.items() if o.kind not in WINDOW_KINDS}
    chosen: Options = ()
    if plain:
        with row.popover("Options", icon=":material/tune:"):
            chosen = tuple(
                (option, _draw_option(f"{place}:{name}:{option}", option, spec, n_epochs))
                for option, spec in plain.items()
            )
    row.caption(SCORES[name].summary, width="content")
    return name, chosen


def _draw_option(key: str, name: str, spec: Option, n_epochs: int) -> Any:
    """Draw one option as the widget that fits it."""
    default = spec.default_for(n_epochs)
    label = name.replace("_", " ")
    if spec.kind == "choice":
        return st.selectbox(
            label, spec.choices, index=spec.choices.index(default), key=key, help=spec.help
        )
    if spec.kind == "whole":
        most = int(min(spec.most, 1_000_000))
        return st.number_input(label, int(spec.least), most, int(default), key=key, help=spec.help)
    most = spec.most if spec.most < float("inf") else 1e9
    return st.number_input(
        label, float(spec.least), float(most), float(default), key=key, help=spec.help
    )
