"""Entry point of the dashboard: the pages, the chosen run, the footer."""

from pathlib import Path

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.workflows.permission import ask_with
from dashboard.frame import PAGES, chosen_run, draw_footer, draw_left_out_plugins, draw_run_picker
from dashboard.person import current_person
from dashboard.shared.messages import draw_error
from dashboard.shared.selection.bar import draw_selection_bar
from dashboard.shared.start.form import adopt_started_run
from dashboard.shared.views_menu import draw_views_menu, restore_view

# Once for the whole server; callbacks ask before this script runs again.
ask_with(current_person)
ICON = Path(__file__).with_name("icon.png")

st.set_page_config(page_title="coreset-lens", page_icon=str(ICON), layout="wide")
PAGES_BY_NAME = {
    "runs": st.Page(PAGES / "runs.py", title="Runs", icon=":material/play_circle:", default=True),
    "add_data": st.Page(
        PAGES / "add_data.py", title="Add data", icon=":material/add_photo_alternate:"
    ),
    "trajectories": st.Page(
        PAGES / "trajectories.py", title="Trajectories", icon=":material/timeline:"
    ),
    "reliability": st.Page(
        PAGES / "reliability.py", title="Reliability", icon=":material/fact_check:"
    ),
    "map": st.Page(PAGES / "map.py", title="Map", icon=":material/scatter_plot:"),
    "review": st.Page(PAGES / "review.py", title="Review", icon=":material/rate_review:"),
    "refinement": st.Page(PAGES / "refinement.py", title="Refinement", icon=":material/rule:"),
    "coreset": st.Page(PAGES / "coreset.py", title="Coreset", icon=":material/filter_alt:"),
    "benchmark": st.Page(PAGES / "benchmark.py", title="Benchmark", icon=":material/balance:"),
    "glossary": st.Page(PAGES / "glossary.py", title="Glossary", icon=":material/menu_book:"),
}
page = st.navigation(list(PAGES_BY_NAME.values()))
restore_view(PAGES_BY_NAME)
adopt_started_run()
draw_run_picker()
draw_left_out_plugins()
if (summary := chosen_run()) is not None:
    name = next(name for name, each in PAGES_BY_NAME.items() if each.title == page.title)
    draw_selection_bar(summary)
    draw_views_menu(summary, name)
try:
    page.run()
except CoresetError as error:  # a file that was whole when the page was begun
    draw_error(error)
draw_footer()
