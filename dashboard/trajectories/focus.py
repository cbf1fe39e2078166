"""The sample that is looked at: apart from the selection, and in the address as ``sample``."""

import streamlit as st

PARAMETER = "sample"


def focused(run_id: str, n_samples: int) -> int | None:
    """Return the focused sample of a run; None if nobody has focused one that exists.

    A new session takes over what the address names.
    """
    key = _key(run_id)
    if key not in st.session_state:
        st.session_state[key] = _from_address()
    sample: int | None = st.session_state[key]
    return sample if sample is not None and sample < n_samples else None


def focus_on(run_id: str, sample: int) -> None:
    """Look at this sample."""
    st.session_state[_key(run_id)] = sample


def _from_address() -> int | None:
    """Read the sample that the address names; None for none or nonsense."""
    text = st.query_params.get(PARAMETER, "")
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if is_number else None


def _key(run_id: str) -> str:
    """Key under which the focus of a run is kept."""
    return f"focus:{run_id}"
