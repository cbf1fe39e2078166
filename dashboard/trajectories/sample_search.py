"""The row above the ranking: find samples by id, class, score and history."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.curve_shapes import SHAPES
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery
from dashboard import reads
from dashboard.shared.options import KEPT
from dashboard.shared.samples.own_columns import COLUMN, own_columns


def draw_search(summary: RunSummary, score: ScoreValues) -> SampleQuery:
    """Draw the search and return what is looked for."""
    run = reads.open_dynamics(summary.version)
    text, classes, shape, more = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
    written = text.text_input(
        "Find a sample",
        key="find",
        bind="query-params",
        persist_state=KEPT,
        placeholder="id or index",
        help="Part of the id, or the index.",
    )
    picked = classes.multiselect(
        "Class",
        range(run.n_classes),
        format_func=run.class_names.__getitem__,
        key=f"find-class:{summary.run_id}",
        persist_state=KEPT,
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
        persist_state=KEPT,
        placeholder="any",
        help="\n\n".join(f"**{name}**: {meaning}" for name, meaning in SHAPES.items()),
    )
    with more.popover("Score"):
        low = st.number_input(
            "From", value=None, key=f"from:{score.name}", format="%.4f", persist_state=KEPT
        )
        high = st.number_input(
            "To", value=None, key=f"to:{score.name}", format="%.4f", persist_state=KEPT
        )
    column, slices = _draw_column(summary)
    return SampleQuery(
        text=written,
        classes=tuple(picked),
        lowest=low,
        highest=high,
        shape=history,
        column=column,
        slices=slices,
    )


def _draw_column(summary: RunSummary) -> tuple[str, tuple[str, ...]]:
    """Draw the choice of a column of the person's own table, and of what stands in it."""
    columns = own_columns(summary)
    if not columns:
        return "", ()
    name, cells = st.columns([3, 8], vertical_alignment="bottom")
    column = name.selectbox(
        "Column of your table",
        list(columns),
        index=None,
        format_func=lambda name: name.removeprefix(COLUMN),
        key=f"find-column:{summary.run_id}",
        persist_state=KEPT,
        placeholder="any",
    )
    if column is None:
        return "", ()
    found = reads.column_slices(summary.version, column)
    picked = cells.multiselect(
        "is",
        range(len(found.names)),
        format_func=lambda code: f"{found.names[code]} ({len(found.members(code)):,})",
        key=f"find-cells:{summary.run_id}:{column}",
        persist_state=KEPT,
        placeholder="anything",
    )
    return column, tuple(found.names[code] for code in picked)
