"""The rows of the audit trail: looking them up, and adding one."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from coreset_lib.errors import ReviewError, StaleDecisionError
from coreset_lib.review import rights
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.limits import check_number, check_text
from coreset_lib.review.models import EventRow, GrantRow, RuleRow
from coreset_lib.review.records import (
    LABELLING,
    NO_ROLE,
    ROLES,
    Decision,
    Event,
    Rules,
    check_reason,
)

EVENTS = EventRow.__table__
COLUMNS = tuple(column.name for column in EVENTS.columns)


def record_decision(
    connection: Connection, dataset: ReviewedDataset, decision: Decision
) -> tuple[Event, bool]:
    """Add the event of a decision, or find the one that was added before.

    Returns
    -------
    (Event, bool)
        The event, and whether it is new.
    """
    known = event_with_token(connection, decision.token)
    if known is not None:
        _check_same_decision(known, decision)
        return known, False
    return _add_decision(connection, dataset, decision), True


def _add_decision(connection: Connection, dataset: ReviewedDataset, decision: Decision) -> Event:
    """Add the event of a decision."""
    role = current_roles(connection).get(decision.reader)
    rights.check_role(decision.reader, role, decision.action)
    _check_not_stale(connection, decision)
    old = dataset.label_of(decision.sample_id)
    new = {"keep": old, "relabel": decision.label}.get(decision.action)
    if decision.action in ("confirm", "reject"):
        target = _target(connection, dataset, decision)
        rights.check_second(decision, target)
        new = target.new_label
    return add_event(
        connection,
        dataset,
        reader=decision.reader,
        role=role,
        recorded_by=decision.recorded_by or decision.reader,
        sample_id=decision.sample_id,
        # A reader who names the class that the sample has already keeps it.
        action="keep" if decision.action == "relabel" and new == old else decision.action,
        new_label=new,
        target=decision.target,
        run=decision.run,
        view=decision.view,
        token=decision.token,
        reason=check_reason(decision.reason),
        confidence=decision.confidence,
        decided=decision.decided,
    )


def undo_event(
    connection: Connection,
    dataset: ReviewedDataset,
    reader: str,
    *,
    recorded_by: str,
    target: int | None = None,
    run: str = "",
    view: str = "",
    token: str | None = None,
) -> Event:
    """Add the event that takes a decision back; the same one for a token that is known."""
    check_number("target", target)
    for name, text in {"run": run, "view": view, "token": token}.items():
        check_text(name, text)
    known = event_with_token(connection, token)
    if known is not None:
        check_repeated(known, dataset.fingerprint, reader=reader, actions=("undo",))
        return known
    role = current_roles(connection).get(reader)
    rights.check_role(reader, role, "undo")
    undone = event_to_undo(connection, dataset, reader, target)
    rights.check_undo(reader, role, undone)
    return add_event(
        connection,
        dataset,
        reader=reader,
        role=role,
        recorded_by=recorded_by,
        sample_id=undone.sample_id,
        action="undo",
        new_label=None,
        target=undone.id,
        run=run,
        view=view,
        token=token,
    )


def add_event(
    connection: Connection, dataset: ReviewedDataset, *, sample_id: str, **fields: Any
) -> Event:
    """Add one event to the chain of its sample."""
    last = _last_on(connection, dataset.fingerprint, sample_id)
    values: dict[str, Any] = {
        "at": now(),
        "fingerprint": dataset.fingerprint,
        "sample_id": sample_id,
        "old_label": dataset.label_of(sample_id),
        "reason": "",
        "decided": "",
        "previous": last.id if last else 0,
        **fields,
    }
    added = connection.execute(insert(EventRow).values(values).returning(*EVENTS.columns))
    return event_of(added.one())


def event_of(row: Any) -> Event:
    """Return a row as a record; raises ValueError for one that was never written."""
    for column, value in zip(EVENTS.columns, row, strict=True):
        if not isinstance(value, column.type.python_type) and not (
            value is None and column.nullable
        ):
            raise ValueError(f"events.{column.name} holds {value!r}")
    return Event(**dict(zip(COLUMNS, row, strict=True)))


def current_roles(connection: Connection) -> dict[str, str]:
    """Return everybody's role: the last grant counts; raises ValueError for unknown ones."""
    rows = connection.execute(select(GrantRow.reader, GrantRow.role).order_by(GrantRow.id))
    latest = {row.reader: row.role for row in rows}
    for name, role in latest.items():
        if not isinstance(name, str) or role not in (*ROLES, NO_ROLE):
            raise ValueError(f"grants holds {role!r} for {name!r}")
    return {name: latest[name] for name in sorted(latest) if latest[name] != NO_ROLE}


def current_rules(connection: Connection, fingerprint: str) -> Rules:
    """Return the last rules of a dataset."""
    found = connection.execute(
        select(RuleRow.second_reading, RuleRow.budget)
        .where(RuleRow.fingerprint == fingerprint)
        .order_by(RuleRow.id.desc())
        .limit(1)
    ).one_or_none()
    return Rules() if found is None else Rules(second_reading=found[0], budget=found[1])


def last_event(connection: Connection) -> int:
    """Return the number of the latest event."""
    found = connection.execute(select(EVENTS.c.id).order_by(EVENTS.c.id.desc()).limit(1))
    return int(found.scalar() or 0)


def _last_on(connection: Connection, fingerprint: str, sample_id: str) -> Event | None:
    """Return the latest event on a sample."""
    found = connection.execute(
        select(EVENTS)
        .where(EVENTS.c.fingerprint == fingerprint, EVENTS.c.sample_id == sample_id)
        .order_by(EVENTS.c.previous.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else event_of(found)


def event_with_token(connection: Connection, token: str | None) -> Event | None:
    """Return the event that was recorded with a token before."""
    if token is None:
        return None
    found = connection.execute(select(EVENTS).where(EVENTS.c.token == token)).one_or_none()
    return None if found is None else event_of(found)


def check_repeated(
    known: Event,
    fingerprint: str,
    *,
    reader: str,
    actions: tuple[str, ...],
    sample_id: str | None = None,
) -> None:
    """Raise ReviewError unless an event with the same token is what is asked for once more."""
    is_same = (known.fingerprint, known.reader) == (fingerprint, reader)
    if not is_same or known.action not in actions or sample_id not in (None, known.sample_id):
        raise ReviewError(
            f"token must name one decision, got that of event {known.id} ({known.action} on "
            f"{known.sample_id} by {known.reader}) for another one. Nothing was recorded: send "
            "it with a token of its own."
        )


def _check_same_decision(known: Event, decision: Decision) -> None:
    """Raise ReviewError where a token stands for another decision than this one."""
    # A relabelling to the class that a sample has already was recorded as keeping it.
    is_kept = decision.action == "relabel" and decision.label == known.old_label
    check_repeated(
        known,
        decision.fingerprint,
        reader=decision.reader,
        actions=("keep",) if is_kept else (decision.action,),
        sample_id=decision.sample_id,
    )
    if decision.action == "relabel" and decision.label != known.new_label:
        raise ReviewError(
            f"token must name one decision, got that of event {known.id} ({known.new_label}) for "
            f"{decision.label}. Nothing was recorded: send it with a token of its own."
        )


def _target(connection: Connection, dataset: ReviewedDataset, decision: Decision) -> Event:
    """Return the label decision that is confirmed or rejected, if it still counts."""
    target = _find(connection, decision.target)
    is_same = target is not None and (target.fingerprint, target.sample_id) == (
        dataset.fingerprint,
        decision.sample_id,
    )
    if target is None or not is_same or target.action not in LABELLING:
        raise ReviewError(
            f"{decision.action} must be about a label decision on sample {decision.sample_id}, "
            f"got event {decision.target}. Look at the sample again."
        )
    if _is_undone(connection, target.id):
        raise StaleDecisionError(
            f"{target.reader} has taken the decision on sample {decision.sample_id} back. "
            "Look at it again."
        )
    return target


def event_to_undo(
    connection: Connection, dataset: ReviewedDataset, reader: str, target: int | None
) -> Event:
    """Return the event that shall be undone."""
    if target is None:
        found = _last_that_counts(connection, dataset.fingerprint, reader)
        if found is None:
            raise ReviewError(f"{reader} has no decision on {dataset.name} to undo.")
        return found
    event = _find(connection, target)
    if event is None or event.fingerprint != dataset.fingerprint or event.action == "undo":
        raise ReviewError(
            f"undo must be of a decision on {dataset.name}, got event {target}. "
            "Look at the audit trail."
        )
    if _is_undone(connection, target):
        raise StaleDecisionError(
            f"the decision on sample {event.sample_id} is undone already. Decide anew."
        )
    return event


def _last_that_counts(connection: Connection, fingerprint: str, reader: str) -> Event | None:
    """Return a reader's last event that is not undone."""
    undone = select(EVENTS.c.target).where(EVENTS.c.action == "undo")
    found = connection.execute(
        select(EVENTS)
        .where(
            EVENTS.c.fingerprint == fingerprint,
            EVENTS.c.reader == reader,
            EVENTS.c.action != "undo",
            EVENTS.c.id.not_in(undone),
        )
        .order_by(EVENTS.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else event_of(found)


def _find(connection: Connection, number: int | None) -> Event | None:
    """Return an event by its number."""
    found = connection.execute(select(EVENTS).where(EVENTS.c.id == number)).one_or_none()
    return None if found is None else event_of(found)


def _is_undone(connection: Connection, number: int) -> bool:
    """Whether an event was taken back."""
    query = select(EVENTS.c.id).where(EVENTS.c.action == "undo", EVENTS.c.target == number)
    return connection.execute(query.limit(1)).first() is not None


def _check_not_stale(connection: Connection, decision: Decision) -> None:
    """Raise StaleDecisionError if another reader came after what this one has seen.

    Who was faster is said; not what they decided, for the sake of blind reading.
    """
    if decision.seen is None:
        return
    later = connection.execute(
        select(EVENTS.c.reader)
        .where(
            EVENTS.c.fingerprint == decision.fingerprint,
            EVENTS.c.sample_id == decision.sample_id,
            EVENTS.c.id > decision.seen,
            EVENTS.c.reader != decision.reader,
        )
        .order_by(EVENTS.c.id.desc())
        .limit(1)
    ).scalar()
    if later is not None:
        raise StaleDecisionError(
            f"sample {decision.sample_id} was decided on by {later} since you opened it. "
            "Nothing was recorded: look at it again, then decide."
        )


def now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)
