"""Many samples decided on at once: a wall of images with exceptions, recorded one by one."""

import streamlit as st

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError, ReviewDatabaseError
from coreset_lib.runs.summary import RunSummary
from dashboard import session
from dashboard.review import data as review_data
from dashboard.review.component.review_wall import (
    GroupWish,
    Wall,
    WallTile,
    read_group,
    review_wall,
)
from dashboard.review.data import Review
from dashboard.review.desk_data import DeskImages
from dashboard.review.queue import Reading, queue_anew
from dashboard.shared.messages import draw_error

PER_WALL = 60
ANSWERS = "wall-answers"
MOST_ANSWERS = 50


def draw_wall(
    summary: RunSummary, images: LabeledImages, review: Review, reader: str, reading: Reading
) -> None:
    """Draw the wall of the queue's samples, page by page, and record what it sends."""
    key = session.component_key("wall", summary.run_id, reader)
    group = read_group(key)
    if group is not None and _record(summary, reader, group, reading.view):
        queue_anew()
        st.rerun()
    n_pages = -(-len(reading.indices) // PER_WALL)
    page = 1
    if n_pages > 1:
        page = st.pagination(n_pages, key=f"wall-page-{n_pages}", width="content")
    shown = reading.indices[(page - 1) * PER_WALL : page * PER_WALL]
    pictures = DeskImages(summary, images)
    answers: dict[str, tuple[bool, str]] = st.session_state.get(ANSWERS, {})
    review_wall(
        Wall(
            account=f"coreset-lens-wall:{review.dataset.fingerprint[:16]}:{reader}",
            group=f"{reading.queue_id}:{page}:{reading.view}",
            n_queue=len(reading.indices),
            tiles=tuple(
                _tile(review, pictures, index, n, reading) for n, index in enumerate(shown, 1)
            ),
            classes=tuple(review.dataset.class_names),
            is_blind=reading.is_blind,
            n_undoable=len(review_data.last_group(review, reader)),
            images=pictures.sources,
            answers={token: [done, text] for token, (done, text) in answers.items()},
        ),
        key=key,
    )


def _tile(
    review: Review, pictures: DeskImages, index: int, number: int, reading: Reading
) -> WallTile:
    """Describe one image; a reader is not sent what the view hides."""
    name = review.dataset.sample_ids[index]
    state = review.states.get(name)
    status = "" if state is None or reading.hides_others else state.status
    label = review.dataset.title_of(index)
    return WallTile(
        index=index,
        name=f"image {number}" if reading.is_blind else name,
        label="" if reading.is_blind else label,
        status=status,
        image=pictures.small(index),
        seen=0 if state is None else state.last_event,
    )


def _record(summary: RunSummary, reader: str, group: GroupWish, view: str) -> bool:
    """Record a group once, all of it or nothing; whether it was new and is recorded."""
    answers: dict[str, tuple[bool, str]] = st.session_state.setdefault(ANSWERS, {})
    if group.token in answers:
        return False
    try:
        n_done = (
            review_data.undo_group(summary, reader, group.token, view=view)
            if group.action == "undo"
            else review_data.record_group(summary, reader, group, view=view)
        )
    except ReviewDatabaseError as error:
        draw_error(error)  # the wall sends it again
        return False
    except CoresetError as error:
        answers[group.token] = (False, str(error))
        return False
    answers[group.token] = (True, _said(group, n_done))
    for token in list(answers)[:-MOST_ANSWERS]:
        del answers[token]
    return True


def _said(group: GroupWish, n_done: int) -> str:
    """Say what was recorded."""
    if group.action == "undo":
        return f"Taken back: the last group, {n_done} decisions."
    left = (
        f" {group.n_exceptions} left out: they stay to be looked at." if group.n_exceptions else ""
    )
    what = "kept as they are" if group.action == "keep" else f"all {group.label}"
    return f"Saved: {n_done} images, {what}.{left}"
