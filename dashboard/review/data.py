"""What the Review page reads and records: cached queues and states, decisions never cached."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib import workflows
from coreset_lib.cache import default_cache
from coreset_lib.datasets.sources.table_labels import READERS
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export
from coreset_lib.review.address import database_url
from coreset_lib.review.agreement import Agreement, agreement
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision, Event, ReviewExport, Rules
from coreset_lib.review.states import DONE, STATUSES, SampleState, effective, sample_states
from coreset_lib.review.store import ReviewStore, open_reviews
from coreset_lib.review.suspicion import SuspicionQueue
from coreset_lib.runs.summary import RunSummary, RunVersion
from dashboard import reads
from dashboard.map import clusters as map_clusters
from dashboard.map.clusters import Clustering
from dashboard.review.component.review_desk import Wish
from dashboard.review.component.review_wall import TOKEN_START, GroupWish
from dashboard.shared.samples.own_columns import COLUMN
from dashboard.shared.samples.suspicion import suspicion as suspicion

TO_DO, SECOND, DISAGREED, ALL = "to do", "second reading", "disagreements", "all"
ASKED = "asked"
SHOWN = {
    TO_DO: ("open", "skipped", "rejected"),
    SECOND: ("flagged", "proposed"),
    DISAGREED: ("conflict",),
    ASKED: tuple(status for status in STATUSES if status not in DONE),
}


def reviews() -> ReviewStore:
    """Return the review database of this dashboard; raises ReviewError."""
    return _reviews(database_url(default_cache()))


@st.cache_resource(max_entries=2, show_spinner=False)
def _reviews(url: str) -> ReviewStore:
    """Open the database once for all sessions."""
    return open_reviews(default_cache(), url)


@dataclass
class _Log:
    """The trail of a dataset as far as it has been read."""

    events: list[Event] = field(default_factory=list[Event])
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(max_entries=8, show_spinner=False)
def _log(url: str, fingerprint: str) -> _Log:
    """Keep the trail of a dataset."""
    del url, fingerprint
    return _Log()


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def dataset_of(version: RunVersion) -> ReviewedDataset:
    """Return the dataset that decisions are about."""
    return ReviewedDataset.of_run(reads.store().at(version.folder))


@dataclass(frozen=True, eq=False)
class Review:
    """A review at this moment.

    ``table_readers`` are the samples that the person's own table has in several rows with
    different labels, with how many rows say what.
    """

    dataset: ReviewedDataset
    events: Sequence[Event]
    rules: Rules
    exports: Sequence[ReviewExport]
    states: dict[str, SampleState]
    table_readers: Mapping[int, str] = field(default_factory=dict[int, str])

    def status_of(self, index: int) -> str:
        """Status of a sample."""
        state = self.states.get(self.dataset.sample_ids[index])
        return "open" if state is None else state.status

    def agreement(self) -> Agreement:
        """How well readers agree."""
        return agreement(self.events)


def review_of(summary: RunSummary) -> Review:
    """Return the review of a run's dataset as it is now; raises CoresetError."""
    store, dataset = reviews(), dataset_of(summary.version)
    log = _log(store.engine.url.render_as_string(), dataset.fingerprint)
    with log.lock:
        last = log.events[-1].id if log.events else 0
        if last > store.last_event():
            log.events.clear()  # the database was restored from an older copy
            last = 0
        log.events.extend(store.events(dataset.fingerprint, after=last))
        events = list(log.events)
    rules = store.rules(dataset.fingerprint)
    exports = store.exports(dataset.fingerprint)
    states = sample_states(events, rules, exports)
    return Review(dataset, events, rules, exports, states, table_readers(summary.version))


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def table_readers(version: RunVersion) -> dict[int, str]:
    """Return what the readers of a table say of the samples on which they differ."""
    samples = reads.read_samples(version)
    if f"{COLUMN}{READERS}" not in samples:
        return {}
    cells = [str(cell).strip() for cell in samples[f"{COLUMN}{READERS}"].fillna("")]
    return {row: text for row, text in enumerate(cells) if text}


def waiting_disputes(review: Review) -> list[int]:
    """Return the samples on which a table's readers differ and whose label is not settled."""
    done = [n for n, state in review.states.items() if state.is_done]
    settled = {review.dataset.rows[name] for name in done}
    return [index for index in review.table_readers if index not in settled]


def class_medoids(summary: RunSummary) -> dict[int, int]:
    """Return the sample at the heart of each class; nothing where that takes too long."""
    has_embedding = reads.has_embedding(summary.folder)
    return _class_medoids(summary.version, has_embedding, summary)


@st.cache_data(
    max_entries=8, show_spinner="Finding the medoids of the classes…", hash_funcs=reads.ANY_EPOCH
)
def _class_medoids(
    version: RunVersion, has_embedding: bool, _summary: RunSummary
) -> dict[int, int]:
    """Find the medoids; nothing found without an embedding is looked for again with one."""
    del version, has_embedding
    try:
        found = map_clusters.clusters(_summary, Clustering(class_name=None, k=1), _in_silence)
    except CoresetError:
        return {}
    return dict(zip(found.class_of.tolist(), found.medoids.tolist(), strict=True))


def _in_silence(share: float, text: str) -> None:
    """Tell nobody how far the clustering is: the spinner does."""
    del share, text


def queue_indices(
    review: Review,
    suspects: SuspicionQueue,
    *,
    shown: str,
    reader: str,
    klass: int | None = None,
    within: NDArray[np.int64] | None = None,
    asked: Sequence[int] = (),
    is_per_class: bool = False,
) -> list[int]:
    """Return the samples of a queue, most suspicious first, or in the order of the queries.

    Parameters
    ----------
    review : Review
    suspects : SuspicionQueue
    shown : str
        ``to do``, ``second reading``, ``disagreements``, ``asked`` or ``all``.
    reader : str
        Leave out what this reader has labelled, but where readers disagree.
    klass : int, optional
        Only samples with this label in the dataset.
    within : int64 array, optional
        Only these samples.
    asked : sequence of int
        What a refinement asks about, most useful first, for the queue ``asked``.
    is_per_class : bool
        Let the classes take turns.
    """
    is_shown = np.ones(len(suspects.order), dtype=np.bool_)
    if klass is not None:
        is_shown &= review.dataset.carries(klass)
    if within is not None:
        is_chosen = np.zeros_like(is_shown)
        is_chosen[within] = True
        is_shown &= is_chosen
    if shown != ALL:
        is_shown &= _has_status(review, SHOWN[shown], reader, shown)
    by_value = suspects.order_by_class() if is_per_class else suspects.order
    order = asked if shown == ASKED else by_value
    return [int(index) for index in order if is_shown[index]]


def _has_status(
    review: Review, statuses: Sequence[str], reader: str, shown: str
) -> NDArray[np.bool_]:
    """Whether each sample waits for this reader in such a queue."""
    found = np.full(len(review.dataset.labels), "open" in statuses, dtype=np.bool_)
    for name, state in review.states.items():
        is_mine = reader in state.decisions and shown != DISAGREED
        is_mine &= not (shown == ASKED and state.status == "conflict")
        found[review.dataset.rows[name]] = state.status in statuses and not is_mine
    if shown == DISAGREED:
        for index in waiting_disputes(review):
            state = review.states.get(review.dataset.sample_ids[index])
            found[index] |= state is None or reader not in state.decisions
    return found


def record(summary: RunSummary, reader: str, wish: Wish, *, view: str) -> Event:
    """Record what a reader decided on the desk; it is on disk when this returns.

    Raises
    ------
    ReviewDatabaseError
        If the database cannot be used now: the desk will send it again.
    CoresetError
        If the decision is refused.
    """
    dataset = dataset_of(summary.version)
    run, token = summary.run_id, wish.token
    if wish.action == "undo":
        return reviews().undo(dataset, reader, run=run, view=view, token=token)
    if not 0 <= wish.index < len(dataset.sample_ids):
        raise CoresetError("the sample is not in this run any more. Open the review again.")
    decision = Decision(
        reader=reader,
        sample_id=dataset.sample_ids[wish.index],
        action=wish.action,
        fingerprint=dataset.fingerprint,
        label=wish.label,
        target=wish.target,
        seen=wish.seen,
        reason=wish.reason,
        confidence=wish.confidence,
        run=run,
        view=view,
        token=token,
    )
    return reviews().decide(dataset, decision)


def record_group(summary: RunSummary, reader: str, group: GroupWish, *, view: str) -> int:
    """Record a decision on every sample of a group, all or none, and return how many.

    Raises
    ------
    ReviewDatabaseError
        If the database cannot be used now: the wall will send the group again.
    CoresetError
        If one of the decisions is refused: nothing is recorded then.
    """
    dataset = dataset_of(summary.version)
    if not group.seen:
        raise CoresetError("the group has no image left. Take back an exception first.")
    if max(group.seen) >= len(dataset.sample_ids):
        raise CoresetError("a sample is not in this run any more. Open the review again.")
    decisions = [
        Decision(
            reader=reader,
            sample_id=dataset.sample_ids[index],
            action=group.action,
            fingerprint=dataset.fingerprint,
            label=group.label if group.action == "relabel" else None,
            seen=seen,
            run=summary.run_id,
            view=f"wall, {view}",
            token=f"{group.token}:{index}",
        )
        for index, seen in group.seen.items()
    ]
    return len(reviews().decide_all(dataset, decisions))


def last_group(review: Review, reader: str) -> list[Event]:
    """Return the decisions of a reader's last group on a wall that still count."""
    mine = [
        event
        for event in effective(review.events)
        if event.reader == reader and (event.token or "").startswith(TOKEN_START)
    ]
    last = mine[-1].token or "" if mine else ""
    return [event for event in mine if _group_of(event) == last.partition(":")[0]]


def _group_of(event: Event) -> str:
    """Return the token that all decisions of a group share."""
    return (event.token or "").partition(":")[0]


def undo_group(summary: RunSummary, reader: str, token: str, *, view: str) -> int:
    """Take a reader's last group back, all or none, and return how many decisions it had."""
    review = review_of(summary)
    is_known = [e for e in review.events if e.action == "undo" and _group_of(e) == token]
    if is_known:  # sent a second time: the group before it stays
        return len(is_known)
    group = last_group(review, reader)
    if not group:
        raise CoresetError("there is no group to take back. Undo single decisions one by one.")
    targets = {event.id: f"{token}:{event.id}" for event in group}
    dataset = dataset_of(summary.version)
    undone = reviews().undo_all(dataset, reader, targets, run=summary.run_id, view=f"wall, {view}")
    return len(undone)


def labels_export(summary: RunSummary, review: Review, included: str) -> Export:
    """Return the labels decided in a review with provenance, as the command line writes them.

    All files made of one review are of one moment, whatever was decided since.
    """
    return workflows.export_corrections(
        reads.store().at(summary.folder),
        reviews(),
        included=included,
        up_to=review.events[-1].id if review.events else None,
        rules=review.rules,
    )


def hand_out_labels(summary: RunSummary, review: Review, reader: str) -> Export:
    """Return the confirmed labels and note that they were handed out."""
    return workflows.hand_out_corrections(
        reads.store().at(summary.folder),
        reviews(),
        by=reader,
        up_to=review.events[-1].id if review.events else None,
        rules=review.rules,
    )
