"""The quick check of a coreset: a small network really trained on it and on random ones."""

import math
from typing import Any

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.quick_check.plan import FEWEST_PAIRS, MOST_PAIRS, SECONDS, Indices
from coreset_lib.evaluation.quick_check.verdict import (
    FIGURES,
    FoundDifference,
    conclusion_in_words,
    difference_in_words,
)
from coreset_lib.jobs.quick_checks import QuickCheck
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text, time_in_words

POLL_SECONDS = 1.0
EXPLANATION = (
    f"A small network is trained from scratch on this coreset, and another one on a random draw "
    f"of the same size that keeps the shares of the classes; then again with other seeds, for "
    f"about {SECONDS} seconds ({FEWEST_PAIRS} to {MOST_PAIRS} pairs). All are judged on the "
    "validation split; the test split plays no part. A difference is only called one where its "
    "95 % interval over the seeds excludes 0. The training is short and the network small: "
    "Benchmark trains the run's own network, at its length, and tests it."
)


def draw_quick_check(summary: RunSummary, indices: Indices) -> None:
    """Draw the button, the progress or the result for the chosen coreset."""
    st.markdown("**Quick check** (a small network, really trained)", help=EXPLANATION)
    try:
        check = reads.quick_check(summary, indices)
    except CoresetError as error:
        draw_error(error)
        return
    is_active = check is not None and check.is_active
    live = st.fragment(_draw_live, run_every=POLL_SECONDS if is_active else None)
    live(summary, indices, is_active)


def _draw_live(summary: RunSummary, indices: Indices, was_active: bool) -> None:
    """Draw how it is now; the page is drawn anew when it has ended."""
    try:
        check = reads.quick_check(summary, indices)
        if was_active and not (check is not None and check.is_active):
            st.rerun()
        if check is None:
            _draw_start(summary, indices, "Train a small network on it")
            st.caption(f"About {SECONDS} seconds, beside random draws of the same size.")
        elif check.is_active:
            _draw_progress(check)
        elif check.status.state == "finished":
            _draw_found(check)
        else:
            _draw_ended_early(check, summary, indices)
    except CoresetError as error:
        draw_error(error)


def _draw_start(summary: RunSummary, indices: Indices, label: str) -> None:
    """Draw the button that starts it or goes on with it."""
    if st.button(label, icon=":material/model_training:", key="quick-check"):
        reads.start_quick_check(summary, indices)
        st.rerun()


def _draw_progress(check: QuickCheck) -> None:
    """Draw how far it is, with the button that ends it."""
    status = check.status
    share = status.epoch / status.epochs if status.epochs else 0.0
    left = f", about {time_in_words(status.eta_seconds)} left" if status.eta_seconds else ""
    words = f"network {status.epoch + 1} of {status.epochs}{left}" if status.epochs else "starting"
    st.progress(min(share, 1.0), words)
    if st.button("Cancel", icon=":material/stop:", key="cancel-quick-check"):
        reads.stop_quick_check(check)
        st.rerun()


def _draw_ended_early(check: QuickCheck, summary: RunSummary, indices: Indices) -> None:
    """Say why there is no result, and offer to go on."""
    state = check.status.state
    if check.status.error:
        st.error(as_text(check.status.error), icon=":material/error:")
    else:
        st.caption(f"Not complete ({state}). Finished trainings are kept.")
    _draw_start(summary, indices, "Go on" if state != "failed" else "Try again")


def _draw_found(check: QuickCheck) -> None:
    """Draw the figures, and what they tell; nothing is coloured."""
    if not check.found:
        st.caption("No figure is defined on the validation split: it may hold too few samples.")
        return
    st.markdown(conclusion_in_words(check.found))
    st.dataframe(
        [_row(name, each) for name, each in check.found.items()],
        hide_index=True,
        alt="Figures of the networks trained on the coreset and on random draws",
    )
    n_networks = next(iter(check.found.values())).n
    st.caption(
        f"{n_networks} networks on the coreset, {n_networks} on random draws, {check.n_samples:,} "
        f"samples each, judged on {check.n_val:,} validation images. ±: 95 % interval of the mean "
        "over the seeds; other validation images would add to it."
    )


def _row(name: str, found: FoundDifference) -> dict[str, Any]:
    """Return one line of the table."""
    return {
        "on validation": FIGURES[name],
        "coreset": _with_spread(found.coreset, found.coreset_spread),
        "random": _with_spread(found.random, found.random_spread),
        "coreset and random": difference_in_words(found),
    }


def _with_spread(mean: float, spread: float) -> str:
    """Return a share in percent with half its interval, where that is known."""
    known = "" if math.isnan(spread) else f" ± {100 * spread:.1f}"
    return f"{100 * mean:.1f} %{known}"
