"""A page with nothing but the ranking table, over scores that change like those of a run."""

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.trajectories.ranking_table import draw_ranking_table

N = 50


@st.fragment(run_every=0.5 if st.query_params.get("growing") == "yes" else None)
def page():
    state = st.session_state
    state.runs = state.get("runs", 0) + 1
    turn = state.runs if st.query_params.get("growing") == "yes" else 0
    order = np.roll(np.arange(N), turn % 4)
    rows = pd.DataFrame(
        {
            "rank": np.arange(1, N + 1),
            "sample": [f"train-{i}" for i in order],
            "eva": np.linspace(1, 0, N),
            "error over time": [[0.0, 1.0, 0.5]] * N,
            "index": order,
        }
    )
    if st.button("Select 2"):
        state.selected = [2]
    draw_ranking_table(
        rows,
        state.get("selected", []),
        "ranking",
        score="eva",
        alt="ranking",
        on_select=lambda indices: state.update(selected=indices, told=state.get("told", 0) + 1),
    )
    st.text(f"selected {state.get('selected', [])}")
    st.text(f"told {state.get('told', 0)}")
    st.text(f"ticked {state.ranking['selection']['rows']}")
    st.text(f"runs {state.runs}")


page()
