"""The shared selection in the sidebar: how many, undo, clear."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from dashboard import session
from dashboard.shared.selection import forced, selection
from dashboard.shared.text import as_text


def draw_selection_bar(summary: RunSummary) -> None:
    """Draw the selection's size with undo and clear; put the selection into the address."""
    run_id = summary.run_id
    n_selected = len(selection.selected(run_id))
    problem = selection.take_problem(run_id)
    if problem is not None:
        st.warning(as_text(problem), icon=":material/link_off:")
    session.show_in_url(
        **{selection.PARAMETER: selection.address_of(run_id)}, **forced.in_address(run_id)
    )
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
        if n_selected:
            _draw_coreset_buttons(run_id)


def _draw_coreset_buttons(run_id: str) -> None:
    """Draw the buttons that force the selection into the coreset, or keep it out."""
    for side, label, icon in (
        ("force_in", "Force into coreset", ":material/add_circle:"),
        ("keep_out", "Keep out of coreset", ":material/do_not_disturb_on:"),
    ):
        st.button(
            label,
            key=f"bar-{side}",
            icon=icon,
            type="tertiary",
            on_click=_force_selected,
            args=(run_id, side),
            help="The Coreset page lists them, and releases them again",
        )


def _force_selected(run_id: str, side: forced.Side) -> None:
    """Put the selected samples on a side."""
    chosen = selection.selected(run_id)
    forced.force(run_id, side, chosen)
    where = "forced into" if side == "force_in" else "kept out of"
    st.toast(f"{len(chosen):,} samples {where} the coreset")
