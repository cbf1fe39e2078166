"""The two files of every export: a CSV, and beside it what is needed to rebuild it."""

from collections.abc import Callable

import streamlit as st

from coreset_lib.export.provenance import Export

REBUILD = "Keep it beside the CSV; check with: coreset-lens rebuild <file>.csv"


def draw_export(
    name: str,
    title: str,
    export: Callable[[], Export],
    *,
    csv: Callable[[], bytes] | None = None,
    csv_help: str | None = None,
    provenance_title: str = "Provenance (JSON)",
    provenance_help: str | None = REBUILD,
    disabled: bool = False,
) -> None:
    """Draw the two buttons; nothing is computed before one is clicked.

    Parameters
    ----------
    name : str
        File name without its ending.
    title : str
        Label of the first button.
    export : callable
        Makes both files.
    csv : callable, optional
        Makes the CSV in the place of ``export``, where handing it out has an effect.
    csv_help, provenance_title, provenance_help : str
        Words of the buttons.
    disabled : bool
        Whether there is nothing to export yet.
    """
    st.download_button(
        f"{title} (CSV)",
        csv or (lambda: export().csv),
        file_name=f"{name}.csv",
        mime="text/csv",
        type="primary",
        icon=":material/download:",
        disabled=disabled,
        on_click="ignore",
        help=csv_help,
    )
    st.download_button(
        provenance_title,
        lambda: export().provenance_bytes(),
        file_name=f"{name}.provenance.json",
        mime="application/json",
        icon=":material/description:",
        disabled=disabled,
        on_click="ignore",
        help=provenance_help,
    )
