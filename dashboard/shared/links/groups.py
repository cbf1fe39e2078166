"""The samples behind a bar, a cell or an image: looked at, and taken to other pages."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from dashboard import reads, session
from dashboard.frame import go_to
from dashboard.review.queue import show_group as show_on_review
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.image_grid import Tile, image_grid
from dashboard.shared.samples.images import picture_of
from dashboard.shared.samples.sample_card import draw_sample_card
from dashboard.shared.samples.sample_images import thumbnail
from dashboard.shared.selection import selection
from dashboard.shared.selection.forced import force
from dashboard.shared.text import as_text
from dashboard.shared.windows.controls import current_choice

PER_PAGE = 24
SIDE = 112
ASKED = "asked-group"
LOOKED_AT = "looked-at-sample"


@dataclass(frozen=True, eq=False)
class Group:
    """Samples that belong together, in the order in which they are shown."""

    title: str
    indices: NDArray[np.intp]


def ask_for(group: Group) -> None:
    """Ask for the images of a group (in a callback); the page shows them when it is drawn."""
    st.session_state[ASKED] = group
    st.session_state.pop(LOOKED_AT, None)


def ask_for_sample(index: int, title: str) -> None:
    """Ask for one sample with all that is known of it (in a callback)."""
    ask_for(Group(title, np.array([index], dtype=np.intp)))
    st.session_state[LOOKED_AT] = index


def draw_asked_group(summary: RunSummary) -> None:
    """Show what was asked for; call it once, when the page is drawn."""
    group = st.session_state.pop(ASKED, None)
    if group is None:
        return

    @st.dialog("Images", width="large")
    def show() -> None:
        try:
            _draw_group(summary, group)
        except CoresetError as error:
            draw_error(error)

    show()


def _draw_group(summary: RunSummary, group: Group) -> None:
    """Draw the images of a group, or one of its samples, and the ways on."""
    looked_at = st.session_state.get(LOOKED_AT)
    n = len(group.indices)
    st.markdown(f"**{as_text(group.title)}**" + (f": {n:,} samples" if n != 1 else ""))
    _draw_ways_on(summary, group.indices if looked_at is None else np.array([looked_at]))
    if looked_at is None:
        _draw_images(summary, group)
        return
    if n > 1:
        st.button(
            "Back to the images",
            icon=":material/arrow_back:",
            on_click=lambda: st.session_state.pop(LOOKED_AT, None),
        )
    score = usual_score(summary)
    if score is None:
        st.info("A sample's card needs two complete epochs.")
        return
    key = session.windows_key(summary.run_id)
    windows = current_choice(key, session.initial_windows(summary), summary.epoch)
    draw_sample_card(summary, int(looked_at), score, windows.early, windows.late)


def _draw_ways_on(summary: RunSummary, indices: NDArray[np.intp]) -> None:
    """Draw what can be done with the samples."""
    run_id, chosen = summary.run_id, indices.astype(np.int64)
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Select", icon=":material/select_all:", key="group-select", help="On every page"
        ):
            selection.select(run_id, chosen)
            st.rerun()
        if st.button("Add to the selection", icon=":material/add:", key="group-add"):
            selection.combine(run_id, chosen, "add")
            st.rerun()
        if st.button("Force into the coreset", icon=":material/add_circle:", key="group-in"):
            force(run_id, "force_in", chosen)
            st.rerun()
        if st.button("Keep out", icon=":material/do_not_disturb_on:", key="group-out"):
            force(run_id, "keep_out", chosen)
            st.rerun()
        if st.button("Show on the map", icon=":material/scatter_plot:", key="group-map"):
            selection.select(run_id, chosen)
            go_to("map")
        if st.button("Send to review", icon=":material/rate_review:", key="group-review"):
            show_on_review(run_id, chosen)
            go_to("review")


def _draw_images(summary: RunSummary, group: Group) -> None:
    """Draw the images a page at a time; a click looks at one."""

    def look(index: int) -> None:
        st.session_state[LOOKED_AT] = index

    shown = _page_of(group.indices, "group-page")
    draw_linked_images(summary, shown, key="group-images", label=group.title, on_open=look)


def draw_linked_pages(
    summary: RunSummary, indices: NDArray[np.intp], *, key: str, title: str
) -> None:
    """Draw images under a title, a page at a time; a click opens the sample."""
    st.markdown(f"**{as_text(title)}**")
    draw_linked_images(summary, _page_of(indices, f"{key}-page"), key=key, label=title)


def _page_of(indices: NDArray[np.intp], key: str) -> NDArray[np.intp]:
    """Draw the pager where there is more than one page; return the samples of the page."""
    n_pages = -(-len(indices) // PER_PAGE)
    page = st.pagination(n_pages, key=f"{key}-{n_pages}", width="content") if n_pages > 1 else 1
    return indices[(page - 1) * PER_PAGE : page * PER_PAGE]


def draw_linked_images(
    summary: RunSummary,
    indices: NDArray[np.intp],
    *,
    key: str,
    label: str,
    on_open: Callable[[int], None] | None = None,
    size: int = SIDE,
) -> None:
    """Draw images with their labels; a click opens the sample.

    Parameters
    ----------
    summary : RunSummary
    indices : int array, shape (few,)
    key : str
        Identity, unique in the app.
    label : str
        What the images are, for people who do not see them.
    on_open : callable, optional
        Called with the sample before the script reruns; by default the page shows its card.
    size : int
        Side of an image in pixels.
    """
    images = reads.load_images(summary.version)
    if isinstance(images, str):
        st.info(as_text(images), icon=":material/hide_image:")
    run = reads.open_dynamics(summary.version)
    names = reads.read_samples(summary.version)["sample_id"]
    tiles = [
        Tile(
            index=index,
            png=_png(images, index),
            title=run.label_title(index),
            note=str(names.iloc[index]),
            alt=f"Sample {names.iloc[index]}, {run.label_title(index)}",
        )
        for index in indices.tolist()
    ]

    def open_card(index: int) -> None:
        ask_for_sample(index, label)

    image_grid(tiles, key=key, label=label, size=size, on_open=on_open or open_card)


def usual_score(summary: RunSummary) -> ScoreValues | None:
    """Return the score that a card explains where a page has none: EVA with the page's windows."""
    if summary.epoch < 2:
        return None
    key = session.windows_key(summary.run_id)
    windows = current_choice(key, session.initial_windows(summary), summary.epoch)
    given = reads.window_options("eva", early=windows.early, late=windows.late)
    return reads.score_values(summary.version, "eva", given)


def _png(images: LabeledImages | str, index: int) -> bytes | None:
    """Return a sample's image, None where images cannot be shown."""
    return (
        None
        if isinstance(images, str)
        else thumbnail(picture_of(images.train.images, index), side=256)
    )
