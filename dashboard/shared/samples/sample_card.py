"""One sample: its image, its label, what the network called it, and why it ranks so."""

from collections.abc import Callable

import streamlit as st

from coreset_lib.datasets import LabeledImages
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.forgetting import EARLY_EPOCHS
from coreset_lib.scores.population import SampleHistory, sample_history, share_easier
from coreset_lib.scores.score import ScoreValues
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.shared.samples.original_view import draw_original_button
from dashboard.shared.samples.sample_chart import prediction_strip
from dashboard.shared.samples.suspicion import suggestion_of
from dashboard.shared.samples.viewer.sample_viewer import sample_viewer
from dashboard.shared.samples.volume_view import draw_all_slices, draw_volume
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG

VOLUME_WIDTH = 264


def draw_sample_card(
    summary: RunSummary, index: int, score: ScoreValues, early: Window, late: Window
) -> None:
    """Draw everything the run knows of one training sample."""
    dynamics = reads.open_dynamics(summary.version)
    row = reads.read_samples(summary.version).iloc[index]
    history = sample_history(dynamics, index)
    label = dynamics.label_title(index)
    images = reads.load_images(summary.version)
    st.markdown(f"**{as_text(row['sample_id'])}**")
    if isinstance(images, LabeledImages):
        _draw_image(summary, images, index, label)
    prediction = _latest_prediction(history, dynamics.prediction_title)
    title = "Labels" if dynamics.is_multi_label else "Label"
    st.markdown(f"{title} **{as_text(label)}** · {prediction}")
    if row["source"] != row["sample_id"]:
        st.caption(as_text(row["source"]))
    if isinstance(images, LabeledImages):
        draw_original_button(images, index)
    if isinstance(images, LabeledImages):
        if images.depth:
            draw_all_slices(images, index)
    else:
        st.info(as_text(images), icon=":material/hide_image:")
    suggestion = suggestion_of(summary, index)
    if suggestion:
        st.markdown(f"**Suggested class**: {as_text(suggestion)}")
    st.markdown("**What the network called it**")
    alt = f"Right in {int(history.is_correct.sum())} of {len(history.is_correct)} epochs."
    strip = prediction_strip(history, dynamics.prediction_title)
    st.plotly_chart(strip, config=PLOTLY_CONFIG, key="strip", alt=alt)
    st.caption(
        "Epoch by epoch. Full bar: exactly these labels. Half bar: others; hover to see which."
        if dynamics.is_multi_label
        else "Epoch by epoch. Full bar: right. Half bar: wrong; hover for the class it was taken "
        "for."
    )
    st.markdown("**Why this rank**")
    st.markdown(_reasons(summary, index, history, score, early, late))


def _draw_image(summary: RunSummary, images: LabeledImages, index: int, label: str) -> None:
    """Draw the image as people judge it; of a volume the slice that was chosen."""
    if images.depth:
        draw_volume(images, index, label, width=VOLUME_WIDTH)
        return
    alt = f"Training sample {index}, labelled {label}"
    sample_viewer(summary, images, index, alt=alt)


def _latest_prediction(history: SampleHistory, title_of: Callable[[int], str]) -> str:
    """Say what the network makes of the sample in the last recorded epoch."""
    last = int(history.prediction[-1])
    if last < 0:
        return "last epoch: not recorded"
    mark = ":green[right]" if history.is_correct[-1] else ":orange[wrong]"
    return f"last epoch: **{as_text(title_of(last))}** ({mark})"


def _reasons(
    summary: RunSummary,
    index: int,
    history: SampleHistory,
    score: ScoreValues,
    early: Window,
    late: Window,
) -> str:
    """Put the numbers behind the rank into sentences."""
    version = summary.version
    n_epochs = len(history.prediction)
    percent = 100 * share_easier(score, index)
    lines = [
        f"- {SCORES[score.name].title}: **{score.values[index]:.4g}**, harder than "
        f"**{percent:.1f} %** of the other samples"
    ]
    if score.name == "eva":
        parts = reads.window_variances(version, early, late)
        lines.append(
            f"- its error varied by {parts[0][index]:.4f} in the early window ({early}) and by "
            f"{parts[1][index]:.4f} in the late one ({late}); the score is built from these two"
        )
    forgotten = {0: "never", 1: "once"}.get(history.n_forgotten, f"{history.n_forgotten} times")
    lines.append(f"- right in {int(history.is_correct.sum())} of {n_epochs} epochs")
    if history.first_correct is None:
        lines.append("- **never learned**: wrong in every epoch, look at its label")
    else:
        lines.append(f"- first right in epoch {history.first_correct}, forgotten {forgotten}")
    first = history.is_correct[:EARLY_EPOCHS]
    n_wrong = int((~first).sum())
    if 2 * n_wrong > len(first):
        lines.append(
            f"- **not learned early**: wrong in {n_wrong} of the first {len(first)} epochs, when "
            "the network learns what most labels agree on"
        )
    lines.append(
        f"- mean margin {history.mean_margin:+.2f} (below 0 the network mostly prefers "
        "another class: the label may be wrong)"
    )
    return "\n".join(lines)
