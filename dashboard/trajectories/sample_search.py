"""The row above the ranking: find samples by id, class, score and history."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.curve_shapes import SHAPES
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery
from dashboard import reads


def draw_search(summary: RunSummary, score: ScoreValues) -> SampleQuery:
    """Draw the search and return what is looked for."""
    run = reads.open_dynamics(summary.version)
    text, classes, shape, more = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
    written = text.text_input(
        "Find a sample", key="find", placeholder="id or index", help="Part of the id, or the index."
    )
    picked = classes.multiselect(
        "Class",
        range(run.n_classes),
        format_func=run.class_names.__getitem__,
        key=f"find-class:{summary.run_id}",
        placeholder="any",
    )
    counts = list(reads.shapes(summary.version).counts().values())
    names = list(SHAPES)
    history = shape.selectbox(
        "History",
        range(len(names)),
        index=None,
        format_func=lambda number: f"{names[number]} ({counts[number]:,})",
        key="find-history",
        placeholder="any",
        help="\n\n".join(f"**{name}**: {meaning}" for name, meaning in SHAPES.items()),
    )
    with more.popover("Score"):
        low = st.number_input("From", value=None, key=f"from:{score.name}", format="%.4f")
        high = st.number_input("To", value=None, key=f"to:{score.name}", format="%.4f")
    return SampleQuery(text=written, classes=tuple(picked), lowest=low, highest=high, shape=history)
