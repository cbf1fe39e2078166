"""Who is reading: the name from the login, or on a single workstation a chosen one."""

from typing import Any

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.review.store import ReviewStore
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text

KEY = "reader"


def has_login() -> bool:
    """Whether an OpenID Connect provider is configured in the secrets."""
    return "is_logged_in" in st.user


def draw_reader(store: ReviewStore) -> str | None:
    """Draw who is reading; None until somebody is known who has a role."""
    readers = store.readers()
    if has_login():
        return _draw_login(store, readers)
    if not readers:
        _draw_first(store)
        return None
    return st.selectbox(
        "Reader",
        list(readers),
        index=None,
        placeholder="Who are you?",
        key=KEY,
        bind="query-params",
        persist_state="session",
        width=150,
        help="Every decision is recorded under this name. An admin adds readers below.",
    )


def login_name(user: Any) -> str:
    """Return the name that a login is recorded under: the address, else the subject."""
    return str(user.get("email") or user.get("preferred_username") or user.get("sub") or "").strip()


def _draw_login(store: ReviewStore, readers: dict[str, str]) -> str | None:
    """Draw the way in, or who is in."""
    if not st.user.get("is_logged_in"):
        st.info("Decisions are recorded under your name: log in first.", icon=":material/login:")
        st.button("Log in", on_click=st.login, type="primary")
        return None
    name = login_name(st.user)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Logged in as **{as_text(name)}**")
        st.button("Log out", on_click=st.logout, type="tertiary")
    if not readers:
        _draw_first(store, name)
        return None
    if name not in readers:
        st.info(
            f"{as_text(name)} is not among the readers yet. Ask an admin to add you.",
            icon=":material/person_off:",
        )
        return None
    return name


def _draw_first(store: ReviewStore, name: str = "") -> None:
    """Let the first person begin, as the admin who adds the others."""
    st.info(
        "Nobody has reviewed here yet. Whoever begins is the admin: they may decide, confirm and "
        "add other readers.",
        icon=":material/person_add:",
    )
    with st.form("first-reader", width=420):
        chosen = name or st.text_input("Your name", placeholder="anna.meier").strip()
        is_sent = st.form_submit_button("Begin", type="primary")
    if not is_sent:
        return
    try:
        store.grant(chosen, "admin", by=chosen)
    except CoresetError as error:
        draw_error(error)
        return
    if not name:
        st.query_params[KEY] = chosen
    st.rerun()
