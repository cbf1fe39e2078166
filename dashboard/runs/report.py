"""The report of a run, made when it is asked for."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.shared.messages import draw_error

ABOUT = (
    "One HTML file with the data check, how the images were learned, suspicious labels, a coreset, "
    "the verdicts of comparisons and where all numbers come from. It needs no network, and the "
    "browser prints it to PDF."
)


def draw_report(summary: RunSummary) -> None:
    """Draw the way to the report; it is made after a click."""
    place = st.popover(
        "Report", icon=":material/description:", key=f"report:{summary.run_id}", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        st.caption(ABOUT)
        with_images = st.checkbox(
            "With the most suspicious images and their file names",
            key="report-with-images",
            help="Images of patients then leave this computer with the file.",
        )
        if not st.button("Make the report", type="primary", key="make-report"):
            return
        try:
            with st.spinner("Checking the data and writing…"):
                content = reads.run_report(summary.folder, with_images=with_images)
        except CoresetError as error:
            draw_error(error)
            return
        st.download_button(
            "Download (HTML)",
            content,
            f"{summary.run_id}-report.html",
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
        )
