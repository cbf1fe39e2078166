"""Stop and delete, each where it makes sense, deletion only after a second click."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import data, state
from dashboard.widgets.messages import draw_error


def draw_run_actions(summary: RunSummary) -> None:
    """Draw the buttons for one run."""
    if summary.is_active:
        if st.button("Stop", icon=":material/stop:", help="The recorded epochs are kept."):
            _stop(summary)
    elif st.button("Delete…", icon=":material/delete:"):
        _confirm_deletion(summary)


def _stop(summary: RunSummary) -> None:
    """Stop the run and say how it went."""
    with st.spinner("Stopping…"):
        try:
            data.stop_run(summary.folder)
        except CoresetError as error:
            draw_error(error)
            return
    st.rerun()


@st.dialog("Delete this run?")
def _confirm_deletion(summary: RunSummary) -> None:
    """Ask once more; the files are gone afterwards."""
    st.write(
        f"`{summary.run_id}` with {summary.epoch} recorded epochs, its weights and its map will "
        "be removed from this computer. Exported CSV files stay."
    )
    if st.button("Delete for good", type="primary"):
        try:
            data.delete_run(summary.folder)
        except CoresetError as error:
            draw_error(error)
            return
        state.forget_run()
        st.rerun()
