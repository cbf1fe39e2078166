"""Which samples are read, in which order, and how much the reader may see of them."""

import secrets
from dataclasses import dataclass
from typing import Any

import streamlit as st

from coreset_lib.review.records import SECOND_READERS
from coreset_lib.runs.summary import RunSummary
from dashboard.refinement.data import Asked
from dashboard.review import data as review_data
from dashboard.review.data import ALL, ASKED, DISAGREED, SECOND, TO_DO, Review
from dashboard.shared.selection import selection

QUEUE, PLACE = "review-queue", "review-place"
MODE, ONLY_SELECTED, SHOWN = "review_mode", "only_selected", "queue"
ONE_BY_ONE, WALL = "one by one", "wall"
OPEN, INDEPENDENT, BLIND = "open", "independent", "blind"
SHOW = {
    ASKED: "Asked",
    TO_DO: "To do",
    SECOND: "Second reading",
    DISAGREED: "Disagreements",
    ALL: "All",
}
ALL_CLASSES = -1
BLIND_HELP = (
    "Label, prediction, reasons, neighbours' labels and other readers' decisions stay hidden "
    "until you have decided. You name the class you see."
)
INDEPENDENT_HELP = (
    "You see label, prediction and reasons, but not what other readers decided, until you have "
    "decided yourself. Naming the same class confirms it."
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Samples to read (positions in the training split, in order) and how they are shown.

    ``view`` is open, independent (other readers' answers hidden) or blind (all that tells the
    label hidden).
    """

    queue_id: str
    indices: list[int]
    view: str
    is_wall: bool

    @property
    def is_blind(self) -> bool:
        """Whether everything is hidden that tells the label."""
        return self.view == BLIND

    @property
    def hides_others(self) -> bool:
        """Whether other readers' answers are hidden."""
        return self.view != OPEN


def draw_queue(
    summary: RunSummary, review: Review, reader: str, role: str, asked: Asked | None
) -> Reading:
    """Draw the choice of samples; they stay in place while they are decided on."""
    shown = _draw_shown(asked)
    view = _draw_view(role)
    # A queue of one class, or of classes in turns, would tell a blind reader the label.
    klass = ALL_CLASSES if view == BLIND else _draw_class(review)
    within = selection.selected(summary.run_id, len(review.dataset.labels))
    only = st.toggle(
        "Selection only",
        key=ONLY_SELECTED,
        disabled=not len(within),
        help=None
        if len(within)
        else "Nothing is selected. Select samples on the Map, by lasso, cluster or one by one.",
        bind="query-params",
        persist_state="session",
    )
    is_per_class = view != BLIND and _draw_turns()
    # On a wall all would get one and the same set of labels.
    mode = ONE_BY_ONE if review.dataset.label_names else _draw_mode()
    again = st.button(
        "Queue anew", icon=":material/refresh:", type="tertiary", help="Leave out what is decided."
    )
    is_narrowed = bool(only and len(within))
    rows = () if asked is None or shown != ASKED else tuple(asked.round.rows.tolist())
    choice = (summary.run_id, reader, shown, klass, is_narrowed and tuple(within.tolist()), rows)
    # A wall begins without what was decided one by one: "all right" must not decide on it again.
    choice = (*choice, is_per_class, mode)
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
            is_per_class=is_per_class,
        )
        # Never the same twice: a browser may come back to a server that was started anew.
        st.session_state[QUEUE] = found = (choice, secrets.token_hex(4), indices)
        st.session_state[PLACE] = 0
    return Reading(
        queue_id=f"{summary.run_id}:{found[1]}", indices=found[2], view=view, is_wall=mode == WALL
    )


def queue_anew() -> None:
    """Forget the queue: the next one leaves out what is decided."""
    st.session_state.pop(QUEUE, None)


def show_group(run_id: str, indices: Any) -> None:
    """Select samples and show them on the wall (a callback)."""
    selection.select(run_id, indices)
    st.session_state[ONLY_SELECTED] = True
    st.session_state[SHOWN] = ALL
    st.session_state[MODE] = WALL


def _draw_shown(asked: Asked | None) -> str:
    """Draw which samples, by where they stand."""
    offered = [each for each in SHOW if each != ASKED or asked is not None]
    if st.session_state.get(SHOWN, TO_DO) not in offered:
        st.session_state.pop(SHOWN, None)  # the round that was asked about is over
    return str(
        st.segmented_control(
            "Queue",
            offered,
            format_func=SHOW.__getitem__,
            default=TO_DO,
            required=True,
            key=SHOWN,
            bind="query-params",
            persist_state="session",
        )
    )


def _draw_view(role: str) -> str:
    """Draw how much is hidden."""
    is_blind = st.toggle(
        "Blind", key="blind", help=BLIND_HELP, bind="query-params", persist_state="session"
    )
    if is_blind:
        return BLIND
    is_independent = role in SECOND_READERS and st.toggle(
        "Hide others' answers",
        key="independent",
        help=INDEPENDENT_HELP,
        bind="query-params",
        persist_state="session",
    )
    return INDEPENDENT if is_independent else OPEN


def _draw_class(review: Review) -> int:
    """Draw which class the samples have now."""
    names = review.dataset.class_names
    return int(
        st.selectbox(
            "Label now",
            [ALL_CLASSES, *range(len(names))],
            format_func=lambda k: "every class" if k == ALL_CLASSES else str(names[k]),
            key="review_class",
            width=140,
            bind="query-params",
            persist_state="session",
        )
    )


def _draw_turns() -> bool:
    """Draw whether the classes take turns."""
    return bool(
        st.toggle(
            "Classes in turns",
            key="per_class",
            bind="query-params",
            persist_state="session",
            help="The most suspicious label of each class first, then the next of each. Otherwise "
            "one order over all classes.",
        )
    )


def _draw_mode() -> str:
    """Draw whether one image or a wall of them is decided on at a time."""
    return str(
        st.segmented_control(
            "Show",
            [ONE_BY_ONE, WALL],
            format_func=str.capitalize,
            default=ONE_BY_ONE,
            required=True,
            key=MODE,
            label_visibility="collapsed",
            bind="query-params",
            persist_state="session",
        )
    )
