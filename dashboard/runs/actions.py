"""Rename, stop, resume, delete, each where it makes sense, deletion only after a second click."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import reads, session
from dashboard.runs.report import draw_report
from dashboard.shared.downloads import draw_slurm_script
from dashboard.shared.messages import draw_error
from dashboard.shared.start.form import STARTED
from dashboard.shared.text import as_text, bytes_in_words

RESUMABLE = ("stopped", "interrupted", "failed")
SCRIPT = "For sbatch on a cluster that sees this folder, or has a copy of it."


def draw_run_actions(summary: RunSummary) -> None:
    """Draw the buttons for one run."""
    row = st.container(horizontal=True)
    with row.popover(
        "Rename…", icon=":material/edit:", help="A name, tags and a note to find it by."
    ):
        _draw_naming(summary)
    if summary.is_active:
        if row.button("Stop", icon=":material/stop:", help="The recorded epochs are kept."):
            _stop(summary)
        return
    is_resumable = summary.state in RESUMABLE and not summary.is_recorded
    if is_resumable and row.button(
        "Resume", icon=":material/resume:", help="Goes on from the last checkpoint."
    ):
        _resume(summary)
    if is_resumable:
        with row:
            draw_slurm_script(summary.run_id, lambda: reads.slurm_script(summary.folder), SCRIPT)
    _draw_average(summary)
    if summary.epoch:
        with row:
            draw_report(summary)
    title, about = (
        ("Bring back", "Lists show it again.")
        if summary.is_archived
        else ("Archive", "Takes it out of the lists. Its files stay as they are.")
    )
    if row.button(title, icon=":material/archive:", help=about):
        _archive(summary)
    if row.button("Delete…", icon=":material/delete:"):
        _confirm_deletion(summary)


def _draw_average(summary: RunSummary) -> None:
    """Draw the button that averages a run with those of other seeds, where that is still open."""
    if summary.state != "finished" or reads.manifest_of(summary.folder).members:
        return
    runs = reads.repetitions(summary)
    if len(runs) < 2 or reads.is_averaged(runs):
        return
    if st.button(
        f"Average the {len(runs)} runs",
        icon=":material/functions:",
        help="This run and those that differ from it in their seed only become one run more, an "
        "ensemble: the errors of each epoch are averaged before anything is scored (EVA).",
    ):
        try:
            st.session_state[STARTED] = reads.average(runs)
        except CoresetError as error:
            draw_error(error)
            return
        st.rerun()


def draw_queue() -> None:
    """Draw the runs that wait for their turn, and let one of them go first."""
    waiting = reads.waiting_runs()
    if not waiting:
        return
    st.markdown("#### Waiting for the device")
    for entry in waiting:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(f"{entry.position}. `{entry.run_id}` on {entry.device}")
        if entry.position > 1 and row.button("Next", key=f"next:{entry.run_id}"):
            try:
                reads.move_run(reads.folder_of(entry.run_id), 1)
            except CoresetError as error:
                draw_error(error)
                return
            st.rerun()


def _resume(summary: RunSummary) -> None:
    """Resume the run and say what keeps it from that."""
    with st.spinner("Starting the training process…"):
        try:
            reads.resume_run(summary.folder)
        except CoresetError as error:
            draw_error(error)
            return
    st.rerun()


def _stop(summary: RunSummary) -> None:
    """Stop the run and say how it went."""
    with st.spinner("Stopping…"):
        try:
            reads.stop_run(summary.folder)
        except CoresetError as error:
            draw_error(error)
            return
    st.rerun()


def _archive(summary: RunSummary) -> None:
    """Take the run out of the lists, or put it back."""
    try:
        reads.archive_run(summary.folder, is_archived=not summary.is_archived)
    except CoresetError as error:
        draw_error(error)
        return
    st.rerun()


def _draw_naming(summary: RunSummary) -> None:
    """Draw what the run is called, to be changed; what was computed stays as it is."""
    run_id = summary.run_id
    with st.form(f"naming:{run_id}", border=False):
        name = st.text_input(
            "Name",
            summary.name,
            key=f"name:{run_id}",
            placeholder="for example: liver, small network",
        )
        tags = st.text_input(
            "Tags, separated by commas",
            ", ".join(summary.tags),
            key=f"tags:{run_id}",
            placeholder="pilot, paper",
        )
        note = st.text_input(
            "Note",
            summary.note,
            key=f"note:{run_id}",
            placeholder="what this run is for",
        )
        has_been_sent = st.form_submit_button("Save", type="primary")
    if has_been_sent:
        try:
            reads.name_run(summary.folder, name, tags, note)
        except CoresetError as error:
            draw_error(error)
            return
        st.rerun()


@st.dialog("Delete this run?")
def _confirm_deletion(summary: RunSummary) -> None:
    """Ask once more; the files are gone afterwards."""
    st.write(
        f"`{summary.run_id}` with {summary.epoch} recorded epochs, its weights and its map "
        f"({bytes_in_words(reads.disk_use(summary.version))}) will be removed from this computer. "
        "Exported CSV files stay; they can no longer be rebuilt. Archive takes a run out of the "
        "lists and keeps its files."
    )
    dependents = reads.what_depends_on(summary.run_id)
    if dependents:
        st.warning(
            f"These are about it and can no longer go on: {as_text(', '.join(dependents))}.",
            icon=":material/link_off:",
        )
    if st.button("Delete for good", type="primary"):
        try:
            reads.delete_run(summary.folder)
        except CoresetError as error:
            draw_error(error)
            return
        session.forget_run()
        st.rerun()
