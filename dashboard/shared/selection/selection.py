"""The samples selected in a run: one selection for all pages, with undo, and in the address."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.cache import default_cache
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.saved_views import load_selection, store_selection

PARAMETER = "selection"
MOST_IN_URL = 50
MOST_STEPS = 20
# Undo must not fill the memory of a server with many sessions on large runs.
MOST_KEPT = 4_000_000
_LISTED = re.compile(r"[0-9]{1,9}(,[0-9]{1,9})*")

Indices = NDArray[np.int64]
Mode = Literal["replace", "add", "remove"]


def selected(run_id: str, n_samples: int | None = None) -> Indices:
    """Return the selected samples of a run (positions in the training split), first = main.

    A new session takes over what the address names.

    Parameters
    ----------
    run_id : str
    n_samples : int, optional
        Leave out what is not a sample of the run.
    """
    if _key(run_id) not in st.session_state:
        st.session_state[_key(run_id)] = read_address(run_id, PARAMETER)
    found: Indices = st.session_state[_key(run_id)]
    return found if n_samples is None else found[found < n_samples]


def select(run_id: str, indices: Sequence[int] | NDArray[Any]) -> None:
    """Make these samples the selection that every page shows; the former one can come back."""
    before = selected(run_id)
    after = np.array(indices, dtype=np.int64)
    after.flags.writeable = False
    if np.array_equal(before, after):
        return
    steps = [*st.session_state.get(_steps_key(run_id), ()), before][-MOST_STEPS:]
    while len(steps) > 1 and sum(map(len, steps)) > MOST_KEPT:
        steps.pop(0)
    st.session_state[_steps_key(run_id)] = steps
    st.session_state[_key(run_id)] = after


def combine(run_id: str, indices: NDArray[Any], mode: Mode) -> None:
    """Replace the selection by these samples, add them to it, or take them out of it."""
    before = selected(run_id)
    if mode == "add":
        select(run_id, np.concatenate([before, indices[~np.isin(indices, before)]]))
    elif mode == "remove":
        select(run_id, before[~np.isin(before, indices)])
    else:
        select(run_id, indices)


def toggle(run_id: str, index: int) -> None:
    """Add one sample to the selection, or take it out if it is there."""
    is_there = bool((selected(run_id) == index).any())
    combine(run_id, np.array([index]), "remove" if is_there else "add")


def invert(run_id: str, n_samples: int) -> None:
    """Select all samples that were not selected."""
    is_selected = np.zeros(n_samples, dtype=np.bool_)
    is_selected[selected(run_id, n_samples)] = True
    select(run_id, np.flatnonzero(~is_selected))


def can_undo(run_id: str) -> bool:
    """Whether the selection has been changed."""
    return bool(st.session_state.get(_steps_key(run_id)))


def undo(run_id: str) -> None:
    """Bring back the selection from before the last change."""
    steps = st.session_state.get(_steps_key(run_id))
    if steps:
        st.session_state[_key(run_id)] = steps[-1]
        st.session_state[_steps_key(run_id)] = steps[:-1]


def take_problem(run_id: str) -> str | None:
    """Return once why the selection in the address could not be used, None if it could."""
    return st.session_state.pop(f"selection-problem:{run_id}", None)


def address_of(run_id: str) -> str | None:
    """Return what stands for the selection in the address: samples, or a stored name."""
    return write_address(run_id, selected(run_id))


def write_address(run_id: str, indices: Indices) -> str | None:
    """Return what stands for some samples in the address: their numbers, or a stored name.

    None if there are none, or many of them cannot be stored: then the address does not hold
    them, and nothing else is lost.
    """
    if not len(indices):
        return None
    if len(indices) <= MOST_IN_URL:
        return ",".join(map(str, indices.tolist()))
    try:
        return store_selection(_paths(run_id), indices)
    except CoresetError:
        return None


def mark_shown(run_id: str) -> None:
    """Note that the frame of the page shows this selection."""
    st.session_state["selection-shown"] = (run_id, selected(run_id))


def redraw_if_changed(run_id: str) -> None:
    """Draw the whole page again if a fragment has changed the selection."""
    shown = st.session_state.get("selection-shown")
    if shown is not None and shown[0] == run_id and shown[1] is not selected(run_id):
        st.rerun()


def read_address(run_id: str, parameter: str) -> Indices:
    """Read the samples that the address names; a problem is kept for the page to tell."""
    text = st.query_params.get(parameter) or ""
    found = np.empty(0, dtype=np.int64)
    parts = text.split(",")
    if len(parts) <= MOST_IN_URL and all(
        p.isascii() and p.isdigit() and len(p) < 10 for p in parts
    ):
        found = np.array(list(dict.fromkeys(map(int, parts))), dtype=np.int64)
    elif text:
        try:
            found = load_selection(_paths(run_id), text)
        except CoresetError as error:
            st.session_state[f"selection-problem:{run_id}"] = str(error)
    found.flags.writeable = False
    return found


def _paths(run_id: str) -> RunPaths:
    """Return where a run lies."""
    return RunPaths(runs_folder(default_cache()) / run_id)


def _key(run_id: str) -> str:
    """Key under which the selection of a run is kept."""
    return f"selection:{run_id}"


def _steps_key(run_id: str) -> str:
    """Key under which its former selections are kept, latest last."""
    return f"selection-steps:{run_id}"
