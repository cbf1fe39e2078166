"""Decisions made elsewhere: what a table of labels would add, and where it disagrees."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from coreset_lib.datasets.relabelling.label_tables import (
    LabelRow,
    check_label,
    read_label_table,
)
from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.review import rights
from coreset_lib.review.agreement import labels_by_sample
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import CONFIDENCES, Decision, check_name
from coreset_lib.review.store import ReviewStore

OUTCOMES = {
    "new": "recorded",
    "same": "there already",
    "conflict": "recorded; another reader says otherwise",
    "changed": "left out: the same reader has decided otherwise here",
    "unsettled": "left out: the table says itself that it is no decision",
    "wrong": "cannot be used",
}
# What a reader decided, whether or not a second one has agreed yet.
DECISIONS = ("", "proposed", "confirmed", "exported")


@dataclass(frozen=True, kw_only=True)
class IncomingRow:
    """One row of a table, and what becomes of it; ``note`` says why."""

    line: int
    sample_id: str
    reader: str
    label: str
    outcome: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did, or would do; ``n_recorded`` counts the events that were added."""

    rows: tuple[IncomingRow, ...]
    n_recorded: int

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows per outcome."""
        return Counter(row.outcome for row in self.rows)

    def of(self, outcome: str) -> list[IncomingRow]:
        """Return the rows with an outcome."""
        return [row for row in self.rows if row.outcome == outcome]


def import_labels(
    store: ReviewStore,
    dataset: ReviewedDataset,
    path: Path,
    *,
    by: str,
    reader: str | None = None,
    is_trial: bool = False,
) -> ImportReport:
    """Record the decisions of a table, each as an event of the reader that it names.

    Nothing is recorded if any row is wrong. A table that is imported twice is recorded once;
    after an undo, or into another dataset, it is a decision like any other.

    Parameters
    ----------
    store : ReviewStore
    dataset : ReviewedDataset
    path : Path
        A CSV with sample_id and new; old, who, when, why and confidence are used if there.
    by : str
        The admin who imports it; noted with every event.
    reader : str, optional
        Whose decisions these are, where the table does not say.
    is_trial : bool
        Only report.

    Raises
    ------
    CoresetError
        If the table cannot be read, ``by`` is no admin, or the database cannot be used.
    """
    rights.check_role(by, store.role_of(by), "import")
    table = read_label_table(path)
    readers, events = store.readers(), store.events(dataset.fingerprint)
    known, last = labels_by_sample(events), {event.sample_id: event.id for event in events}
    rows = [_judge(row, dataset, known, readers, reader) for row in table]
    if is_trial or any(row.outcome == "wrong" for row in rows):
        return ImportReport(rows=tuple(rows), n_recorded=0)
    signed = store.signed(by)
    chosen = [
        _decision(source, row, dataset, by=signed, name=path.name, last=last.get(row.sample_id, 0))
        for source, row in zip(table, rows, strict=True)
        if row.outcome in ("new", "conflict")
    ]
    added = store.add_decisions(dataset, chosen)
    return ImportReport(rows=tuple(rows), n_recorded=len(added))


def _judge(
    row: LabelRow,
    dataset: ReviewedDataset,
    known: Mapping[str, Mapping[str, str]],
    readers: Iterable[str],
    reader: str | None,
) -> IncomingRow:
    """Say what becomes of a row."""
    who, sample = row.who or reader or "", dataset.named(row.sample_id)
    line = IncomingRow(line=row.line, sample_id=sample, reader=who, label=row.new, outcome="new")
    if row.status not in DECISIONS:
        return replace(line, outcome="unsettled", note=f"its status is {row.status}")
    try:
        label = _check(row, dataset, who, readers)
    except CoresetError as error:
        return replace(line, outcome="wrong", note=str(error))
    line = replace(line, label=label)
    given = known.get(sample, {})
    if given.get(who) == label:
        return replace(line, outcome="same")
    if who in given:
        return replace(line, outcome="changed", note=f"{who} said {given[who]} here")
    others = [f"{name} says {theirs}" for name, theirs in given.items() if theirs != label]
    return replace(line, outcome="conflict" if others else "new", note="; ".join(others))


def _check(row: LabelRow, dataset: ReviewedDataset, who: str, readers: Iterable[str]) -> str:
    """Return the class that a row names, or raise CoresetError for what is wrong with it."""
    where = f"line {row.line}"
    old = dataset.label_of(dataset.named(row.sample_id))
    if not who:
        raise ReviewError(f"{where} names no reader. Add a column who, or give --reader.")
    if who not in readers:
        raise ReviewError(f"{where}: {check_name(who)!r} is not among the readers. Add them first.")
    label = check_label(row.new, dataset.class_names, dataset.label_names, where)
    if row.old and check_label(row.old, dataset.class_names, dataset.label_names, where) != old:
        raise ReviewError(
            f"{where}: the label in the dataset is {old!r}, not {row.old!r}: the table is of "
            "another version of the dataset."
        )
    _confidence(row)
    return label


def _decision(
    source: LabelRow, row: IncomingRow, dataset: ReviewedDataset, *, by: str, name: str, last: int
) -> Decision:
    """Turn a row into a decision."""
    return Decision(
        reader=row.reader,
        sample_id=row.sample_id,
        action="relabel",
        fingerprint=dataset.fingerprint,
        label=row.label,
        reason=source.why,
        confidence=_confidence(source),
        view=f"import of {name}",
        token=_key(row, dataset, last),
        recorded_by=by,
        decided=source.when,
    )


def _key(row: IncomingRow, dataset: ReviewedDataset, last: int) -> str:
    """Name a decision by all that makes it one: the same import at the same moment is one."""
    scope = [dataset.fingerprint, row.reader, row.sample_id, row.label, last]
    return "import:" + hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:32]


def _confidence(row: LabelRow) -> int | None:
    """Read the confidence of a row."""
    text = row.confidence.strip()
    if not text:
        return None
    if text not in map(str, CONFIDENCES):
        raise ReviewError(f"line {row.line}: confidence must be from 1 to 5, got {text[:20]!r}.")
    return int(text)
