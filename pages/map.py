"""Map: where the network puts the samples; groups, medoids, and a selection drawn by hand."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from dashboard import reads, session
from dashboard.frame import (
    PAGES,
    STACKED_WHEN_NARROW,
    chosen_run,
    draw_heading,
    draw_no_run,
    has_epochs,
)
from dashboard.map import controls as controls
from dashboard.map import data as map_data
from dashboard.map.as_of import draw_as_of, epoch_of
from dashboard.map.component.sample_map import MapView, Pick, Shape, sample_map
from dashboard.map.component.sample_previews import sample_previews
from dashboard.map.data import Projection
from dashboard.map.known_errors import draw_reveal, ring_texts
from dashboard.map.selection_panel import OPENED, draw_medoids, draw_selection_panel
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.sample_card import draw_sample_card
from dashboard.shared.samples.sample_images import find_preview, preview_atlas
from dashboard.shared.selection import selection
from dashboard.shared.text import as_text
from dashboard.shared.windows.controls import current_choice


def draw_page(summary: RunSummary) -> None:
    """Draw the map with its controls, then medoids and the images of the selection."""
    if not has_epochs(summary):
        return
    available = map_data.projection_of(summary)
    if available is None:
        _explain_no_map(summary)
        return
    map_data.prepare_lasso()
    score = _draw_map_and_controls(summary, available)
    st.markdown("#### Selection")
    draw_selection_panel(summary, score)
    _draw_opened(summary, score)


def _draw_map_and_controls(summary: RunSummary, available: Projection) -> ScoreValues | None:
    """Draw controls and map side by side; the controls are asked first."""
    if available == "pca":
        why = map_data.why_no_umap(summary)
        st.info(f"{as_text(why)} Until then, PCA." if summary.is_active else _instead(why))
    with st.container(key=STACKED_WHEN_NARROW):
        wide, narrow = st.columns([70, 30], gap="medium")
    dynamics = reads.open_dynamics(summary.version)
    with narrow:
        projection = controls.draw_projection(available)
        projection = draw_as_of(summary) or projection
        errors = draw_reveal(summary, projection)
        chosen = controls.draw_colour(summary)
        score = controls.draw_score(summary)
        clustering = controls.draw_clustering(dynamics.class_names)
        found = None if clustering is None else controls.find_clusters(summary, clustering)
        coloured = controls.choose_colour(
            summary, chosen, score, clustering, found, epoch_of(projection, summary.epoch)
        )
        if clustering is not None and found is not None:
            controls.draw_k(summary, clustering, found)
    view = map_data.map_view(
        summary,
        projection,
        coloured,
        selected=selection.selected(summary.run_id, dynamics.n_samples),
        score=score,
        found=found,
        rings=None if errors is None else ring_texts(errors, dynamics.class_names),
    )
    with wide:
        _draw_map(summary, view, projection)
        if found is not None:
            st.markdown("**Medoids**: the image at the heart of each cluster")
            draw_medoids(summary, dict(view.medoids))
    return score


def _draw_map(summary: RunSummary, view: MapView, projection: Projection) -> None:
    """Draw the map; what is drawn on it changes the selection before the page runs again."""
    run_id, n_samples = summary.run_id, len(view.positions)

    def select_shape(shape: Shape) -> None:
        selection.combine(run_id, map_data.samples_inside(view.positions, shape), shape.mode)

    def select_one(pick: Pick) -> None:
        if pick.mode == "add":
            selection.toggle(run_id, pick.index)
        else:
            selection.combine(run_id, np.array([pick.index]), pick.mode)

    sample_map(
        view,
        key=session.component_key("map", run_id, projection),
        alt=f"{controls.projection_title(projection)} map of {n_samples:,} samples coloured by "
        f"{view.colour.title.lower()}; {len(view.selected):,} selected, "
        f"{len(view.medoids)} medoids, {len(view.rings):,} known wrong labels ringed.",
        previews=session.component_key("previews", run_id),
        on_shape=select_shape,
        on_pick=select_one,
        on_clear=lambda: selection.select(run_id, ()),
    )
    _previews(summary)()


def _previews(summary: RunSummary) -> Callable[[], None]:
    """Return the fragment that gives images to the map without drawing the page again."""
    key = session.component_key("previews", summary.run_id)
    atlas = preview_atlas(summary.version)
    names = None
    if atlas is not None:
        names = reads.read_samples(summary.version)["sample_id"].tolist()

    @st.fragment
    def draw() -> None:
        try:
            if atlas is None:
                sample_previews(key=key, find=lambda sample: find_preview(summary, sample))
            else:
                sample_previews(key=key, names=names, atlas=atlas)
        except CoresetError as error:
            draw_error(error)

    return draw


def _draw_opened(summary: RunSummary, score: ScoreValues | None) -> None:
    """Show the sample that was clicked in the grid, larger and with all that is known of it."""
    index = st.session_state.pop(OPENED, None)
    if index is None or score is None or summary.epoch < 2:
        return
    key = session.windows_key(summary.run_id)
    windows = current_choice(key, session.initial_windows(summary), summary.epoch)

    @st.dialog("Sample", width="medium")
    def show() -> None:
        draw_sample_card(summary, index, score, windows.early, windows.late)

    show()


def _instead(why: str) -> str:
    """Say what stands in for the map."""
    return (
        f"{as_text(why)} Drawn instead by PCA: the two directions in which the images differ "
        "most for the network."
    )


def _explain_no_map(summary: RunSummary) -> None:
    """Say when there will be a map, or why there is none, and what can be done meanwhile."""
    if summary.is_active:
        st.info(
            "The map is made of what the network has learned, after the last epoch: "
            f"{summary.epoch} of {summary.epochs} epochs are done. Trajectories can be explored "
            "meanwhile; the map appears here by itself.",
            icon=":material/hourglass_empty:",
        )
    else:
        reason = f" {as_text(summary.error)}" if summary.error else ""
        st.warning(
            f"This run is {summary.state} and has no embedding of its samples, which a map is "
            f"drawn from.{reason} Resume it on the page Runs, or choose a finished run.",
            icon=":material/map:",
        )
    st.page_link(PAGES / "trajectories.py", label="Go to Trajectories", icon=":material/timeline:")


draw_heading(
    "Map",
    "Each mark is one image; images that the network finds alike lie together. A mark in the "
    "middle of another class is worth a look: ambiguous, rare, or wrongly labelled. Draw around "
    "marks to select them.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
else:
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
