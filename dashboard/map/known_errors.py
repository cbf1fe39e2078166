"""The known wrong labels on the map: rings, how many are found, and how many a coreset keeps."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.known_errors import KnownErrors, known_errors, lies_among_others
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.map.data import Projection, positions
from dashboard.shared.samples.suspicion import suspicion
from dashboard.shared.text import as_text

DEFAULT_PERCENT = 10
HELP = (
    "Of these data it is known which labels are wrong: they are synthetic, or labels were made "
    "wrong on purpose. No choice and no score of this program looks at that."
)


def draw_reveal(summary: RunSummary, projection: Projection) -> KnownErrors | None:
    """Draw the switch where the truth is known, and what it reveals; None while it is off."""
    found = known_errors(reads.store().at(summary.folder))
    if found is None:
        return None
    is_on = st.toggle(
        "Reveal the known wrong labels",
        key="reveal",
        bind="query-params",
        persist_state="session",
        help=HELP,
    )
    if not is_on:
        return None
    n_among, n_right = _counts_among_others(summary, projection, found)
    n_wrong, n_samples = len(found.rows), len(found.labels)
    st.markdown(
        f"**{n_wrong:,} of {n_samples:,} labels are wrong** (ringed). **{n_among:,}** of them lie "
        f"among another class on this map, and {n_right:,} of the {n_samples - n_wrong:,} right "
        "ones (most of their 10 neighbours)."
    )
    for draw in (_draw_found, _draw_kept):
        try:
            draw(summary, found)
        except CoresetError as error:
            st.caption(as_text(error))
    return found


def ring_texts(found: KnownErrors, class_names: Sequence[str]) -> dict[int, str]:
    """Return what is said of each sample with a wrong label."""
    return {
        row: f"label known to be wrong; truly {class_names[int(found.true_labels[row])]}"
        for row in found.rows.tolist()
    }


def _counts_among_others(
    summary: RunSummary, projection: Projection, found: KnownErrors
) -> tuple[int, int]:
    """Return how many wrong and how many right labels lie among another class."""
    is_among = _among_others(summary, projection, found.labels)
    return int(is_among[found.is_wrong].sum()), int(is_among[~found.is_wrong].sum())


def _among_others(
    summary: RunSummary, projection: Projection, labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which samples lie among another class; found once for each map."""
    return _kept_among(
        (summary.version, projection), positions(summary.version, projection), labels
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept_among(
    key: tuple[object, ...], _places: NDArray[np.float32], _labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Find which samples lie among another class; ``key`` names run and map."""
    del key
    return lies_among_others(_places, _labels)


def _draw_found(summary: RunSummary, found: KnownErrors) -> None:
    """Draw how many of the most suspicious labels are wrong."""
    order = suspicion(summary.version).order
    parts = [f"{wrong:,} of the first {n:,}" for n, wrong in found.looked_through(order)]
    st.caption(f"Wrong among the most suspicious labels of Review: **{', '.join(parts)}**.")


def _draw_kept(summary: RunSummary, found: KnownErrors) -> None:
    """Draw how many wrong labels the recommended coreset keeps and leaves out."""
    percent = int(st.session_state.get("keep", DEFAULT_PERCENT))
    choices = (("strategy", "recommended"), ("score", None), ("rate", percent / 100))
    coreset, _ = reads.chosen_coreset(summary.version, choices)
    n_kept = found.among(coreset.indices)
    expected = found.expected_among(len(coreset.indices))
    st.caption(
        f"The recommended strategy at {percent} % keeps **{n_kept:,}** of them among "
        f"{len(coreset.indices):,} samples and leaves out {len(found.rows) - n_kept:,}; a random "
        f"draw would keep about {expected:.0f}."
    )
