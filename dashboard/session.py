"""What all pages share in one session: the chosen run, windows and samples; and the URL."""

import hashlib
from collections.abc import Sequence

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.shared.selection import selection

RUN = "run"
LINKED_WINDOWS = "linked-windows"
Windows = tuple[Window, Window]


def adopt_run(run_ids: Sequence[str]) -> str | None:
    """Choose the run that the URL names, or keep the chosen one; the first where it is gone.

    Call it before the run picker is drawn.

    Returns
    -------
    str or None
        The run that was asked for and is not there.
    """
    wanted = st.session_state.get(RUN) or st.query_params.get(RUN)
    if wanted in run_ids:
        st.session_state[RUN] = wanted
        return None
    st.session_state.pop(RUN, None)
    show_in_url(run=None)
    return wanted or None


def choose_run(run_id: str) -> None:
    """Make a run the chosen one; call it before the run picker is drawn or in a callback."""
    st.session_state[RUN] = run_id


def forget_run() -> None:
    """Choose no run: the newest one will be."""
    st.session_state.pop(RUN, None)
    show_in_url(run=None)


def component_key(kind: str, *parts: object) -> str:
    """Return the key of a component or of a state that belongs to what a person named.

    Names of datasets and readers never stand in a key: Streamlit cuts the keys of components
    at two underscores.
    """
    told = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace"))
    return f"{kind}:{told.hexdigest()[:20]}"


def windows_key(run_id: str) -> str:
    """Key under which the windows of a run are kept."""
    return component_key("windows", run_id)


def initial_windows(summary: RunSummary) -> Windows:
    """Return the windows that the link to this session named, if they fit; else the defaults.

    These lie where the population of the run still moves.

    The link is read once: what the URL says later is only what the pages wrote there. So the
    defaults follow a run that grows, and a link's windows outlast a change of the page.
    """
    run_id = st.session_state.get(RUN)
    if LINKED_WINDOWS not in st.session_state:
        st.session_state[LINKED_WINDOWS] = (run_id, _windows_in_url())
    linked_run, windows = st.session_state[LINKED_WINDOWS]
    if windows is not None and linked_run == run_id and windows[1].last <= summary.epoch:
        return windows
    return reads.moving_windows(summary.version)


def _windows_in_url() -> Windows | None:
    """Return the windows that the URL names; None if it names none or nonsense."""
    try:
        early, late = (Window.parse(st.query_params[name]) for name in ("early", "late"))
    except (KeyError, CoresetError):
        return None
    return (early, late) if early.last < late.first else None


def selected_samples(run_id: str) -> tuple[int, ...]:
    """Return the samples selected in a run (indices in the training split), first = main."""
    return tuple(selection.selected(run_id).tolist())


def select_samples(run_id: str, indices: Sequence[int]) -> None:
    """Make these samples the selection that every page shows."""
    selection.select(run_id, indices)


def show_in_url(**parameters: str | None) -> None:
    """Write what defines the view into the URL; None takes a parameter out."""
    for name, value in parameters.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value
