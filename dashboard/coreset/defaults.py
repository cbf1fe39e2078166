"""What the Coreset page offers by itself, which never outlasts the reason for it."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from dashboard import reads

STRATEGY, BALANCE = "strategy", "balance"
WITH_EMBEDDING = {STRATEGY: "recommended", BALANCE: "global"}
# Without one nothing knows yet which samples are alike: a fair draw promises no more than it keeps.
WITHOUT_EMBEDDING = {STRATEGY: "random", BALANCE: "proportional"}
OFFERED = "coreset-offered"


def offered_choices(summary: RunSummary) -> dict[str, str]:
    """Return strategy and balance to begin with; call it before their widgets are drawn.

    What a person chose stays. What was only offered, for want of an embedding or with one, gives
    way to the offer that suits the run as it is now.
    """
    has_embedding = reads.has_embedding(summary.folder)
    usual = WITH_EMBEDDING if has_embedding else WITHOUT_EMBEDDING
    offered: dict[str, str] = st.session_state.setdefault(OFFERED, {})
    for name, value in usual.items():
        if offered.get(name, value) != value:
            st.session_state.pop(name, None)
            st.query_params.pop(name, None)
        if name not in st.session_state and name not in st.query_params:
            offered[name] = value
    return usual


def keep_choice(name: str) -> None:
    """Take a choice as a person's own from now on (a callback)."""
    st.session_state.get(OFFERED, {}).pop(name, None)


def explain_offer(summary: RunSummary) -> None:
    """Say why the recommended strategy is not offered, while that is so."""
    if reads.has_embedding(summary.folder):
        return
    when = (
        "It is made when the training ends. Until then"
        if summary.is_active
        else "This run has none:"
    )
    st.caption(
        ":material/info: Strategies that look at how alike images are, the recommended one among "
        f"them, need the run's embedding. {when} a random draw with the classes as in the full "
        "set is offered."
    )
