"""Reliability: how the whole set was learned, what never was, and what is confused with what."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.confusion import ConfusedPair
from coreset_lib.scores.curve_shapes import SHAPES
from dashboard import reads, session
from dashboard.frame import chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.reliability.chart import score_by_class
from dashboard.reliability.links import (
    confusion_matrix,
    forgetting_bars,
    forgetting_groups,
    pair_title,
    shape_bars,
)
from dashboard.reliability.slices import draw_slices
from dashboard.shared.links.groups import Group, ask_for, draw_asked_group, draw_linked_images
from dashboard.shared.links.link_bars import link_bars, link_matrix
from dashboard.shared.messages import draw_error
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG
from dashboard.shared.windows.controls import current_choice

N_NEVER_LEARNED = 24
WALL_SIDE = 88
MOST_IN_MATRIX = 40


def draw_page(summary: RunSummary) -> None:
    """Draw the views of the set's reliability."""
    if not has_epochs(summary):
        return
    left, right = st.columns(2, gap="large")
    with left:
        _draw_forgetting(summary)
    with right:
        _draw_shapes(summary)
    _draw_never_learned(summary)
    _draw_not_learned_early(summary)
    _draw_confusions(summary)
    _draw_score_by_class(summary)
    draw_slices(summary)
    draw_asked_group(summary)


def _draw_forgetting(summary: RunSummary) -> None:
    """Draw how often samples were forgotten."""
    st.markdown("**How often samples were forgotten**")
    version = summary.version
    groups = forgetting_groups(reads.forgetting_events(version), reads.never_learned(version))
    link_bars(
        forgetting_bars(groups),
        key="forgetting",
        label="Samples by how often they were forgotten; each bar shows its images",
        on_open=lambda k: ask_for(groups[k][1]),
    )
    st.caption(
        "Forgotten once: right in one epoch, wrong in the next. Many times: unreliable. Press a "
        "bar for its images."
    )


def _draw_shapes(summary: RunSummary) -> None:
    """Draw how many samples have which history, with what that means."""
    st.markdown("**Shapes of the histories**")
    shapes = reads.shapes(summary.version)
    counts = shapes.counts()
    names = list(counts)

    def show(k: int) -> None:
        title = f"{names[k].capitalize()}: {SHAPES[names[k]]}"
        ask_for(Group(title, np.flatnonzero(shapes.shape == k)))

    link_bars(
        shape_bars(counts),
        key="shapes",
        label="How many samples have which shape of history; each bar shows its images",
        on_open=show,
    )
    st.caption("; ".join(f"**{name}**: {meaning}" for name, meaning in SHAPES.items()) + ".")


def _draw_never_learned(summary: RunSummary) -> None:
    """Draw the samples that were wrong in every epoch."""
    version = summary.version
    indices = reads.never_learned(version).nonzero()[0]
    st.markdown(f"#### Never learned: {len(indices):,} samples")
    if not len(indices):
        st.caption("Every sample was classified correctly at least once.")
        return
    st.caption("Wrong in every epoch: the label may be wrong, or the image unlike all others.")
    _draw_samples(summary, indices, title="Never learned", key="never-learned")


def _draw_not_learned_early(summary: RunSummary) -> None:
    """Draw the samples that were wrong in most of the first epochs, class by class."""
    is_wrong = reads.not_learned_early(summary.version)
    indices = is_wrong.nonzero()[0]
    st.markdown(f"#### Not learned early: {len(indices):,} samples")
    if not len(indices):
        st.caption("Every sample was right in half of the first ten epochs or more.")
        return
    run = reads.open_dynamics(summary.version)
    counts = ", ".join(
        f"{int((is_wrong & (run.labels == k)).sum()):,} of {int((run.labels == k).sum()):,} "
        f"{as_text(name)}"
        for k, name in enumerate(run.class_names)
        if (run.labels == k).any()
    )
    st.caption(
        "Wrong in most of the first ten epochs. What most labels agree on is learned first and "
        f"the others by heart later, so wrong labels are among these: {counts}. A class that is "
        "rare or hard is here too."
    )
    _draw_samples(summary, indices, title="Not learned early", key="not-learned-early")


def _draw_samples(summary: RunSummary, indices: NDArray[np.int64], *, title: str, key: str) -> None:
    """Draw the first of some samples, and the buttons that select them and show them all."""
    draw_linked_images(
        summary, indices[:N_NEVER_LEARNED], key=f"images-{key}", label=title, size=WALL_SIDE
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Select them all", icon=":material/select_all:", key=f"select-{key}"):
            session.select_samples(summary.run_id, indices.tolist())
            st.toast(f"{len(indices):,} samples selected")
        if len(indices) > N_NEVER_LEARNED:
            st.button(
                f"Show all {len(indices):,}",
                icon=":material/grid_view:",
                key=f"show-{key}",
                on_click=ask_for,
                args=(Group(title, indices),),
            )


def _draw_confusions(summary: RunSummary) -> None:
    """Draw what was taken for what as a table, then the worst pairs with examples."""
    st.markdown("#### Most confused classes")
    version = summary.version
    names = reads.open_dynamics(version).class_names
    pairs = reads.confused_pairs(version)
    if not pairs:
        st.caption("No sample was ever taken for another class.")
        return

    def show(label: int, predicted: int) -> None:
        title = pair_title(names[label], names[predicted])
        ask_for(Group(title, reads.taken_for(version, label, predicted)))

    if len(names) <= MOST_IN_MATRIX:
        link_matrix(
            confusion_matrix(reads.confusion(version), names),
            key="confusions",
            label="Samples of each class taken for another, per epoch; each cell shows its images",
            on_open=show,
        )
    st.caption(
        "Samples per epoch, averaged over all epochs. Press a cell for its images, those most "
        "often taken so first. Below: the commonest pairs."
    )
    for start in range(0, len(pairs), 2):
        for column, pair in zip(st.columns(2, gap="large"), pairs[start : start + 2], strict=False):
            with column:
                _draw_pair(summary, pair, lambda pair=pair: show(pair.label, pair.predicted))


def _draw_pair(summary: RunSummary, pair: ConfusedPair, show: Callable[[], None]) -> None:
    """Draw one confusion."""
    run = reads.open_dynamics(summary.version)
    label, other = (run.class_names[k] for k in (pair.label, pair.predicted))
    n = len(reads.taken_for(summary.version, pair.label, pair.predicted))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{as_text(label)}** taken for **{as_text(other)}**: {pair.samples_per_epoch:.1f} "
            "samples per epoch",
            width="content",
        )
        key = f"{pair.label}-{pair.predicted}"
        st.button(f"Show all {n:,}", key=f"pair-{key}", type="tertiary", on_click=show)
    draw_linked_images(
        summary,
        pair.examples,
        key=f"pair-images-{key}",
        label=pair_title(label, other),
        size=WALL_SIDE,
    )


def _draw_score_by_class(summary: RunSummary) -> None:
    """Draw the spread of the chosen score in each class."""
    st.markdown("#### Score by class")
    name, options = draw_score_picker("reliability", summary.epoch)
    given: reads.Options = ()
    if summary.epoch >= 2:
        key = session.windows_key(summary.run_id)
        windows = current_choice(key, session.initial_windows(summary), summary.epoch)
        given = reads.window_options(name, early=windows.early, late=windows.late)
    version = summary.version
    score = reads.score_values(version, name, (*given, *options))
    run = reads.open_dynamics(version)
    harder = "higher = harder" if score.direction == "harder" else "lower = harder"
    st.plotly_chart(
        score_by_class(score.values, run.labels, run.class_names, f"{name} ({harder})"),
        config=PLOTLY_CONFIG,
        key="score-by-class",
        alt=f"Spread of {SCORES[name].title} in each class",
    )
    st.caption("Box: the middle half of the class and its median. Whiskers: 5 and 95 %.")


draw_heading(
    "Reliability",
    "How the whole training set was learned: what was forgotten, what never was learned, and "
    "which classes the network takes for one another.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
else:
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
