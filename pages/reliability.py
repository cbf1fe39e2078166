"""Reliability: how the whole set was learned, what never was, and what is confused with what."""

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
from dashboard.reliability.chart import forgetting_histogram, score_by_class
from dashboard.reliability.slices import draw_slices
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.thumbnails import draw_thumbnail_rows
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG
from dashboard.shared.windows.controls import current_choice

N_NEVER_LEARNED = 24


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


def _draw_forgetting(summary: RunSummary) -> None:
    """Draw how often samples were forgotten."""
    st.markdown("**How often samples were forgotten**")
    version = summary.version
    events, never = reads.forgetting_events(version), reads.never_learned(version)
    st.plotly_chart(
        forgetting_histogram(events, never),
        config=PLOTLY_CONFIG,
        key="forgetting",
        alt=f"Histogram of forgetting events; {int(never.sum())} samples never learned",
    )
    st.caption("Forgotten once: right in one epoch, wrong in the next. Many times: unreliable.")


def _draw_shapes(summary: RunSummary) -> None:
    """Draw how many samples have which history, with what that means."""
    st.markdown("**Shapes of the histories**")
    counts = reads.shapes(summary.version).counts()
    total = max(sum(counts.values()), 1)
    st.dataframe(
        [
            {"history": name, "samples": n, "share": n / total, "meaning": SHAPES[name]}
            for name, n in counts.items()
        ],
        hide_index=True,
        column_config={
            "share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
        alt="How many samples have which shape of history",
    )


def _draw_never_learned(summary: RunSummary) -> None:
    """Draw the samples that were wrong in every epoch."""
    version = summary.version
    indices = reads.never_learned(version).nonzero()[0]
    st.markdown(f"#### Never learned: {len(indices):,} samples")
    if not len(indices):
        st.caption("Every sample was classified correctly at least once.")
        return
    st.caption("Wrong in every epoch: the label may be wrong, or the image unlike all others.")
    _draw_samples(summary, indices, key="select-never-learned")


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
    _draw_samples(summary, indices, key="select-not-learned-early")


def _draw_samples(summary: RunSummary, indices: NDArray[np.int64], *, key: str) -> None:
    """Draw the first of some samples, and the button that selects them all."""
    run = reads.open_dynamics(summary.version)
    images = reads.load_images(summary.version)
    if isinstance(images, str):
        st.info(as_text(images), icon=":material/hide_image:")
    else:
        shown = indices[:N_NEVER_LEARNED]
        draw_thumbnail_rows(images, shown, run.labels, run.class_names)
        if len(indices) > N_NEVER_LEARNED:
            st.caption(f"The first {N_NEVER_LEARNED} of {len(indices):,}.")
    if st.button("Select them all", icon=":material/select_all:", key=key):
        session.select_samples(summary.run_id, indices.tolist())
        st.toast(f"{len(indices):,} samples selected")


def _draw_confusions(summary: RunSummary) -> None:
    """Draw the classes most often taken for one another, with examples."""
    st.markdown("#### Most confused classes")
    pairs = reads.confused_pairs(summary.version)
    if not pairs:
        st.caption("No sample was ever taken for another class.")
        return
    st.caption("Averaged over all epochs. Below each pair: the samples most often taken so.")
    for start in range(0, len(pairs), 2):
        for column, pair in zip(st.columns(2, gap="large"), pairs[start : start + 2], strict=False):
            with column:
                _draw_pair(summary, pair)


def _draw_pair(summary: RunSummary, pair: ConfusedPair) -> None:
    """Draw one confusion."""
    run = reads.open_dynamics(summary.version)
    label, other = (as_text(run.class_names[k]) for k in (pair.label, pair.predicted))
    st.markdown(
        f"**{label}** taken for **{other}**: {pair.samples_per_epoch:.1f} samples per epoch"
    )
    images = reads.load_images(summary.version)
    if not isinstance(images, str):
        draw_thumbnail_rows(images, pair.examples, run.labels, run.class_names)


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
