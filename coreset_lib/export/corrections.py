"""Corrected labels as a table to take away, with where they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from coreset_lib.atomic import csv_bytes
from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export, make_export
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Rules
from coreset_lib.review.states import SampleState, sample_states
from coreset_lib.runs.store import Run
from coreset_lib.spreadsheets import disarm_formulas

if TYPE_CHECKING:
    from coreset_lib.review.store import ReviewStore

KIND = "labels"
INCLUDED = {
    "confirmed": "labels decided for good: what train --labels uses",
    "all": "every sample that somebody has looked at, with its status",
}
COLUMNS = (
    *("sample_id", "old", "new", "who", "when", "why", "status"),
    *("confidence", "second_reader", "run", "view"),
)
TEXTS = ("sample_id", "old", "new", "who", "why", "second_reader", "run", "view")


def export_labels(
    run: Run,
    reviews: "ReviewStore",
    *,
    included: str = "confirmed",
    up_to: int | None = None,
    rules: Rules | None = None,
) -> Export:
    """Return the decided labels of a run's dataset as a table, with provenance.

    Parameters
    ----------
    run : Run
        Any run on the dataset.
    reviews : ReviewStore
    included : str
        One of `INCLUDED`.
    up_to : int, optional
        Count events up to this one only, as an earlier export did.
    rules : Rules, optional
        By default those that hold now.

    Returns
    -------
    Export
        Columns `COLUMNS`, one row per sample, in the order of the training split. ``old`` is
        the dataset's label, ``when`` is UTC, ``status`` as in
        :data:`coreset_lib.review.states.STATUSES`; what was handed out before reads
        "confirmed" here, so that the same decisions give the same bytes.

    Raises
    ------
    CoresetError
        If nothing is there to export, or run or database cannot be read.
    """
    check_choice("include", included, INCLUDED)
    dataset = ReviewedDataset.of_run(run)
    rules = reviews.rules(dataset.fingerprint) if rules is None else rules
    last = reviews.last_event() if up_to is None else up_to
    states = sample_states(reviews.events(dataset.fingerprint, up_to=last), rules)
    chosen = [s for s in states.values() if s.is_done or (included == "all" and s.status != "open")]
    if not chosen:
        raise CoresetError(_nothing(dataset, states))
    chosen.sort(key=lambda state: dataset.rows.get(state.sample_id, len(dataset.rows)))
    rows = [_row(state) for state in chosen]
    csv = csv_bytes(disarm_formulas(pd.DataFrame(rows, columns=list(COLUMNS)), TEXTS))
    details = {
        "reviews": {
            "included": included,
            "last_event": last,
            "second_reading": rules.second_reading,
        },
        "n_labels": len(rows),
        "n_changed": sum(s.is_done and s.label != s.old_label for s in chosen),
    }
    return make_export(KIND, run, csv, details, n_epochs=run.status().epoch)


def hand_out(export: Export, run: Run, reviews: "ReviewStore", *, by: str) -> None:
    """Note in the database that an export was handed out; its samples become "exported".

    Raises
    ------
    ReviewError
        If ``by`` is not among the readers.
    """
    record = export.provenance["reviews"]
    dataset = ReviewedDataset.of_run(run)
    rules = replace(reviews.rules(dataset.fingerprint), second_reading=record["second_reading"])
    events = reviews.events(dataset.fingerprint, up_to=record["last_event"])
    states = sample_states(events, rules)
    reviews.record_export(
        dataset.fingerprint,
        {s.sample_id: s.label for s in states.values() if s.is_done and s.label is not None},
        by=by,
        last_event=record["last_event"],
        sha256=export.provenance["sha256"],
    )


def labels_again(run: Run, record: Mapping[str, Any]) -> Export:
    """Export the decisions that a provenance tells of once more, from the cache's database."""
    from coreset_lib.review.store import open_reviews  # only now a database is needed

    reviews = record["reviews"]
    with open_reviews(run.paths.cache) as store:
        try:
            return export_labels(
                run,
                store,
                included=str(reviews["included"]),
                up_to=int(reviews["last_event"]),
                rules=Rules(second_reading=str(reviews["second_reading"])),
            )
        except (KeyError, TypeError):
            raise CoresetError(
                "the decisions in the provenance have unknown fields. "
                "Use the version that wrote it."
            ) from None


def _row(state: SampleState) -> Sequence[Any]:
    """Return one line of the table: of readers who disagree, or put it off, all are named."""
    decision = state.decision
    status = "confirmed" if state.is_done else state.status
    if decision is None:
        said = "; ".join(f"{name}: {e.new_label}" for name, e in state.decisions.items())
        names = ", ".join(state.decisions)
        return [state.sample_id, state.old_label, "", names, "", said, status, "", "", "", ""]
    return [
        *(state.sample_id, state.old_label, state.label, decision.reader),
        *(decision.at.isoformat(timespec="seconds"), decision.reason, status),
        *("" if decision.confidence is None else str(decision.confidence), state.settled_by),
        *(decision.run, decision.view),
    ]


def _nothing(dataset: ReviewedDataset, states: Mapping[str, SampleState]) -> str:
    """Say why there is nothing to export."""
    waiting = sum(s.status == "proposed" for s in states.values())
    if waiting:
        return (
            f"no label of {dataset.name} is decided for good yet: {waiting} wait for a second "
            "reader. Let one confirm them, or export all with --include all."
        )
    return f"nobody has decided on a label of {dataset.name} yet. Review it in the dashboard."
