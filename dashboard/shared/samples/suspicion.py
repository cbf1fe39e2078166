"""What a run knows against its labels, cached: Review, Map and the sample card show it."""

import streamlit as st

from coreset_lib import workflows
from coreset_lib.review.suspicion import SuspicionQueue
from coreset_lib.runs.summary import RunSummary, RunVersion
from dashboard import reads

# Neighbours of more take longer than a card may.
MOST_FOR_A_CARD = 20_000


def suspicion(version: RunVersion) -> SuspicionQueue:
    """Return the samples in the order in which their labels should be looked at."""
    return _suspicion(version, evidence_stamps(version.folder))


def evidence_stamps(folder: str) -> tuple[float | None, ...]:
    """Return when each part of the evidence was written; a part of every key in a cache."""
    paths = reads.store().at(folder).paths
    added_later = (
        paths.noisy_flags,
        paths.embedding,
        paths.embedding_of("early"),
        paths.embedding_of("pixels"),
        paths.embedding_of("held_out_probabilities"),
    )
    return tuple(path.stat().st_mtime if path.exists() else None for path in added_later)


@st.cache_resource(max_entries=4, show_spinner="Looking for suspicious labels…")
def _suspicion(version: RunVersion, stamps: tuple[float | None, ...]) -> SuspicionQueue:
    """Look for suspicious labels; other stamps mean that the run knows more since."""
    del stamps  # part of the key: an embedding comes after the last epoch
    run = reads.store().at(version.folder)
    return workflows.suspicion(run, dynamics=reads.open_dynamics(version))


def suggestion_of(summary: RunSummary, index: int) -> str:
    """Say which class is suggested for a sample and why; empty for the label or too many."""
    dynamics = reads.open_dynamics(summary.version)
    if dynamics.n_samples > MOST_FOR_A_CARD:
        return ""
    return suspicion(summary.version).suggestion(index)
