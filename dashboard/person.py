"""Who has logged in to this dashboard, and what their role is."""

import streamlit as st

from coreset_lib.errors import ReviewError
from coreset_lib.review.identity import login_name, reader_of_login
from coreset_lib.workflows.permission import Person
from dashboard.review.data import reviews


def has_login() -> bool:
    """Whether an OpenID Connect provider is configured in the secrets."""
    return "is_logged_in" in st.user


def current_person() -> Person | None:
    """Return who is there; None where nobody logs in, as on a single workstation.

    Raises
    ------
    ReviewError
        If there is a login and nobody has come in by it, or nobody has a role yet.
    """
    if not has_login():
        return None
    if not st.user.get("is_logged_in"):
        raise ReviewError("whoever changes something must be known: log in on the Review page.")
    name, readers = login_name(dict(st.user)), reviews().readers()
    if not readers:
        raise ReviewError(
            "nobody has a role here yet. Begin on the Review page: whoever does is the admin."
        )
    known = reader_of_login(name, readers)
    return Person(name=known or name, role=readers.get(known or name))
