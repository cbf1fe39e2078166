"""The map as of an earlier epoch: where the network put the samples then."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import reads

DEFAULT, LAST = "default", "last"
AS_OF = "as-of:"


def draw_as_of(summary: RunSummary) -> str | None:
    """Draw the choice of the epoch whose embedding is drawn; None for the run's own map."""
    run = reads.store().at(summary.folder)
    record = run.embedding_record()
    snapshots = run.snapshots()
    if not snapshots:
        st.caption(
            "This run kept no early embeddings: its map shows what the network thought at the "
            "end, when it may have learned wrong labels by heart."
        )
        return None
    own = f"epoch {record['epoch']} (UMAP)" if "epoch" in record else "last (UMAP)"
    titles = {DEFAULT: own} | {str(e): f"epoch {e}" for e in snapshots} | {LAST: "last"}
    chosen = st.select_slider(
        "As of",
        list(titles),
        value=DEFAULT,
        format_func=titles.__getitem__,
        key="as_of",
        bind="query-params",
        persist_state="session",
        help="What the network thought after so many epochs, drawn by PCA and turned to lie on "
        "the run's own map as well as it can. Early on, a wrong label lies among the images that "
        "it looks like; late, the network has learned it by heart and put it among its like. "
        f"The run's own map is of {own.removesuffix(' (UMAP)')}: {record['why']}.",
    )
    return None if chosen == DEFAULT else f"{AS_OF}{chosen}"


def epoch_of(projection: str, n_epochs: int) -> int | None:
    """Return the epoch (1-based) that a projection is as of; None for the run's own map."""
    if not projection.startswith(AS_OF):
        return None
    said = projection.removeprefix(AS_OF)
    return n_epochs if said == LAST else min(int(said), n_epochs)


def features_as_of(folder: str, projection: str) -> NDArray[np.float32]:
    """Return the embedding that a projection is as of, shape (samples, features)."""
    run = reads.store().at(folder)
    said = projection.removeprefix(AS_OF)
    found = run.features("surrogate") if said == LAST else run.snapshot(int(said))
    if found is None:
        raise CoresetError("the last embedding of this run was removed. Choose another epoch.")
    return found


def turned_onto(places: NDArray[np.float32], fixed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn, mirror, stretch and shift a map so that it lies on another as well as it can.

    Parameters
    ----------
    places, fixed : float32 array, shape (samples, 2)

    Returns
    -------
    float32 array, shape (samples, 2)
    """
    centre, target = places.mean(axis=0), fixed.mean(axis=0)
    moved, wanted = (places - centre).astype(np.float64), (fixed - target).astype(np.float64)
    left, sizes, right = np.linalg.svd(moved.T @ wanted)
    total = (moved**2).sum()
    stretch = sizes.sum() / total if total > 0 else 1.0
    # Two maps that have nothing in common would shrink to a point: keep the spread instead.
    spread = np.sqrt((wanted**2).sum() / total) if total > 0 else 1.0
    return (max(stretch, spread / 2) * moved @ (left @ right) + target).astype(np.float32)
