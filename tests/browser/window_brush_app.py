"""A page with nothing but the window controls, and words that tell what Python knows."""

import time

import numpy as np
import streamlit as st

from coreset_lib.windows import Window
from dashboard.shared.windows.controls import window_controls
from dashboard.shared.windows.window_brush import Bands, Line

st.set_page_config(layout="wide")
options = st.query_params
is_growing = options.get("growing") == "yes"


def curves(n_epochs):
    """A population that is learned, one sample that is not, one with a gap."""
    epochs = np.arange(1, n_epochs + 1)
    median = 1.2 * np.exp(-epochs / 20) + 0.05
    bands = Bands(
        q05=median * 0.6, q25=median * 0.8, q50=median, q75=median * 1.1, q95=median * 1.15
    )
    gap = np.where((epochs > 40) & (epochs < 50), np.nan, median * 0.9)
    lines = [
        Line(
            index=7, label="hard", values=np.full(n_epochs, 1.0), colour="#009E73", is_pinned=True
        ),
        Line(index=8, label="gap", values=gap),
    ]
    return bands, lines


@st.fragment(run_every=0.3 if is_growing else None)
def page():
    state = st.session_state
    state.runs = state.get("runs", 0) + 1
    n_epochs = int(options.get("n", 100)) + (state.runs if is_growing else 0)
    # Only after the first run: the tests wait for the chart, then want a slow server.
    time.sleep(float(options.get("slow", 0)) if state.runs > 1 else 0)
    windows = window_controls(
        n_epochs,
        *curves(n_epochs),
        default=(Window(1, 10), Window(min(91, n_epochs), min(100, n_epochs))),
        key="windows",
        on_pick=lambda index: state.update(picked=index),
    )
    told = " and ".join(map(str, windows)) if windows else "none"
    st.text(f"windows {told}")
    st.text(f"runs {state.runs}")
    st.text(f"picked {state.get('picked')}")


page()
