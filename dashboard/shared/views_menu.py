"""Named views of the run: save what is on the screen, open it again from its address."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.saved_views import SavedView, delete_view, list_views, load_view, save_view
from coreset_lib.runs.summary import RunSummary
from coreset_lib.workflows.permission import check_permission
from dashboard import reads, session
from dashboard.shared.messages import draw_error
from dashboard.shared.selection import selection
from dashboard.shared.text import as_text

PARAMETER = "view"
MESSAGE = "view-message"
NAME = "view-name"
# What a view keeps by itself, or what belongs to the address only.
NOT_KEPT = (PARAMETER, session.RUN, selection.PARAMETER)
LINK = (
    '<a href="./{page}?{query}" target="_self" style="overflow-wrap: anywhere">{name}</a>'
    "<style>a {{color: var(--st-link-color, inherit)}}</style>"
)


def restore_view(pages: Mapping[str, Any]) -> None:
    """Show the view that the address names, on its page; call it before anything is drawn.

    Parameters
    ----------
    pages : mapping of short name to page
    """
    name = st.query_params.get(PARAMETER)
    if name is None:
        return
    try:
        view, run_id = _find(name)
        if view.page not in pages:
            raise CoresetError(
                f"view {view.name!r} is of page {view.page[:40]!r}, which is not one of "
                f"{', '.join(pages)}. Save it anew."
            )
    except CoresetError as error:
        st.session_state[MESSAGE] = ("error", str(error))
        session.show_in_url(**{PARAMETER: None})
        return
    session.choose_run(run_id)
    selection.select(run_id, view.selection)
    parameters = {k: v for k, v in view.parameters.items() if k not in NOT_KEPT}
    st.switch_page(pages[view.page], query_params={**parameters, session.RUN: run_id})


def draw_views_menu(summary: RunSummary, page: str) -> None:
    """Draw the menu of saved views in the sidebar, and what became of the last action."""
    _draw_message()
    with st.sidebar.popover("Views", icon=":material/bookmark:", key="views-menu"):
        st.text_input(
            "Save this view as",
            key=NAME,
            max_chars=60,
            placeholder="for example: hard liver cases",
            help="Page, options and selection are stored with the run, for everyone who opens it.",
        )
        st.button(
            "Save view",
            key="save-view",
            icon=":material/bookmark_add:",
            on_click=_save,
            args=(summary, page),
        )
        names = list_views(reads.store().at(summary.folder).paths)
        if not names:
            st.caption("No view saved yet. A saved view opens again from its own address.")
        for name in names:
            _draw_entry(summary, page, name)


def _draw_entry(summary: RunSummary, page: str, name: str) -> None:
    """Draw one saved view: a link that can be copied, and a button that deletes it."""
    link, button = st.columns([5, 1], vertical_alignment="center")
    query = urlencode({PARAMETER: name, session.RUN: summary.run_id})
    address = "" if page == "runs" else page
    link.html(LINK.format(page=address, query=escape(query), name=escape(name)))
    button.button(
        "Delete",
        key=f"delete-view:{name}",
        icon=":material/delete:",
        type="tertiary",
        help=f"Delete the view {name}",
        on_click=_delete,
        args=(summary, name),
    )


def _find(name: str) -> tuple[SavedView, str]:
    """Return a view and its run: the one in the address, else the newest."""
    run = reads.store().find(st.query_params.get(session.RUN) or "latest")
    return load_view(run.paths, name), run.run_id


def _save(summary: RunSummary, page: str) -> None:
    """Store page, options and selection under the name that was typed."""
    paths = reads.store().at(summary.folder).paths
    parameters = {k: v for k, v in st.query_params.to_dict().items() if k not in NOT_KEPT}
    view = SavedView(
        name=st.session_state[NAME],
        page=page,
        parameters=parameters,
        selection=selection.selected(summary.run_id),
    )
    try:
        check_permission("change runs")
        is_replaced = save_view(paths, view)
    except CoresetError as error:
        st.session_state[MESSAGE] = ("error", str(error))
        return
    done = "replaced" if is_replaced else "saved"
    st.session_state[MESSAGE] = ("success", f"View {view.name.strip()!r} {done}.")
    st.session_state[NAME] = ""


def _delete(summary: RunSummary, name: str) -> None:
    """Remove a view."""
    try:
        check_permission("change runs")
        delete_view(reads.store().at(summary.folder).paths, name)
    except CoresetError as error:
        st.session_state[MESSAGE] = ("error", str(error))


def _draw_message() -> None:
    """Say once what became of the last action: mistakes on the page, success in passing."""
    kind, text = st.session_state.pop(MESSAGE, (None, ""))
    if kind == "error":
        draw_error(text)
    elif kind == "success":
        st.toast(as_text(text), icon=":material/bookmark:")
