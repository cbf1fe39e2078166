"""Review: the labels that look wrong, one large image at a time, decided by keyboard."""

import secrets
from collections.abc import Callable

import streamlit as st

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError, ReviewDatabaseError
from coreset_lib.review.records import SECOND_READERS
from coreset_lib.runs.summary import RunSummary
from dashboard import reads, session
from dashboard.frame import chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.refinement import data as refinement_data
from dashboard.refinement.asked_labels import draw_asked, draw_preparation
from dashboard.refinement.data import Asked
from dashboard.review import data as review_data
from dashboard.review.component.review_desk import Desk, Wish, read_report, review_desk
from dashboard.review.data import ALL, ASKED, DISAGREED, SECOND, TO_DO, Review
from dashboard.review.desk_data import DeskImages, desk_classes, desk_items, outcome
from dashboard.review.panels import draw_panels, draw_progress, draw_suspects
from dashboard.review.reader import draw_reader
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.original_view import draw_original_button
from dashboard.shared.selection import selection
from dashboard.shared.text import as_text

QUEUE, ANSWERS = "review-queue", "review-answers"
MOST_ANSWERS = 1000
SAID = {
    "flag": "left to a second reader",
    "skip": "skipped",
    "confirm": "confirmed",
    "reject": "rejected",
    "undo": "taken back",
}
SHOW = {
    ASKED: "Asked",
    TO_DO: "To do",
    SECOND: "Second reading",
    DISAGREED: "Disagreements",
    ALL: "All",
}
ALL_CLASSES = -1


def draw_page(summary: RunSummary) -> None:
    """Draw who reads, which queue, the desk, and what surrounds it."""
    if not has_epochs(summary):
        return
    review_data.dataset_of(summary.version)  # says first if it has no review
    store = review_data.reviews()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall")
    with row:
        reader = draw_reader(store)
    if reader is None:
        return
    role = store.role_of(reader)
    if role is None:
        st.info(f"{as_text(reader)} has no role any more. Ask an admin.")
        return
    review = review_data.review_of(summary)
    refinements = refinement_data.refinements(summary.run_id)
    asked = refinement_data.asked_in(refinements, summary)
    with row:
        queue_id, queue, is_blind = _draw_queue(summary, review, reader, asked)
    images = reads.load_images(summary.version)
    if isinstance(images, str):
        st.warning(f"{as_text(images)} Labels cannot be judged without them.")
        return
    draw_preparation(refinements, summary)
    if not queue:
        _explain_empty(review, asked)
        _draw_state(summary, review, reader, role, asked, is_blind=is_blind)
        return
    desk = _desk(summary, images, reader, role, queue_id, queue, asked, is_blind=is_blind)
    st.fragment(desk)()


def _draw_queue(
    summary: RunSummary, review: Review, reader: str, asked: Asked | None
) -> tuple[str, list[int], bool]:
    """Draw the choice of samples; they stay in place while they are decided on."""
    offered = [each for each in SHOW if each != ASKED or asked is not None]
    if st.session_state.get("queue", TO_DO) not in offered:
        st.session_state.pop("queue", None)  # the round that was asked about is over
    shown = st.segmented_control(
        "Queue",
        offered,
        format_func=SHOW.__getitem__,
        default=TO_DO,
        required=True,
        key="queue",
        bind="query-params",
        persist_state="session",
    )
    names = review.dataset.class_names
    klass = st.selectbox(
        "Label now",
        [ALL_CLASSES, *range(len(names))],
        format_func=lambda k: "every class" if k == ALL_CLASSES else str(names[k]),
        key="review_class",
        width=140,
        bind="query-params",
        persist_state="session",
    )
    within = selection.selected(summary.run_id, len(review.dataset.labels))
    only = st.toggle(
        "Selection only",
        key="only_selected",
        disabled=not len(within),
        bind="query-params",
        persist_state="session",
    )
    is_blind = st.toggle(
        "Blind",
        key="blind",
        help="Label, prediction, reasons and other readers' decisions stay hidden until you have "
        "decided. You name the class you see.",
        bind="query-params",
        persist_state="session",
    )
    is_per_class = st.toggle(
        "Classes in turns",
        key="per_class",
        bind="query-params",
        persist_state="session",
        help="The most suspicious label of each class first, then the next of each. Otherwise "
        "one order over all classes.",
    )
    again = st.button(
        "Queue anew", icon=":material/refresh:", type="tertiary", help="Leave out what is decided."
    )
    is_narrowed = bool(only and len(within))
    rows = () if asked is None or shown != ASKED else tuple(asked.round.rows.tolist())
    choice = (summary.run_id, reader, shown, klass, is_narrowed and tuple(within.tolist()), rows)
    choice = (*choice, is_per_class)
    found = st.session_state.get(QUEUE)
    if again or found is None or found[0] != choice:
        indices = review_data.queue_indices(
            review,
            review_data.suspicion(summary.version),
            shown=shown,
            reader=reader,
            klass=None if klass == ALL_CLASSES else klass,
            within=within if is_narrowed else None,
            asked=rows,
            is_per_class=bool(is_per_class),
        )
        # Never the same twice: a browser may come back to a server that was started anew.
        st.session_state[QUEUE] = found = (choice, secrets.token_hex(4), indices)
        st.session_state["review-place"] = 0
    return f"{summary.run_id}:{found[1]}", found[2], bool(is_blind)


def _desk(
    summary: RunSummary,
    images: LabeledImages,
    reader: str,
    role: str,
    queue_id: str,
    queue: list[int],
    asked: Asked | None,
    *,
    is_blind: bool,
) -> Callable[[], None]:
    """Return the fragment with the desk: only it is drawn anew after a decision."""
    key = session.component_key("desk", summary.run_id, reader)

    def draw() -> None:
        try:
            place, wishes = read_report(key)
            if place is not None:
                st.session_state["review-place"] = min(place, len(queue))
            place = st.session_state["review-place"]
            trouble = _record_all(summary, reader, wishes, view="blind" if is_blind else "open")
            review = review_data.review_of(summary)
            pictures = DeskImages(summary, images)
            items = desk_items(
                summary, review, queue, place, pictures, reader=reader, is_blind=is_blind
            )
            desk = Desk(
                account=f"coreset-lens-review:{review.dataset.fingerprint[:16]}:{reader}",
                n_items=len(queue),
                queue=f"{queue_id}:{is_blind}",
                place=place,
                is_blind=is_blind,
                may_confirm=role in SECOND_READERS and not is_blind,
                items=items,
                classes=desk_classes(summary, review, pictures),
                images=pictures.sources,
                saved=_answers(wishes, is_saved=True),
                refused=_answers(wishes, is_saved=False),
                trouble=trouble,
            )
            review_desk(desk, key=key)
            with st.container():  # also while it is empty, see _draw_state
                if place < len(queue):
                    draw_original_button(images, queue[place])
            _draw_state(summary, review, reader, role, asked, is_blind=is_blind)
        except CoresetError as error:
            draw_error(error)

    return draw


def _draw_state(
    summary: RunSummary,
    review: Review,
    reader: str,
    role: str,
    asked: Asked | None,
    *,
    is_blind: bool,
) -> None:
    """Draw how far the review is, and what is looked at between decisions.

    What comes and goes stands in a container, so that the panels keep their place: in another one
    they would be drawn twice for a moment, and lose the open tab.
    """
    with st.container():
        if asked is not None:
            draw_asked(asked, review)
    with st.container():
        draw_suspects(summary)
    with st.container():
        draw_progress(review)
    draw_panels(summary, review, reader, role, is_blind=is_blind)


def _record_all(summary: RunSummary, reader: str, wishes: list[Wish], *, view: str) -> str:
    """Record what came from the desk, each once; return why the database could not take it."""
    answers: dict[str, tuple[bool, str]] = st.session_state.setdefault(ANSWERS, {})
    dataset = review_data.dataset_of(summary.version)
    for wish in wishes:
        if wish.token in answers:
            continue
        try:
            event = review_data.record(summary, reader, wish, view=view)
            index = dataset.rows[event.sample_id]
            said = SAID.get(event.action, event.new_label or "")
            answers[wish.token] = (True, outcome(summary, dataset, index, said))
        except ReviewDatabaseError as error:
            return str(error)
        except CoresetError as error:
            answers[wish.token] = (False, str(error))
    for token in list(answers)[:-MOST_ANSWERS]:
        del answers[token]
    return ""


def _answers(wishes: list[Wish], *, is_saved: bool) -> dict[str, str]:
    """Return what became of the decisions in a report, for the desk."""
    answers: dict[str, tuple[bool, str]] = st.session_state.get(ANSWERS, {})
    told = {wish.token: answers[wish.token] for wish in wishes if wish.token in answers}
    return {token: text for token, (saved, text) in told.items() if saved == is_saved}


def _explain_empty(review: Review, asked: Asked | None) -> None:
    """Say why there is nothing to decide."""
    if asked is not None and st.session_state.get("queue") == ASKED:
        text = "You have answered all that the refinement asks in this queue."
    elif review.states:
        text = "Nothing is left in this queue. Choose another one, or every class."
    else:
        text = "Nothing is in this queue yet: nobody has decided on anything. Begin with To do."
    st.info(text, icon=":material/done_all:")


draw_heading(
    "Review",
    "The most suspicious labels first. Press the key of the class that you see. Every decision is "
    "recorded; the dataset is never changed.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
else:
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
