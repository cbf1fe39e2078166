"""From the focused sample to those most alike, to the map and to the review."""

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard.frame import go_to
from dashboard.review import data as review_data
from dashboard.review.queue import show_group
from dashboard.shared.links.groups import draw_linked_images
from dashboard.shared.messages import draw_error
from dashboard.shared.selection import selection
from dashboard.trajectories import focus

MOST_ALIKE = 8


def draw_card_links(summary: RunSummary, sample: int) -> None:
    """Draw the ways from one sample to other pages, and its neighbours."""
    run_id = summary.run_id
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Show on the map",
            icon=":material/scatter_plot:",
            key="card-map",
            help="Selects this sample",
        ):
            selection.select(run_id, [sample])
            go_to("map")
        if st.button(
            "Send to review",
            icon=":material/rate_review:",
            key="card-review",
            help="Selects this sample",
        ):
            show_group(run_id, [sample])
            go_to("review")
    with st.expander("Most alike", key="card-alike", on_change="rerun") as box:
        # Finding them takes a moment: no window that is moved waits for it.
        if box.open:
            _draw_alike(summary, sample)


def _draw_alike(summary: RunSummary, sample: int) -> None:
    """Draw the samples that the network finds most alike; a click focuses one."""
    try:
        neighbours = review_data.suspicion(summary.version).neighbours
    except CoresetError as error:
        draw_error(error)
        return
    if neighbours is None:
        st.caption("They are known once the run's embedding is there.")
        return
    near = neighbours[sample]
    draw_linked_images(
        summary,
        np.asarray(near[near >= 0][:MOST_ALIKE], dtype=np.intp),
        key="card-alike-images",
        label="Samples that the network finds most alike",
        size=72,
        on_open=lambda other: focus.focus_on(summary.run_id, other),
    )
