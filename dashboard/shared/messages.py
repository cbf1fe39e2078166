"""How a mistake is told: one sentence, as it is."""

import streamlit as st

from dashboard.shared.text import as_text


def draw_error(error: object) -> None:
    """Draw an error message; paths and names in it are not markup."""
    st.error(as_text(error), icon=":material/error:")
