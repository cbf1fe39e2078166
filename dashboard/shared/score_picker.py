"""The choice of a score and of its options other than the windows."""

import streamlit as st

from coreset_lib.scores import SCORES
from dashboard.reads import Options
from dashboard.shared.options import draw_options

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
    chosen: Options = ()
    if any(spec.kind not in WINDOW_KINDS for spec in SCORES[name].options.values()):
        with row.popover("Options", icon=":material/tune:"):
            chosen = draw_options(
                f"{place}:{name}", SCORES[name].options, n_epochs, but=WINDOW_KINDS
            )
    row.caption(SCORES[name].summary, width="content")
    return name, chosen
