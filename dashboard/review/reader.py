"""Who is reading: the name from the login, or on a single workstation a chosen one."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.review.identity import login_name, reader_of_login
from coreset_lib.review.records import Rules
from coreset_lib.review.store import ReviewStore
from dashboard.person import has_login
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text

KEY = "reader"


HOW_MANY = {
    "never": "Alone: what I decide counts at once and can be exported",
    "relabel": "With a second reader: a changed label counts once another person confirms it",
}


def draw_question(store: ReviewStore, fingerprint: str, reader: str, role: str) -> None:
    """Ask the admin once for each dataset whether one reader is enough."""
    if role != "admin" or store.has_rules(fingerprint):
        return
    with st.container(border=True, key="how-many-readers"):
        st.markdown(
            "**Alone or with a second reader?** Nobody has said it for this dataset yet; until "
            "then changed labels wait for a second reader. It can be changed below, under "
            "Readers and rules."
        )
        row = st.container(horizontal=True)
        for name, label in {"never": "Alone", "relabel": "With a second reader"}.items():
            row.button(
                label,
                key=f"second-reading:{name}",
                help=HOW_MANY[name],
                on_click=_set_rule,
                args=(store, fingerprint, name, reader),
            )


def _set_rule(store: ReviewStore, fingerprint: str, name: str, reader: str) -> None:
    """Keep the answer (a callback)."""
    try:
        store.set_rules(fingerprint, Rules(second_reading=name), by=reader)
    except CoresetError as error:
        draw_error(error)


def draw_reader(store: ReviewStore, fingerprint: str) -> str | None:
    """Draw who is reading a dataset; None until somebody is known who has a role."""
    readers = store.readers()
    if has_login():
        return _draw_login(store, readers, fingerprint)
    if not readers:
        _draw_first(store, fingerprint)
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


def _draw_login(store: ReviewStore, readers: dict[str, str], fingerprint: str) -> str | None:
    """Draw the way in, or who is in."""
    if not st.user.get("is_logged_in"):
        st.info("Decisions are recorded under your name: log in first.", icon=":material/login:")
        st.button("Log in", on_click=st.login, type="primary")
        return None
    try:
        name = login_name(dict(st.user))
    except CoresetError as error:
        draw_error(error)
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Logged in as **{as_text(name)}**")
        st.button("Log out", on_click=st.logout, type="tertiary")
    if not readers:
        _draw_first(store, fingerprint, name)
        return None
    found = reader_of_login(name, readers)
    if found is None:
        st.info(
            "You are not among the readers yet. Ask an admin to add you under this name, "
            "with what stands in the brackets:",
            icon=":material/person_off:",
        )
        st.code(name, language=None)
    return found


def _draw_first(store: ReviewStore, fingerprint: str, name: str = "") -> None:
    """Let the first person begin, as the admin who adds the others."""
    st.info(
        "Nobody has reviewed here yet. Whoever begins is the admin: they may decide, confirm and "
        "add other readers.",
        icon=":material/person_add:",
    )
    with st.form("first-reader", width=420):
        chosen = name or st.text_input("Your name", placeholder="anna.meier").strip()
        second = st.radio(
            "Alone or with a second reader?", list(HOW_MANY), format_func=HOW_MANY.__getitem__
        )
        is_sent = st.form_submit_button("Begin", type="primary")
    if not is_sent:
        return
    try:
        store.grant(chosen, "admin", by=chosen)
        store.set_rules(fingerprint, Rules(second_reading=second), by=chosen)
    except CoresetError as error:
        draw_error(error)
        return
    if not name:
        st.query_params[KEY] = chosen
    st.rerun()
