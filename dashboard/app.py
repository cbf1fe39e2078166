"""Entry point of the dashboard: the pages, the chosen run, the footer."""

from pathlib import Path

import streamlit as st

from dashboard.widgets.frame import PAGES, draw_footer, draw_run_picker
from dashboard.widgets.start_form import adopt_started_run

ICON = Path(__file__).with_name("icon.png")

st.set_page_config(page_title="coreset-lens", page_icon=str(ICON), layout="wide")
page = st.navigation(
    [
        st.Page(PAGES / "runs.py", title="Runs", icon=":material/play_circle:", default=True),
        st.Page(PAGES / "trajectories.py", title="Trajectories", icon=":material/timeline:"),
        st.Page(PAGES / "reliability.py", title="Reliability", icon=":material/fact_check:"),
        st.Page(PAGES / "coreset.py", title="Coreset", icon=":material/filter_alt:"),
    ]
)
adopt_started_run()
draw_run_picker()
page.run()
draw_footer()
