"""Files to take away: one ZIP with a table and where it comes from, and scripts for a cluster."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from coreset_lib.atomic import csv_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.export.archive import archive_bytes, export_name
from coreset_lib.export.provenance import Export
from coreset_lib.spreadsheets import disarmed
from dashboard.shared.messages import draw_error

REBUILD = "A table (CSV) and where it comes from (JSON). Check it with:"


def draw_export(
    name: str,
    title: str,
    export: Callable[[], Export],
    *,
    about: str = "",
    handed_out: Callable[[], Export] | None = None,
    disabled: bool = False,
    is_primary: bool = True,
) -> None:
    """Draw the way to one ZIP of table and provenance; nothing is computed before it is opened.

    Parameters
    ----------
    name : str
        Tells this download from the others of the page.
    title : str
        Label of what is opened.
    export : callable
        Makes table and provenance.
    about : str
        What the table holds.
    handed_out : callable, optional
        Makes them on the click itself, where handing them out has an effect.
    disabled : bool
        Whether there is nothing to export yet.
    is_primary : bool
        Whether this is what the page is for.
    """
    place = st.popover(
        title,
        icon=":material/download:",
        type="primary" if is_primary else "secondary",
        key=f"export-{name}",
        on_change="rerun",
        disabled=disabled,
    )
    if not place.open:
        return
    with place:
        try:
            _draw_archive(name, export(), about, handed_out)
        except CoresetError as error:
            draw_error(error)


def _draw_archive(
    key: str, export: Export, about: str, handed_out: Callable[[], Export] | None
) -> None:
    """Draw the button, and what is in the file."""
    name = export_name(export)
    content = archive_bytes(export)
    st.download_button(
        "Download (ZIP)",
        content if handed_out is None else lambda: archive_bytes(handed_out()),
        file_name=f"{name}.zip",
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        key=f"archive-{key}",
        on_click="ignore",
    )
    if about:
        st.caption(about)
    st.caption(REBUILD)
    st.code(f"coreset-lens rebuild {name}.zip", language="bash", wrap_lines=True)


def draw_table_download(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Draw the way to a shown table as CSV; Streamlit's own holds live formulas and is off.

    Parameters
    ----------
    name : str
        File name without its ending; tells this download from the others of the page.
    rows : sequence of mapping of column name to cell
    """
    st.download_button(
        "Table (CSV)",
        lambda: table_csv(rows),
        f"{name}.csv",
        mime="text/csv",
        icon=":material/table:",
        key=f"table-{name}",
        type="tertiary",
        on_click="ignore",
    )


def table_csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Return rows as CSV in which a spreadsheet finds no formula."""
    table = pd.DataFrame([{name: _cell(cell) for name, cell in row.items()} for row in rows])
    return csv_bytes(table.rename(columns=disarmed))


def _cell(cell: object) -> object:
    """Return a cell as it may stand in a CSV: lists with commas, texts disarmed."""
    if isinstance(cell, (list, tuple)):
        cell = ", ".join(map(str, cell))
    return disarmed(cell) if isinstance(cell, str) else cell


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
