"""The tables of the review database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# SQLite numbers rows by itself only in a column that is called plain INTEGER.
BigNumber = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""


class EventRow(Base):
    """What one person did to one sample; `previous` chains the events of a sample."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("fingerprint", "sample_id", "previous", name="one_after_the_other"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigNumber, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    reader: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    sample_id: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    old_label: Mapped[str] = mapped_column(Text)
    new_label: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    confidence: Mapped[int | None] = mapped_column(Integer)
    run: Mapped[str] = mapped_column(Text)
    view: Mapped[str] = mapped_column(Text)
    target: Mapped[int | None] = mapped_column(BigNumber)
    previous: Mapped[int] = mapped_column(BigNumber)
    token: Mapped[str | None] = mapped_column(Text, unique=True)
    decided: Mapped[str] = mapped_column(Text)


class GrantRow(Base):
    """Who may do what; the last row of a person counts."""

    __tablename__ = "grants"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigNumber, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    reader: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[str] = mapped_column(Text)


class RuleRow(Base):
    """How a dataset is reviewed; its last row counts."""

    __tablename__ = "rules"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigNumber, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    fingerprint: Mapped[str] = mapped_column(Text)
    second_reading: Mapped[str] = mapped_column(Text)
    budget: Mapped[int | None] = mapped_column(Integer)
    set_by: Mapped[str] = mapped_column(Text)


class ExportRow(Base):
    """One file of labels that was handed out."""

    __tablename__ = "exports"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigNumber, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    exported_by: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    last_event: Mapped[int] = mapped_column(BigNumber)
    sha256: Mapped[str] = mapped_column(Text)


class ExportedLabelRow(Base):
    """One label in such a file."""

    __tablename__ = "exported_labels"

    export_id: Mapped[int] = mapped_column(BigNumber, ForeignKey("exports.id"), primary_key=True)
    sample_id: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text)
