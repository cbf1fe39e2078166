"""How each scanner, site or other slice by a column of one's own table was learned."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.slices import SliceFigures, Slices, classes_of_one_slice, compare_slices
from dashboard import reads, session
from dashboard.shared.samples.own_columns import COLUMN, own_columns
from dashboard.shared.text import as_text

MOST_CLASSES_NAMED = 3
VERDICTS = {
    "lower": "▼ lower than its classes explain",
    "higher": "▲ higher than its classes explain",
    "": "no difference that can be told",
}


def draw_slices(summary: RunSummary) -> None:
    """Draw size, classes and learning of each slice; nothing without a column to cut by."""
    columns = own_columns(summary)
    if not columns:
        return
    st.markdown("#### By a column of your table")
    column = st.selectbox(
        "Column",
        list(columns),
        format_func=lambda name: name.removeprefix(COLUMN),
        key=f"slices:{summary.run_id}",
        help="For example scanner or site. Numbers are cut into four slices of about one size.",
        width=320,
    )
    slices = reads.column_slices(summary.version, column)
    if not slices.names:
        st.caption("Every cell of this column is empty.")
        return
    run = reads.open_dynamics(summary.version)
    is_learned = ~reads.not_learned_early(summary.version)
    rows = compare_slices(slices, run.labels, is_learned, n_classes=len(run.class_names))
    _draw_lone_classes(summary, slices, column.removeprefix(COLUMN))
    st.dataframe(
        slice_rows(rows, run.class_names),
        hide_index=True,
        alt="Size, classes and share learned early of each slice",
    )
    n_empty = int((slices.codes < 0).sum())
    st.caption(
        (f"{n_empty:,} samples have no entry here. " if n_empty else "")
        + "Learned early: right in at least half of the first ten epochs, with the 95 % interval; "
        "expected: what the slice's classes lead one to expect. These are training images: how "
        "well a network reads new images of a scanner or site needs a test set that has them."
    )
    _draw_selection(summary, slices)


def slice_rows(
    rows: Sequence[SliceFigures], class_names: Sequence[str]
) -> list[dict[str, str | int]]:
    """Return a line for each slice, in words."""
    return [
        {
            "slice": row.name,
            "samples": row.n_samples,
            "classes": _classes(row, class_names),
            "learned early": f"{100 * row.right:.0f} % ({100 * row.low:.0f} to "
            f"{100 * row.high:.0f})",
            "expected": f"{100 * row.expected:.0f} %",
            "difference": VERDICTS[row.verdict],
        }
        for row in rows
    ]


def _classes(row: SliceFigures, class_names: Sequence[str]) -> str:
    """Name the most frequent classes of a slice with their shares."""
    order = np.argsort(-row.class_shares, kind="stable")
    present = [int(k) for k in order if row.class_shares[k] > 0]
    shown = [
        f"{class_names[k]} {100 * row.class_shares[k]:.0f} %" for k in present[:MOST_CLASSES_NAMED]
    ]
    more = len(present) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _draw_lone_classes(summary: RunSummary, slices: Slices, column: str) -> None:
    """Warn of classes that come from one slice only."""
    run = reads.open_dynamics(summary.version)
    found = classes_of_one_slice(slices, run.labels, n_classes=len(run.class_names))
    if not found:
        return
    named = "; ".join(
        f"{as_text(run.class_names[klass])} only with {as_text(slices.names[number])}"
        for klass, number in found[:MOST_CLASSES_NAMED]
    )
    more = len(found) - MOST_CLASSES_NAMED
    st.warning(
        f"By {as_text(column)} a network can tell a class without looking at what it shows: "
        f"{named}{f' and {more} more' if more > 0 else ''}.",
        icon=":material/warning:",
    )


def _draw_selection(summary: RunSummary, slices: Slices) -> None:
    """Draw the way from slices to their samples on the other pages."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.pills(
            "Slices",
            range(len(slices.names)),
            selection_mode="multi",
            format_func=lambda number: as_text(slices.names[number]),
            key=f"slices-picked:{summary.run_id}:{slices.names}",
        )
        if st.button(
            "Select their samples",
            icon=":material/select_all:",
            disabled=not picked,
            help="On the map and in the ranking; Find samples on Trajectories filters by them.",
        ):
            indices = np.flatnonzero(np.isin(slices.codes, picked))
            session.select_samples(summary.run_id, indices.tolist())
            st.toast(f"{len(indices):,} samples selected")
