"""Files to take away: a CSV with what is needed to rebuild it, and scripts for a cluster."""

from collections.abc import Callable

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export
from dashboard.shared.messages import draw_error

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


def draw_slurm_script(name: str, script: Callable[[], str], about: str) -> None:
    """Draw the way to a script for a cluster; it is made, or found impossible, when asked for.

    Parameters
    ----------
    name : str
        File name without its ending.
    script : callable
        Makes the script.
    about : str
        What it does.
    """
    place = st.popover("Slurm", icon=":material/dns:", key=f"slurm:{name}", on_change="rerun")
    if not place.open:
        return
    with place:
        try:
            content = script()
        except CoresetError as error:
            draw_error(error)
            return
        st.caption(about)
        st.download_button(
            "Slurm script",
            content,
            f"{name}.sbatch",
            mime="text/plain",
            icon=":material/download:",
            on_click="ignore",
        )
