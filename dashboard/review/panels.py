"""Beside the desk: how far the review is, who disagrees, what can be taken away, who may what."""

from collections.abc import Sequence

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes.after_training import start_features
from coreset_lib.review.agreement import LEAST_SAMPLES
from coreset_lib.review.records import (
    NO_ROLE,
    ROLE_TITLES,
    ROLES,
    SECOND_READINGS,
    Event,
    Rules,
)
from coreset_lib.review.states import STATUSES, conflicts, progress
from coreset_lib.runs.summary import RunSummary
from coreset_lib.workflows.permission import check_permission
from dashboard import reads
from dashboard.frame import go_to
from dashboard.review import data as review_data
from dashboard.review.data import Review
from dashboard.shared.downloads import draw_export, draw_table_download
from dashboard.shared.messages import draw_error
from dashboard.shared.selection import selection
from dashboard.shared.start.form import announce_run
from dashboard.shared.text import as_text

MOST_CONFLICTS = 50
MOST_EVENTS = 200
EXPECTED_AMONG = 10
HIDDEN = "Hidden while you read blind or on your own: it tells what others decided."


def draw_progress(review: Review) -> None:
    """Draw labels given, budget, and where the samples stand."""
    found, budget = progress(review.states), review.rules.budget
    samples = len(review.dataset.labels)
    if budget is None:
        st.progress(
            min(found.n_done / samples, 1.0),
            text=f"**{found.n_done:,}** of {samples:,} samples decided for good, "
            f"**{found.n_changed:,}** labels changed, **{found.n_labels:,}** labels given",
        )
    else:
        left = max(budget - found.n_labels, 0)
        st.progress(
            min(found.n_labels / budget, 1.0),
            text=f"**{found.n_labels:,}** of **{budget:,}** labels of the budget given, "
            f"**{left:,}** left; **{found.n_changed:,}** labels changed for good",
        )
        if not left:
            st.info("The budget is spent. An admin may raise it below.", icon=":material/savings:")
    counted = [
        f"{status} **{found.by_status[status]:,}**"
        for status in STATUSES
        if found.by_status.get(status)
    ]
    if counted:
        st.caption(" · ".join(counted))


def draw_suspects(summary: RunSummary, upcoming: Sequence[int] = ()) -> None:
    """Draw how many labels of which class are suspect, and how many may really be wrong.

    ``upcoming`` are the samples that come next in the queue; of some of them it is said too.
    """
    found = review_data.suspicion(summary.version)
    first = found.order[:EXPECTED_AMONG]
    n_wrong = round(found.expected_wrong(first))
    counts = ", ".join(map(str, found.class_suspects()))
    told = (
        f"Suspect: {as_text(counts)}. About **{n_wrong}** of the {len(first)} most suspicious "
        "labels are expected to be wrong."
    )
    some = list(upcoming[:EXPECTED_AMONG])
    if some and set(some) != set(first.tolist()):
        n_next = round(found.expected_wrong(some))
        told += f" Of the next {len(some)} in this queue: about **{n_next}**."
    st.caption(told)
    _draw_held_out(summary)
    for warning in found.warnings():
        st.warning(as_text(warning), icon=":material/balance:")


def _draw_held_out(summary: RunSummary) -> None:
    """Draw the button that asks networks which have not seen the images, or how far they are."""
    run = reads.store().at(summary.folder)
    if summary.is_active or run.manifest.members or run.held_out_probabilities() is not None:
        return
    progress = run.held_out_progress()
    if progress is not None:
        st.progress(
            progress[0] / progress[1],
            text=f"{progress[0]} of {progress[1]} networks that do not see the images are trained.",
        )
    st.button(
        "Go on if it was interrupted" if progress else "Ask networks that have not seen the images",
        icon=":material/visibility_off:",
        type="tertiary",
        key="held-out",
        on_click=_start_held_out,
        args=(summary.folder,),
        help="Trains four small networks in the background, each without a quarter of the images, "
        "and takes what each makes of the images it was not shown. What they find joins the "
        "reasons once all are done.",
    )


def _start_held_out(folder: str) -> None:
    """Start the trainings in the background, or say why not."""
    try:
        check_permission("start or stop work")
        start_features(reads.store().at(folder).paths, "held_out")
    except CoresetError as error:
        draw_error(error)


def draw_panels(
    summary: RunSummary, review: Review, reader: str, role: str, *, hides_others: bool
) -> None:
    """Draw what is looked at between decisions; a reader is not sent what the view hides."""
    names = ["Disagreements and agreement", "Export", "Audit trail", "Readers and rules"]
    readers, export, trail, people = st.tabs(names)
    with readers:
        st.caption(HIDDEN) if hides_others else _draw_agreement(summary, review)
    with export:
        _draw_export(summary, review, reader)
    with trail:
        st.caption(HIDDEN) if hides_others else _draw_trail(review)
    with people:
        _draw_people(review, reader, role)


def _draw_agreement(summary: RunSummary, review: Review) -> None:
    """Draw how well readers agree, and on what they do not."""
    found = review.agreement()
    st.markdown(as_text(str(found)))
    if len(found.pairs) > 1:
        st.dataframe(
            [
                {"reader": a, "and": b, "samples": n, "Cohen's kappa": _kappa_cell(n, kappa)}
                for a, b, n, kappa in found.pairs
            ],
            hide_index=True,
            alt="Cohen's kappa of every two readers",
        )
    disputed = conflicts(review.states)
    waiting = review_data.waiting_disputes(review)
    if waiting:
        _draw_table_readers(summary, review, waiting)
    if not disputed:
        return
    st.markdown(f"**{len(disputed):,} samples on which readers disagree**")
    st.dataframe(
        [
            {
                "sample": state.sample_id,
                "label": state.old_label,
                "readers say": ", ".join(
                    f"{who}: {e.new_label}" for who, e in state.decisions.items()
                ),
            }
            for state in disputed[:MOST_CONFLICTS]
        ],
        hide_index=True,
        alt="Samples on which readers disagree",
    )
    rows = [review.dataset.rows[state.sample_id] for state in disputed]
    st.button(
        "Select them",
        icon=":material/select_all:",
        key="select-disputed",
        on_click=selection.select,
        args=(summary.run_id, rows),
        help="Then they stand out on the Map, too.",
    )


def _draw_table_readers(summary: RunSummary, review: Review, waiting: Sequence[int]) -> None:
    """Draw the samples that the table has under different labels, until they are settled."""
    st.markdown(f"**{len(waiting):,} samples that your table has under different labels**")
    st.dataframe(
        [
            {
                "sample": review.dataset.sample_ids[index],
                "label": review.dataset.title_of(index),
                "rows say": review.table_readers[index],
            }
            for index in waiting[:MOST_CONFLICTS]
        ],
        hide_index=True,
        alt="Samples that the table has under different labels",
    )
    st.button(
        "Select them",
        icon=":material/select_all:",
        key="select-table-disputes",
        on_click=selection.select,
        args=(summary.run_id, list(waiting)),
        help="They wait in the queue Disagreements until a label is settled.",
    )


def _kappa_cell(n_samples: int, kappa: float | None) -> str:
    """Return a kappa where it says anything, and else why there is none."""
    if n_samples < LEAST_SAMPLES:
        return f"fewer than {LEAST_SAMPLES} samples"
    return "not defined: one class only" if kappa is None else f"{kappa:.2f}"


def _draw_export(summary: RunSummary, review: Review, reader: str) -> None:
    """Draw the files to take away."""
    if not review.states:
        st.caption("Nothing to export yet: nobody has decided on a label.")
        return
    has_done = any(state.is_done for state in review.states.values())
    st.caption(
        "Labels decided for good can be trained with: coreset-lens train … --labels <the CSV in "
        "the ZIP>. The dataset itself is never changed."
    )
    with st.container(horizontal=True):
        draw_export(
            "labels",
            "Corrected labels",
            lambda: review_data.labels_export(summary, review, "confirmed"),
            handed_out=lambda: review_data.hand_out_labels(summary, review, reader),
            about="sample_id, old, new, who, when, why, status. These samples become “exported”.",
            disabled=not has_done,
        )
        draw_export(
            "decisions",
            "All decisions",
            lambda: review_data.labels_export(summary, review, "all"),
            about="Also what waits for a second reader, with its status.",
            is_primary=False,
        )
        is_asked = st.button(
            "Train with the corrected labels",
            icon=":material/play_arrow:",
            disabled=not has_done or summary.is_recorded,
            help="Starts a run like this one, in the background, on the labels decided for good. "
            "This run and the dataset stay as they are."
            if not summary.is_recorded
            else "This run was recorded from a training of your own: give the table to that one.",
        )
    if is_asked:
        _train_corrected(summary, review)
    if not has_done:
        st.caption(f":material/info: {_why_nothing_is_done(review)}")


def _train_corrected(summary: RunSummary, review: Review) -> None:
    """Start the training and go where it is seen, or say why not."""
    try:
        with st.spinner("Reading the dataset and starting the training process…"):
            labels = review_data.labels_export(summary, review, "confirmed")
            announce_run(reads.train_corrected(summary.folder, labels))
    except CoresetError as error:
        draw_error(error)
        return
    go_to("runs")


def _why_nothing_is_done(review: Review) -> str:
    """Say why corrected labels cannot be exported yet."""
    found = progress(review.states).by_status
    waiting = found.get("proposed", 0) + found.get("flagged", 0)
    text = "Corrected labels are grey because no label is decided for good yet."
    if waiting:
        text += (
            f" {waiting:,} wait for a second reader. Where one reader is enough, an admin can say "
            "so under Readers and rules."
        )
    if found.get("conflict"):
        text += f" On {found['conflict']:,} the readers disagree."
    return text


def _draw_trail(review: Review) -> None:
    """Draw the latest events."""
    if not review.events:
        st.caption("Nothing has been recorded yet.")
        return
    latest = _trail_rows(review.events[-MOST_EVENTS:])
    st.dataframe(latest, hide_index=True, height=260, alt="The latest decisions, newest first")
    if len(review.events) > MOST_EVENTS:
        st.caption(f"The latest {MOST_EVENTS} of {len(review.events):,}.")
    draw_table_download("audit-trail", latest)


def _trail_rows(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return the rows of the audit trail, newest first."""
    return [
        {
            "when (UTC)": event.at,
            "who": event.reader,
            "what": event.action,
            "sample": event.sample_id,
            "from": event.old_label,
            "to": event.new_label or "",
            "why": event.reason,
            "view": event.view,
        }
        for event in reversed(events)
    ]


def _draw_people(review: Review, reader: str, role: str) -> None:
    """Draw who may do what; an admin can change it."""
    readers = review_data.reviews().readers()
    st.dataframe(
        [{"reader": name, "role": ROLE_TITLES[held]} for name, held in readers.items()],
        hide_index=True,
        alt="Readers and their roles",
    )
    rules = review.rules
    st.caption(f"Rules of this dataset: {SECOND_READINGS[rules.second_reading]}.")
    if role != "admin":
        return
    people, how = st.columns(2, gap="large")
    with people.form("grant"):
        name = st.text_input("Reader", placeholder="name, or the address of the login").strip()
        given = st.selectbox("Role", [*ROLES, NO_ROLE], format_func=_role_title)
        if st.form_submit_button("Give the role"):
            _try(lambda: review_data.reviews().grant(name, given, by=reader))
    with how.form("rules"):
        choices = list(SECOND_READINGS)
        second = st.selectbox(
            "Second reading",
            choices,
            index=choices.index(rules.second_reading),
            format_func=SECOND_READINGS.__getitem__,
        )
        budget = st.number_input("Budget (labels; 0: no limit)", 0, 10**8, rules.budget or 0)
        if st.form_submit_button("Set the rules"):
            wanted = Rules(second_reading=second, budget=int(budget) or None)
            fingerprint = review.dataset.fingerprint
            _try(lambda: review_data.reviews().set_rules(fingerprint, wanted, by=reader))


def _role_title(role: str) -> str:
    """Name a role for people."""
    return ROLE_TITLES.get(role, "no role any more")


def _try(act: object) -> None:
    """Do what an admin asked for and draw the page anew, or say why not."""
    assert callable(act)
    try:
        act()
    except CoresetError as error:
        draw_error(error)
        return
    st.rerun()
