"""What a run knows against its labels, cached: Review, Map and the sample card show it."""

import streamlit as st

from coreset_lib.review.suspicion import SuspicionQueue, evidence_of_run, suspicion_queue
from coreset_lib.runs.summary import RunSummary
from dashboard import reads

# Neighbours of more take longer than a card may.
MOST_FOR_A_CARD = 20_000


def suspicion(folder: str, created: str, n_epochs: int) -> SuspicionQueue:
    """Return the samples in the order in which their labels should be looked at."""
    return _suspicion(folder, created, n_epochs, evidence_stamps(folder))


def evidence_stamps(folder: str) -> tuple[float | None, ...]:
    """Return when each part of the evidence was written; a part of every key in a cache."""
    paths = reads.store().at(folder).paths
    added_later = (
        paths.verdict,
        paths.embedding,
        paths.embedding_of("early"),
        paths.embedding_of("pixels"),
        paths.embedding_of("held_out_probabilities"),
    )
    return tuple(path.stat().st_mtime if path.exists() else None for path in added_later)


@st.cache_resource(max_entries=4, show_spinner="Looking for suspicious labels…")
def _suspicion(
    folder: str, created: str, n_epochs: int, stamps: tuple[float | None, ...]
) -> SuspicionQueue:
    """Look for suspicious labels; other stamps mean that the run knows more since."""
    del stamps  # part of the key: an embedding comes after the last epoch
    dynamics = reads.open_dynamics(folder, created, n_epochs)
    run = reads.store().at(folder)
    return suspicion_queue(dynamics, verdict=run.verdict(), **evidence_of_run(run, dynamics))


def suggestion_of(summary: RunSummary, index: int) -> str:
    """Say which class is suggested for a sample and why; empty for the label or too many."""
    dynamics = reads.open_dynamics(summary.folder, summary.created, summary.epoch)
    if dynamics.n_samples > MOST_FOR_A_CARD:
        return ""
    return suspicion(summary.folder, summary.created, summary.epoch).suggestion(index)
