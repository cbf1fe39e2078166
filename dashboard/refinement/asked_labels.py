"""The labels that a refinement asks people for: how many have come in, and going on with them."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.refinements import Refinement
from coreset_lib.runs.summary import RunSummary
from dashboard.refinement import data as refinement_data
from dashboard.refinement.data import Asked, AskedProgress
from dashboard.review.data import Review
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text, time_in_words

POLL_SECONDS = 2.0


def draw_asked(asked: Asked, review: Review) -> None:
    """Draw how many queries of the round are answered, and the button that goes on."""
    found = refinement_data.progress_of(asked, review)
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    row.progress(found.n_decided / max(found.n_asked, 1), text=_in_words(asked, found))
    if not found.is_complete:
        return
    is_pressed = row.button(
        "Continue the refinement",
        type="primary",
        icon=":material/play_arrow:",
        key="refine-go-on",
        help="Trains on these labels in the background, then asks about the next ones.",
    )
    if not is_pressed:
        return
    try:
        refinement_data.go_on_with_labels(asked)
    except CoresetError as error:
        draw_error(error)
        return
    st.toast("The refinement goes on with these labels.")
    st.rerun()


def draw_preparation(found: list[Refinement], summary: RunSummary) -> None:
    """Draw that a refinement of a run works on its next queries, until it asks them."""
    if refinement_data.people_under_way(found) is not None:
        st.fragment(_draw_preparation, run_every=POLL_SECONDS)(summary)


def _draw_preparation(summary: RunSummary) -> None:
    """Draw one line; once the queries are there, the page is drawn anew with them."""
    found = refinement_data.refinements(summary.run_id)
    refinement = refinement_data.people_under_way(found)
    if refinement is None:
        st.rerun()
    status = refinement.status
    left = f", about {time_in_words(status.eta_seconds)} left" if status.eta_seconds else ""
    st.caption(
        f":material/sync: A refinement chooses what to ask next ({as_text(status.step)}{left}). "
        "Its queries will come as the queue Asked."
    )


def _in_words(asked: Asked, found: AskedProgress) -> str:
    """Say how far the labels of a round have come in."""
    text = (
        f"Refinement, round {asked.round.n_round} of {asked.n_rounds}: **{found.n_decided}** of "
        f"**{found.n_asked}** labels answered for good"
    )
    if found.n_waiting:
        text += f", **{found.n_waiting}** more wait for a second reader"
    return text
