"""Ways to bring data in without a terminal: a ZIP file, a folder dialog, a look at the folders."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from coreset_lib.cache import allowed_roots, chosen_roots, default_cache, given_roots
from coreset_lib.datasets.bringing.folders import folders_in, remember_folder
from coreset_lib.datasets.bringing.zip_file import remove_unpacked, unpack, unpacked_here
from coreset_lib.datasets.dataset_list import dataset_paths
from coreset_lib.errors import CoresetError
from coreset_lib.system.folder_dialog import ask_for_folder, has_folder_dialog
from coreset_lib.workflows.permission import check_permission
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text

ROOT = "add-data-root"
PATH = "add-data-path"
PLACE = "add-data-place"
UPLOAD = "add-data-upload"
TROUBLE = "add-data-trouble"
MOST_NAMES = 60
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def roots() -> list[str]:
    """Return the folders to choose from: those allowed, and every unpacked ZIP file."""
    cache = default_cache()
    found = [*given_roots(), *chosen_roots(cache), *unpacked_here(cache)]
    return list(dict.fromkeys(map(str, found)))


def root_title(root: str) -> str:
    """Name a folder for people."""
    is_unpacked = Path(root) in unpacked_here(default_cache())
    return f"ZIP: {Path(root).name}" if is_unpacked else root


def draw_bringing(*, is_first: bool) -> None:
    """Draw what brings in data that is not in a folder of the list yet."""
    with st.expander(
        "Bring in a ZIP file or another folder",
        expanded=is_first,
        icon=":material/drive_folder_upload:",
    ):
        _draw_upload()
        if _is_at_this_computer() and has_folder_dialog():
            st.button(
                "Choose a folder on this computer…",
                icon=":material/folder_open:",
                on_click=_choose_folder,
                help="Opens the folder dialog of this computer. Nothing is copied.",
            )
        if (trouble := st.session_state.pop(TROUBLE, "")) != "":
            draw_error(trouble)


def _draw_upload() -> None:
    """Draw the place for a ZIP file, and unpack one that was dropped there."""
    number = st.session_state.setdefault(UPLOAD, 0)
    given = st.file_uploader(
        "ZIP file with your images: drop it here",
        type="zip",
        key=f"{UPLOAD}-{number}",
        help="Images in one folder per class, a table with its images, or the files of a DICOM "
        "medium. It is unpacked into the cache of this program, for you alone, and read like a "
        "folder.",
    )
    if given is None:
        return
    try:
        check_permission("start or stop work")
        with st.spinner(f"Unpacking {as_text(given.name)}…"):
            found = unpack(given, given.name, cache=default_cache())
    except CoresetError as error:
        draw_error(error)
        return
    _go_to(found.folder, found.dataset)
    st.session_state[UPLOAD] = number + 1  # an empty place: the file has been taken
    st.toast(as_text(f"{given.name} is unpacked."), icon=":material/folder_zip:")
    st.rerun()


def _is_at_this_computer() -> bool:
    """Whether the browser says that it runs on the computer of the server."""
    host = st.context.headers.get("host") or ""
    return host.rpartition(":")[0] in LOCAL_HOSTS


def _choose_folder() -> None:
    """Ask for a folder in a dialog of this computer, and allow it."""
    try:
        check_permission("start or stop work")
        chosen = ask_for_folder("Folder with your images")
        if chosen is not None:
            remember_folder(chosen, cache=default_cache())
            _go_to(chosen.resolve(), chosen.resolve())
    except OSError as error:
        st.session_state[TROUBLE] = (
            f"The folder dialog did not help: {error}. Start the dashboard with "
            "`coreset-lens dashboard --data-root FOLDER` instead."
        )
    except CoresetError as error:
        st.session_state[TROUBLE] = str(error)


def _go_to(root: Path, dataset: Path) -> None:
    """Choose a folder, and the dataset in it."""
    st.session_state[ROOT] = str(root)
    inside = dataset.relative_to(root)
    st.session_state[PATH] = "" if inside == Path() else inside.as_posix()
    st.session_state.pop(PLACE, None)


def draw_folders(root: Path) -> None:
    """Draw the folders and datasets below an allowed folder, to go through and choose from."""
    with st.popover("Browse", icon=":material/folder_open:", width="stretch"):
        place = _place(root)
        try:
            folders = folders_in(place, allowed_roots())
        except CoresetError as error:
            draw_error(error)
            st.button("Back to the top", on_click=_enter, args=("",))
            return
        inside = place.relative_to(root).as_posix()
        st.markdown(f"**{as_text(root.name if inside == '.' else f'{root.name}/{inside}')}**")
        above = "" if inside == "." else place.parent.relative_to(root).as_posix()
        row = st.container(horizontal=True)
        row.button(
            "Up",
            icon=":material/arrow_upward:",
            disabled=inside == ".",
            on_click=_enter,
            args=(above,),
        )
        row.button(
            "Use this folder",
            icon=":material/check:",
            type="primary",
            on_click=_take,
            args=("" if inside == "." else inside,),
        )
        _draw_names("Folders", folders, root, place, go=_enter)
        files = [path.name for path in dataset_paths(place) if not path.is_dir()]
        _draw_names("Tables and array files", files, root, place, go=_take)
        if not folders and not files:
            st.caption("No folders, tables or array files in here.")
        _draw_removal(root)


def _draw_names(
    title: str, names: list[str], root: Path, place: Path, *, go: Callable[[str], None]
) -> None:
    """Draw names to click on; what was clicked goes to ``go`` as a path from the root."""
    if not names:
        return
    key = f"add-data-{title}:{place}"

    def clicked() -> None:
        if name := st.session_state[key]:
            go((place / name).relative_to(root).as_posix())

    st.pills(title, names[:MOST_NAMES], key=key, format_func=as_text, on_change=clicked)
    if len(names) > MOST_NAMES:
        st.caption(f"{len(names) - MOST_NAMES:,} more: type the name into the field instead.")


def _place(root: Path) -> Path:
    """Return the folder that is looked into; the root where that is not there any more."""
    place = root / st.session_state.get(PLACE, "")
    return place if place.is_dir() and place.is_relative_to(root) else root


def _enter(inside: str) -> None:
    """Go into a folder, named from the root."""
    st.session_state[PLACE] = inside


def _take(inside: str) -> None:
    """Write what was chosen into the field, where it can be changed."""
    st.session_state[PATH] = inside


def _draw_removal(root: Path) -> None:
    """Draw the way to remove what a ZIP file was unpacked to, with what that means."""
    if root not in unpacked_here(default_cache()):
        return
    st.divider()
    st.caption(
        "Unpacked from a ZIP file. Runs that were trained on it lose their images when it is "
        "removed, and cannot be resumed."
    )
    st.button(
        "Remove the unpacked images",
        icon=":material/delete:",
        key=f"remove:{root}",
        on_click=_remove,
        args=(str(root),),
    )


def _remove(root: str) -> None:
    """Remove an unpacked ZIP file."""
    try:
        remove_unpacked(Path(root), cache=default_cache())
    except CoresetError as error:
        st.session_state[TROUBLE] = str(error)
        return
    st.session_state.pop(ROOT, None)
    st.session_state[PATH] = ""
