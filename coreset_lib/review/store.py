"""The store of label decisions: who may do what, and rows that are only ever added."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.review import rights
from coreset_lib.review.address import shown_url
from coreset_lib.review.connection import (
    BUSY_SECONDS,
    connect,
    reading,
    writing,
)
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.identity import check_new_name
from coreset_lib.review.models import ExportedLabelRow, ExportRow, GrantRow, RuleRow
from coreset_lib.review.records import (
    NO_ROLE,
    ROLES,
    Decision,
    Event,
    ReviewExport,
    Rules,
    check_name,
)
from coreset_lib.review.schema import check_schema, upgrade
from coreset_lib.review.trail import (
    EVENTS,
    current_roles,
    current_rules,
    event_of,
    last_event,
    now,
    record_decision,
    undo_event,
)


class ReviewStore:
    """Decisions of all datasets in one database; use `open_reviews` to get one."""

    def __init__(self, engine: Engine, *, account: str = "") -> None:
        self.engine = engine
        self._account = account

    @property
    def name(self) -> str:
        """Where the database is, without a password."""
        return shown_url(self.engine.url.render_as_string(hide_password=False))

    def signed(self, name: str) -> str:
        """Return what is recorded of who entered something: a name, and the account it came by.

        A name given on a command line is believed; the account behind it says who gave it.
        """
        is_known = self._account in ("", name)
        return name if is_known else f"{name} (account {self._account})"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> "ReviewStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def readers(self) -> dict[str, str]:
        """Return the role of everybody who has one, in the order of the alphabet."""
        with reading(self.engine) as connection:
            return current_roles(connection)

    def role_of(self, reader: str) -> str | None:
        """Return a person's role, None for a stranger."""
        return self.readers().get(reader)

    def grant(self, reader: str, role: str, *, by: str) -> None:
        """Give a person a role, or take it with "none".

        In a database without any reader, a person may make themselves admin.

        Raises
        ------
        ReviewError
            If ``by`` is no admin, the role is unknown, or nobody would be admin any more.
        """
        check_name(reader)
        check_name(by)
        _check_role(role)
        with writing(self.engine) as connection:
            roles = current_roles(connection)
            if role != NO_ROLE and reader not in roles:
                known = connection.execute(select(GrantRow.reader).distinct()).scalars()
                check_new_name(reader, known)
            rights.check_grant(roles, reader, role, by)
            connection.execute(
                insert(GrantRow).values(
                    at=now(), reader=reader, role=role, granted_by=self.signed(by)
                )
            )

    def rules(self, fingerprint: str) -> Rules:
        """Return how a dataset is reviewed; the default where nobody has said."""
        with reading(self.engine) as connection:
            return current_rules(connection, fingerprint)

    def has_rules(self, fingerprint: str) -> bool:
        """Whether somebody has said how a dataset is reviewed."""
        query = select(RuleRow.id).where(RuleRow.fingerprint == fingerprint).limit(1)
        with reading(self.engine) as connection:
            return connection.execute(query).first() is not None

    def set_rules(self, fingerprint: str, rules: Rules, *, by: str) -> None:
        """Change how a dataset is reviewed; raises ReviewError unless ``by`` is an admin."""
        with writing(self.engine) as connection:
            rights.check_role(by, current_roles(connection).get(by), "set rules")
            connection.execute(
                insert(RuleRow).values(
                    at=now(),
                    fingerprint=fingerprint,
                    second_reading=rules.second_reading,
                    budget=rules.budget,
                    set_by=self.signed(by),
                )
            )

    def events(self, fingerprint: str, *, after: int = 0, up_to: int | None = None) -> list[Event]:
        """Return the audit trail of a dataset in the order of recording.

        Parameters
        ----------
        fingerprint : str
        after : int
            Leave out events up to this one, which the caller has already.
        up_to : int, optional
            Leave out later events.
        """
        query = select(EVENTS).where(EVENTS.c.fingerprint == fingerprint, EVENTS.c.id > after)
        if up_to is not None:
            query = query.where(EVENTS.c.id <= up_to)
        with reading(self.engine) as connection:
            return [event_of(row) for row in connection.execute(query.order_by(EVENTS.c.id))]

    def last_event(self) -> int:
        """Return the number of the latest event of all datasets, 0 if there is none."""
        with reading(self.engine) as connection:
            return last_event(connection)

    def decide(self, dataset: ReviewedDataset, decision: Decision) -> Event:
        """Record a decision; it is on disk when this returns.

        Raises
        ------
        StaleDecisionError
            If somebody else decided on the sample after what ``decision.seen`` names.
        ReviewError
            If the dataset is another one, sample or class are unknown, the reader's role
            does not allow it, or the database cannot be used. Nothing is recorded then.
        """
        return self.decide_all(dataset, [decision])[0]

    def decide_all(self, dataset: ReviewedDataset, decisions: list[Decision]) -> list[Event]:
        """Record several decisions, all or none; raises as `decide`."""
        return [event for event, _ in self._record_all(dataset, decisions)]

    def add_decisions(self, dataset: ReviewedDataset, decisions: list[Decision]) -> list[Event]:
        """Record several decisions, all or none, and return the events that are new.

        A decision whose token is in the trail already adds none. Raises as `decide`.
        """
        return [event for event, is_new in self._record_all(dataset, decisions) if is_new]

    def _record_all(
        self, dataset: ReviewedDataset, decisions: list[Decision]
    ) -> list[tuple[Event, bool]]:
        """Record decisions in one transaction; say of each whether it is new."""
        for decision in decisions:
            _check_subject(dataset, decision)
        with writing(self.engine) as connection:
            return [record_decision(connection, dataset, decision) for decision in decisions]

    def undo(
        self,
        dataset: ReviewedDataset,
        reader: str,
        *,
        target: int | None = None,
        run: str = "",
        view: str = "",
        token: str | None = None,
    ) -> Event:
        """Take a decision back by a new event; the former one stays in the trail.

        Parameters
        ----------
        dataset : ReviewedDataset
        reader : str
        target : int, optional
            The event to undo; by default the reader's last one that still counts.
        run, view, token
            See `Event`.

        Raises
        ------
        ReviewError
            If there is nothing to undo, or it is another reader's (an admin may).
        """
        with writing(self.engine) as connection:
            return undo_event(
                connection,
                dataset,
                reader,
                recorded_by=self.signed(reader),
                target=target,
                run=run,
                view=view,
                token=token,
            )

    def undo_all(
        self, dataset: ReviewedDataset, reader: str, targets: Mapping[int, str], **fields: str
    ) -> list[Event]:
        """Take several decisions back, all or none; raises as `undo`.

        ``targets`` maps the events to undo to a token for each; ``fields`` may be run and view.
        """
        with writing(self.engine) as connection:
            return [
                undo_event(
                    connection,
                    dataset,
                    reader,
                    recorded_by=self.signed(reader),
                    target=target,
                    token=token,
                    **fields,
                )
                for target, token in targets.items()
            ]

    def exports(self, fingerprint: str) -> list[ReviewExport]:
        """Return what was handed out of a dataset, in the order of time."""
        with reading(self.engine) as connection:
            found = connection.execute(
                select(ExportRow.__table__)
                .where(ExportRow.fingerprint == fingerprint)
                .order_by(ExportRow.id)
            ).all()
            return [_export(connection, row) for row in found]

    def record_export(
        self,
        fingerprint: str,
        labels: Mapping[str, str],
        *,
        by: str,
        last_event: int,
        sha256: str,
    ) -> None:
        """Note that labels were handed out; raises ReviewError for a stranger."""
        with writing(self.engine) as connection:
            rights.check_role(by, current_roles(connection).get(by), "export")
            number = connection.execute(
                insert(ExportRow)
                .values(
                    at=now(),
                    exported_by=self.signed(by),
                    fingerprint=fingerprint,
                    last_event=last_event,
                    sha256=sha256,
                )
                .returning(ExportRow.id)
            ).scalar_one()
            rows = [
                {"export_id": number, "sample_id": sample, "label": label}
                for sample, label in labels.items()
            ]
            if rows:
                connection.execute(insert(ExportedLabelRow), rows)


def open_reviews(
    cache: Path,
    database: str | None = None,
    *,
    busy_seconds: float = BUSY_SECONDS,
    create: bool = True,
    account: str = "",
) -> ReviewStore:
    """Open the review database.

    A SQLite file is made, and brought to this program's schema, by itself; a server's tables
    are an administrator's to upgrade.

    Parameters
    ----------
    cache : Path
        Holds ``review.sqlite3``, the default.
    database : str, optional
        See `database_url`.
    busy_seconds : float
        How long to wait for other programs that write.
    create : bool
        Whether a SQLite file that is not there is made; else nobody has decided anything.
    account : str
        The account of the system that gives names on a command line; recorded beside them.

    Raises
    ------
    ReviewError
        If the database cannot be reached or used, or its schema is older or newer.
    """
    engine = connect(cache, database, busy_seconds=busy_seconds, create=create)
    store = ReviewStore(engine, account=account)
    try:
        if store.engine.dialect.name == "sqlite":
            upgrade(store.engine)
        check_schema(store.engine)
    except ReviewError:
        store.close()
        raise
    return store


def _check_subject(dataset: ReviewedDataset, decision: Decision) -> None:
    """Raise ReviewError unless dataset, sample and class are what the decision says."""
    dataset.check_fingerprint(decision.fingerprint)
    dataset.label_of(decision.sample_id)
    if decision.action == "relabel" and dataset.check_class(decision.label) != decision.label:
        raise ReviewError(
            f"labels must be in the order of {', '.join(dataset.label_names)}, got "
            f"{decision.label!r}. Give {dataset.check_class(decision.label)!r}."
        )


def _export(connection: Connection, row: Any) -> ReviewExport:
    """Return an export with its labels."""
    labels = connection.execute(
        select(ExportedLabelRow.sample_id, ExportedLabelRow.label).where(
            ExportedLabelRow.export_id == row.id
        )
    )
    return ReviewExport(
        id=row.id,
        at=row.at,
        exported_by=row.exported_by,
        last_event=row.last_event,
        sha256=row.sha256,
        labels={row.sample_id: row.label for row in labels},
    )


def _check_role(role: str) -> None:
    """Raise ReviewError for an unknown role."""
    try:
        check_choice("role", role, (*ROLES, NO_ROLE))
    except CoresetError as error:
        raise ReviewError(str(error)) from None
