"""Runs: start a training, watch it live, stop or delete it."""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.frame import chosen_run, draw_heading, run_title, run_titles, state_in_words
from dashboard.runs.actions import draw_queue, draw_run_actions
from dashboard.runs.chart import MOST_OTHERS, training_curves
from dashboard.runs.next_steps import draw_next_steps
from dashboard.runs.run_list import draw_list
from dashboard.shared.messages import draw_error
from dashboard.shared.start.form import draw_demo_offer, draw_start_form, is_handed_over
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG

draw_heading(
    "Runs",
    "A run trains a small network on your images and records, epoch by epoch, how each image "
    "is learned. Everything else in this program reads such a run.",
)
KNOWN_FIGURES = (
    *("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_auc"),
    *("learning_rate", "seconds", "samples_per_second"),
)


def draw_live() -> None:
    """Draw the chosen run, live while it trains."""
    summary = chosen_run()
    if summary is None:
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"**{as_text(run_title(summary))}**  \n`{summary.run_id}`", width="content")
        draw_run_actions(summary)
    draw_queue()
    _draw_progress(summary)
    _draw_curves(summary)
    _draw_log(summary)


def _draw_progress(summary: RunSummary) -> None:
    """Draw the progress bar, or the reason why there is none."""
    text = f"{state_in_words(summary)}"
    if summary.is_active:
        st.progress(summary.progress, text=text[0].upper() + text[1:])
        return
    if summary.state == "finished":
        st.success(f"Finished: {summary.epochs} epochs recorded.", icon=":material/check_circle:")
        draw_next_steps()
    elif summary.state == "failed":
        draw_error(f"Failed: {summary.error}")
    else:
        st.warning(
            f"{text[0].upper() + text[1:]}. The recorded epochs are kept and can be explored.",
            icon=":material/info:",
        )


def _draw_curves(summary: RunSummary) -> None:
    """Draw loss and accuracy, and their last values."""
    metrics = reads.read_metrics(summary.folder)
    if not metrics:
        st.info("Curves appear after the first epoch.", icon=":material/show_chart:")
        return
    with st.container(horizontal=True, gap="large"):
        st.metric("Epochs", f"{summary.epoch} / {summary.epochs}", width="content")
        for title, value, help_text in _last_figures(metrics[-1], summary.is_multi_label):
            st.metric(as_text(title), value, width="content", help=help_text)
    alt = f"Loss and accuracy after {len(metrics)} epochs"
    accuracy = metrics[-1].get("val_accuracy")
    if accuracy is not None:
        alt += f": validation accuracy {100 * accuracy:.1f} percent"
    others = _overlaid(summary)
    if others:
        alt += f", beside {' and '.join(others)}"
    st.plotly_chart(
        training_curves(metrics, others), config=PLOTLY_CONFIG, key="curves", alt=f"{alt}."
    )


def _overlaid(summary: RunSummary) -> dict[str, list[dict[str, Any]]]:
    """Draw the choice of runs whose curves are drawn too; return their metrics by title."""
    runs = {
        run.run_id: run
        for run in reads.run_summaries()
        if run.run_id != summary.run_id and run.epoch > 0 and not run.is_archived
    }
    if not runs:
        return {}
    titles = run_titles({summary.run_id: summary} | runs)
    chosen = st.multiselect(
        "Draw other runs too",
        list(runs),
        format_func=lambda run_id: titles[run_id],
        max_selections=MOST_OTHERS,
        key="overlaid-runs",
        persist_state="session",
        placeholder="None",
        help="Loss and accuracy of their validation splits, against the same epochs.",
    )
    return {titles[run_id]: reads.read_metrics(runs[run_id].folder) for run_id in chosen}


def _last_figures(
    last: dict[str, Any], is_multi_label: bool
) -> Iterator[tuple[str, str, str | None]]:
    """Yield title, value and help of what was recorded of an epoch; what was not is left out."""
    quantity = "exact match" if is_multi_label else "accuracy"
    if (auc := last.get("val_auc")) is not None:
        help_text = "Mean over the labels of the area under the ROC curve."
        yield "Validation AUC", f"{auc:.3f}", help_text
    for title, name in (("Validation", "val"), ("Training", "train")):
        if (share := last.get(f"{name}_accuracy")) is not None:
            yield f"{title} {quantity}", f"{100 * share:.1f} %", None
    for name in (name for name in last if name not in KNOWN_FIGURES):
        yield name, f"{last[name]:.4g}", None
    if (rate := last.get("samples_per_second")) is not None:
        yield "Samples per second", f"{rate:,.0f}", None


def _draw_log(summary: RunSummary) -> None:
    """Draw the details and the log, the newest line first: it needs no scrolling."""
    seed = "" if summary.seed is None else f"seed {summary.seed} · "
    st.caption(f"{as_text(summary.model)} · {seed}{as_text(summary.device or 'no device yet')}")
    if summary.is_recorded:
        recipe = reads.manifest_of(summary.folder).recipe
        told = f" Its recipe, in its author's words: {as_text(recipe)}." if recipe else ""
        st.caption(f"Recorded from a training of your own.{told}")
        return
    lines = reads.read_log(summary.folder).splitlines()
    with st.expander("Log, newest line first", key="log", icon=":material/notes:"):
        text = "\n".join(reversed(lines)) or "No log: this run was trained in a terminal."
        st.code(text, language=None, height=300)


try:
    if not reads.run_summaries():
        draw_demo_offer()
    with st.expander("Start a new run", icon=":material/add:", expanded=is_handed_over()):
        draw_start_form()
    is_active = any(summary.is_active for summary in reads.run_summaries())
    st.fragment(draw_live, run_every=1.5 if is_active else None)()
    st.fragment(draw_list, run_every=5.0 if is_active else None)()
except CoresetError as error:
    draw_error(error)
