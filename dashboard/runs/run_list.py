"""All runs as a table: a click on a row opens the run."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from coreset_lib.runs.leftovers import leftovers_sentence
from coreset_lib.runs.naming import has_tags
from coreset_lib.runs.summary import DAMAGED, RunSummary
from dashboard import reads, session
from dashboard.shared.downloads import draw_table_download
from dashboard.shared.start.form import announce_run
from dashboard.shared.text import as_text, bytes_in_words

TABLE, OPENED = "run-list", "run-list-opened"


def draw_list() -> None:
    """Draw all runs that are not archived, or those too."""
    summaries = reads.run_summaries()
    if not summaries:
        return
    st.markdown("#### All runs")
    wanted = _draw_tag_filter(summaries)
    n_archived = sum(summary.is_archived for summary in summaries)
    with_archived = n_archived and st.toggle(f"Archived ones too ({n_archived})", key="archived")
    shown = [
        summary
        for summary in summaries
        if has_tags(summary.tags, wanted) and (with_archived or not summary.is_archived)
    ]
    rows = [run_row(summary) for summary in shown]
    picked = st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "progress": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "tags": st.column_config.ListColumn(),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=TABLE,
        alt="All runs with their state, data, accuracy and size",
    )
    total = sum(reads.disk_use(summary.version) for summary in summaries)
    st.caption(
        f"A click into the column before the first opens a run. Accuracy: of the validation split "
        f"after the last epoch. All runs together take {bytes_in_words(total)} of disk."
    )
    if left := leftovers_sentence(reads.store().cache):
        st.caption(left)
    draw_table_download("runs", rows)
    for summary in summaries:
        if summary.state == DAMAGED:
            st.error(as_text(summary.error), icon=":material/broken_image:")
    _open(picked["selection"]["rows"], shown)


def run_row(summary: RunSummary) -> dict[str, Any]:
    """Return what the list says of a run; what is not known is an empty text."""
    is_damaged = summary.state == DAMAGED
    accuracy = None if is_damaged else reads.last_accuracy(summary.version)
    return {
        "run": summary.run_id,
        "name": summary.name,
        "dataset": summary.dataset,
        "images": "" if is_damaged else f"{summary.n_train:,}",
        "network": summary.model,
        "state": summary.state,
        "progress": summary.progress,
        "epochs": summary.epochs,
        "accuracy": "" if accuracy is None else f"{100 * accuracy:.1f} %",
        "seed": "" if summary.seed is None else str(summary.seed),
        "tags": list(summary.tags),
        "note": summary.note,
        "disk": bytes_in_words(reads.disk_use(summary.version)),
    }


def _open(rows: Sequence[int], shown: Sequence[RunSummary]) -> None:
    """Make the run of a newly chosen row the one that all pages look at."""
    if list(rows) == st.session_state.get(OPENED):
        return
    st.session_state[OPENED] = list(rows)
    if not rows or rows[0] >= len(shown):
        return
    chosen = shown[rows[0]]
    if chosen.state != DAMAGED and chosen.run_id != st.session_state.get(session.RUN):
        announce_run(chosen.run_id)
        st.rerun()


def _draw_tag_filter(summaries: Sequence[RunSummary]) -> list[str]:
    """Draw the tags that runs have, and return those that are wanted; a link keeps them."""
    known = sorted({tag for summary in summaries for tag in summary.tags}, key=str.casefold)
    if not known:
        return []
    linked = [tag for tag in st.query_params.get("tags", "").split(",") if tag in known]
    chosen = st.multiselect("Only runs with the tags", known, default=linked, key="run-tags")
    session.show_in_url(tags=",".join(chosen) or None)
    return chosen
