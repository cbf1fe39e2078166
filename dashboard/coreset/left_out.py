"""What the recommended strategy left out as suspects: how many, of which class, and too many."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.selection.left_out import LeftOut, warning_of
from dashboard.shared.text import as_text

RULES = {
    True: "A suspect is a sample whose neighbours in the early embedding vote for another class, "
    "the votes of rare classes counting more; at most a quarter of a class is left out unless the "
    "options say otherwise.",
    False: "A suspect is a sample that the network took for another class, on average over the "
    "first tenth of the epochs.",
}


def draw_left_out(summary: RunSummary, parts: Sequence[LeftOut], report: Mapping[str, Any]) -> None:
    """Draw what was left out of each class, with a warning above a fifth of all or of a class."""
    if not any(part.n_left_out for part in parts):
        return
    is_by_neighbours = "version" in report  # the first version did not name itself
    if warning := warning_of(parts, None if is_by_neighbours else summary.epoch):
        st.warning(as_text(warning), icon=":material/warning:")
    with st.expander("Left out as suspects, by class", key="left-out"):
        st.dataframe(
            [
                {
                    "class": part.name,
                    "samples": part.n_samples,
                    "left out": part.n_left_out,
                    "share of the class": f"{100 * part.share:.0f} %",
                }
                for part in parts
            ],
            hide_index=True,
            alt="Samples left out as suspects, by class",
        )
        st.caption(
            f"{RULES[is_by_neighbours]} Many of them are hard, not wrong: look at them on the page "
            "Review."
        )
