"""The shared selection in the sidebar: how many, undo, clear."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from dashboard import session
from dashboard.shared.selection import selection
from dashboard.shared.text import as_text


def draw_selection_bar(summary: RunSummary) -> None:
    """Draw the selection's size with undo and clear; put the selection into the address."""
    run_id = summary.run_id
    n_selected = len(selection.selected(run_id))
    problem = selection.take_problem(run_id)
    if problem is not None:
        st.warning(as_text(problem), icon=":material/link_off:")
    session.show_in_url(**{selection.PARAMETER: selection.address_of(run_id)})
    selection.mark_shown(run_id)
    if not n_selected and not selection.can_undo(run_id):
        return
    noun = "sample" if n_selected == 1 else "samples"
    text = f"**{n_selected:,}** {noun} selected" if n_selected else "Nothing selected"
    with st.sidebar.container(key="selection-bar"):
        st.markdown(text, help="The same selection on every page of this run.")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Undo",
                key="undo-selection",
                icon=":material/undo:",
                shortcut="U",
                disabled=not selection.can_undo(run_id),
                on_click=selection.undo,
                args=(run_id,),
                help="Bring back the selection from before the last change",
            )
            st.button(
                "Clear",
                key="clear-selection",
                icon=":material/close:",
                disabled=not n_selected,
                on_click=selection.select,
                args=(run_id, ()),
            )
