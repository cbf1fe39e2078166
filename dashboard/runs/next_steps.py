"""What one does with a finished run."""

import streamlit as st

from dashboard.frame import PAGES

STEPS = (
    ("review", "Look at suspicious labels", ":material/rate_review:"),
    ("coreset", "Choose a coreset", ":material/filter_alt:"),
    ("benchmark", "Benchmark it", ":material/balance:"),
)


def draw_next_steps() -> None:
    """Draw the ways on from a finished training."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("What next?", width="content")
        for page, label, icon in STEPS:
            st.page_link(PAGES / f"{page}.py", label=label, icon=icon, width="content")
