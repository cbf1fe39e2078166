"""Review: the labels that look wrong, one large image at a time, decided by keyboard."""

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
from dashboard.review.data import ASKED, Review
from dashboard.review.desk_data import DeskImages, desk_classes, desk_items, outcome
from dashboard.review.panels import draw_panels, draw_progress, draw_suspects
from dashboard.review.queue import PLACE, SHOWN, Reading, draw_queue, show_group
from dashboard.review.reader import draw_question, draw_reader
from dashboard.review.wall import draw_wall
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.original_view import draw_original_button
from dashboard.shared.text import as_text

ANSWERS = "review-answers"
MOST_ANSWERS = 1000
SAID = {
    "flag": "left to a second reader",
    "skip": "skipped",
    "confirm": "confirmed",
    "reject": "rejected",
    "undo": "taken back",
}


def draw_page(summary: RunSummary) -> None:
    """Draw who reads, which queue, the desk, and what surrounds it."""
    if not has_epochs(summary):
        return
    fingerprint = review_data.dataset_of(summary.version).fingerprint  # or why there is no review
    store = review_data.reviews()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall")
    with row:
        reader = draw_reader(store, fingerprint)
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
        reading = draw_queue(summary, review, reader, role, asked)
    draw_question(store, fingerprint, reader, role)
    images = reads.load_images(summary.version)
    if isinstance(images, str):
        st.warning(f"{as_text(images)} Labels cannot be judged without them.")
        return
    draw_preparation(refinements, summary)
    if not reading.indices:
        _explain_empty(review, asked)
    if reading.is_wall:  # also an empty one: its last group can be taken back
        draw_wall(summary, images, review, reader, reading)
        _draw_state(summary, review, reader, role, asked, reading)
    elif not reading.indices:
        _draw_state(summary, review, reader, role, asked, reading)
    else:
        st.fragment(_desk(summary, images, reader, role, asked, reading))()


def _desk(
    summary: RunSummary,
    images: LabeledImages,
    reader: str,
    role: str,
    asked: Asked | None,
    reading: Reading,
) -> Callable[[], None]:
    """Return the fragment with the desk: only it is drawn anew after a decision."""
    key = session.component_key("desk", summary.run_id, reader)
    queue = reading.indices

    def draw() -> None:
        try:
            place, wishes = read_report(key)
            if place is not None:
                st.session_state[PLACE] = min(place, len(queue))
            place = st.session_state[PLACE]
            trouble = _record_all(summary, reader, wishes, view=reading.view)
            review = review_data.review_of(summary)
            pictures = DeskImages(summary, images)
            items = desk_items(summary, review, place, pictures, reader=reader, reading=reading)
            desk = Desk(
                account=f"coreset-lens-review:{review.dataset.fingerprint[:16]}:{reader}",
                n_items=len(queue),
                queue=f"{reading.queue_id}:{reading.view}",
                place=place,
                is_blind=reading.is_blind,
                hides_others=reading.hides_others,
                may_confirm=role in SECOND_READERS and not reading.hides_others,
                has_sets=bool(review.dataset.label_names),
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
                    with st.container(horizontal=True):
                        draw_original_button(images, queue[place])
                        _draw_alike(summary, queue[place])
            _draw_state(summary, review, reader, role, asked, reading)
        except CoresetError as error:
            draw_error(error)

    return draw


def _draw_alike(summary: RunSummary, index: int) -> None:
    """Draw the way from one sample to a wall of those most alike to it."""
    neighbours = review_data.suspicion(summary.version).neighbours
    if neighbours is None:
        return
    alike = [index, *(int(n) for n in neighbours[index] if n >= 0)]
    st.button(
        f"The {len(alike) - 1} most alike on a wall",
        icon=":material/grid_view:",
        type="tertiary",
        key=f"alike:{index}",
        on_click=show_group,
        args=(summary.run_id, alike),
        help="Selects them and shows all as a wall, where one click decides on many.",
    )


def _draw_state(
    summary: RunSummary,
    review: Review,
    reader: str,
    role: str,
    asked: Asked | None,
    reading: Reading,
) -> None:
    """Draw how far the review is, and what is looked at between decisions.

    What comes and goes stands in a container, so that the panels keep their place: in another one
    they would be drawn twice for a moment, and lose the open tab.
    """
    with st.container():
        if asked is not None:
            draw_asked(asked, review)
    with st.container():
        draw_suspects(summary, reading.indices[st.session_state.get(PLACE, 0) :])
    with st.container():
        draw_progress(review)
    draw_panels(summary, review, reader, role, hides_others=reading.hides_others)


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
    if asked is not None and st.session_state.get(SHOWN) == ASKED:
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
