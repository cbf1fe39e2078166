"""Samples that a person forces into the coreset of a run or keeps out, in the address too."""

from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.shared.selection import selection
from dashboard.shared.selection.selection import Indices

Side = Literal["force_in", "keep_out"]
SIDES: tuple[Side, Side] = ("force_in", "keep_out")


def forced(run_id: str, side: Side, n_samples: int | None = None) -> Indices:
    """Return the samples that are forced in or kept out, ascending.

    A new session takes over what the address names.

    Parameters
    ----------
    run_id : str
    side : {"force_in", "keep_out"}
    n_samples : int, optional
        Leave out what is not a sample of the run.
    """
    if _key(run_id, side) not in st.session_state:
        found = np.unique(selection.read_address(run_id, side))
        if side == "keep_out":
            found = np.setdiff1d(found, forced(run_id, "force_in"))
        st.session_state[_key(run_id, side)] = found
    found: Indices = st.session_state[_key(run_id, side)]
    return found if n_samples is None else found[found < n_samples]


def force(run_id: str, side: Side, indices: NDArray[Any]) -> None:
    """Put samples on one side; they leave the other one."""
    other: Side = "keep_out" if side == "force_in" else "force_in"
    st.session_state[_key(run_id, other)] = np.setdiff1d(forced(run_id, other), indices)
    st.session_state[_key(run_id, side)] = np.union1d(forced(run_id, side), indices)


def release(run_id: str, indices: NDArray[Any]) -> None:
    """Leave these samples to the strategy again."""
    for side in SIDES:
        st.session_state[_key(run_id, side)] = np.setdiff1d(forced(run_id, side), indices)


def in_address(run_id: str) -> dict[str, str | None]:
    """Return what stands for both sides in the address."""
    return {side: selection.write_address(run_id, forced(run_id, side)) for side in SIDES}


def _key(run_id: str, side: Side) -> str:
    """Key under which one side of a run is kept."""
    return f"{side}:{run_id}"
