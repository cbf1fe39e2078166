"""A coreset in the form of another program, chosen and downloaded."""

from collections.abc import Callable

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.export.archive import export_name, zip_bytes
from coreset_lib.export.forms import FOLDER, KEY_OBJECTS, NAMES
from coreset_lib.export.forms.registry import FORMS
from coreset_lib.export.provenance import Export
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.shared.messages import draw_error

FOLDER_TITLE = "Folder of images: train, val, test"
AGREE = "The UIDs may be given away"
AGREE_HELP = (
    "The files name the UIDs of studies and images, and no patient. Whoever has access to the "
    "archive finds the patients by them."
)


def draw_other_forms(summary: RunSummary, export: Callable[[], Export]) -> None:
    """Draw the choice of a form and its download; nothing is computed before it is opened."""
    place = st.popover(
        "Other forms", icon=":material/more_horiz:", key="other-forms", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        form = st.selectbox("Form", NAMES, format_func=_title, key="form")
        try:
            if form == FOLDER:
                _draw_folder(export_name(export()))
            elif form != KEY_OBJECTS or st.checkbox(AGREE, help=AGREE_HELP, key="with-uids"):
                _draw_download(summary, export(), form)
            else:
                st.caption(AGREE_HELP)
        except CoresetError as error:
            draw_error(error)


def _title(form: str) -> str:
    """Return a form's name for people."""
    return FOLDER_TITLE if form == FOLDER else FORMS[form].title


def _draw_download(summary: RunSummary, export: Export, form: str) -> None:
    """Draw the button of one form: its file, or a ZIP of its files."""
    files = reads.coreset_form(summary, export, form, with_uids=form == KEY_OBJECTS)
    name = f"{export_name(export)}-{form}"
    ending = FORMS[form].ending
    content = next(iter(files.values())) if ending else zip_bytes(files)
    st.download_button(
        "Download",
        content,
        file_name=f"{name}{ending or '.zip'}",
        icon=":material/download:",
        key="download-form",
        on_click="ignore",
    )
    st.caption(f"Use: `{FORMS[form].use}`")


def _draw_folder(name: str) -> None:
    """Say how the images are written: they stay on this computer."""
    st.caption(
        "Copies of the images, or with --links links to them, are written on this computer, "
        "from the coreset's ZIP:"
    )
    st.code(
        f"coreset-lens take-away {name}.zip --form {FOLDER} --out {name}",
        language="bash",
        wrap_lines=True,
    )
