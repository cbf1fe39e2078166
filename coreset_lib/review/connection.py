"""Reaching the review database: SQLite in the cache, or PostgreSQL by its address."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from coreset_lib.errors import ReviewDatabaseError, ReviewError
from coreset_lib.system.privacy import make_private

DATABASE_VARIABLE = "CORESET_LENS_REVIEW_DB"
FILE_NAME = "review.sqlite3"
BUSY_SECONDS = 10.0
KINDS = ("sqlite", "postgresql")
BEGIN = "coreset_lens_begin"
# One at a time: so ids grow in the order in which decisions become visible.
WRITERS_LOCK = 7_318_402_115


def database_url(cache: Path, given: str | None = None) -> str:
    """Return the address of the review database.

    Parameters
    ----------
    cache : Path
        Holds the SQLite file that is used when nothing else is said.
    given : str, optional
        An address such as ``postgresql://name@host/database`` or the path of a SQLite file;
        by default what ``CORESET_LENS_REVIEW_DB`` says.
    """
    wanted = given or os.environ.get(DATABASE_VARIABLE) or str(cache / FILE_NAME)
    if "://" in wanted:
        return wanted
    return URL.create("sqlite", database=str(Path(wanted).absolute())).render_as_string()


def has_database(cache: Path) -> bool:
    """Whether there is a review database to read: a server always, a file once it exists."""
    url = database_url(cache)
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        return True  # opening it says what is wrong
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return True
    return Path(parsed.database).exists()


def shown_url(url: str) -> str:
    """Return an address for people: a path for SQLite, no password otherwise."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        return "that was given"
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or "in memory"
    return parsed.set(drivername=parsed.get_backend_name()).render_as_string(hide_password=True)


def connect(
    cache: Path, database: str | None = None, *, busy_seconds: float = BUSY_SECONDS
) -> Engine:
    """Return an engine on the review database, whatever its schema; raises ReviewError."""
    url = database_url(cache, database)
    if url == database_url(cache, str(cache / FILE_NAME)):
        try:
            make_private(cache)
        except OSError as error:
            raise ReviewError(
                f"cache {cache} cannot be written: {error.strerror or error}. "
                "Choose another folder with --cache or CORESET_LENS_CACHE."
            ) from None
    return make_engine(url, busy_seconds=busy_seconds)


def make_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Return an engine whose commits are on disk when they return.

    Raises
    ------
    ReviewError
        If the address is not one of SQLite or PostgreSQL, or its driver is missing.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        # Opened anew each time: a connection to a file that was moved or restored would go on
        # writing where nobody will ever look.
        options = {"timeout": busy_seconds}
        engine = create_engine(parsed, poolclass=NullPool, connect_args=options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    parsed = parsed.set(drivername="postgresql+psycopg")
    options = f"-c synchronous_commit=on -c lock_timeout={round(1000 * busy_seconds)}"
    try:
        return create_engine(
            parsed,
            pool_pre_ping=True,
            connect_args={"connect_timeout": max(2, round(busy_seconds)), "options": options},
        )
    except ModuleNotFoundError:
        raise ReviewError(
            "a review database of PostgreSQL needs the package psycopg, which is not installed. "
            "Install it with: pip install 'coreset-lens[postgres]'"
        ) from None


@contextlib.contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Yield a connection that sees one state of the database."""
    with explained(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """Yield a connection that alone may write; what it wrote is on disk after the block."""
    with explained(engine), engine.connect() as plain:
        connection = plain.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS_LOCK}
                )
            yield connection


def use_wal(engine: Engine) -> None:
    """Let readers and a writer of a SQLite file work at once; the file remembers it."""
    with explained(engine), engine.connect() as plain:
        # The journal cannot be changed inside a transaction.
        connection = plain.execution_options(**{BEGIN: ""})
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def has_wal(engine: Engine) -> bool:
    """Whether that is done already, or not needed."""
    if engine.dialect.name != "sqlite":
        return True
    with explained(engine), engine.connect() as connection:
        return connection.exec_driver_sql("PRAGMA journal_mode").scalar() in ("wal", "memory")


@contextlib.contextmanager
def explained(engine: Engine) -> Generator[None]:
    """Turn what a database complains about into one sentence."""
    try:
        yield
    except exc.DBAPIError as error:
        raise ReviewDatabaseError(_reason(engine, error)) from None


def _parsed(url: str) -> URL:
    """Read an address, or say how one looks."""
    example = "Give postgresql://name@host/database, or the path of a SQLite file."
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except exc.ArgumentError:
        raise ReviewError(f"review database must be an address, got nonsense. {example}") from None
    if kind == "postgres":
        parsed, kind = parsed.set(drivername="postgresql"), "postgresql"
    if kind not in KINDS:
        raise ReviewError(f"review database must be of SQLite or PostgreSQL, got {kind}. {example}")
    return parsed


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Let SQLAlchemy begin transactions itself, and flush every commit to the disk."""
    del record
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Begin; a writer waits its turn here, instead of failing at its first write."""
    command = connection.get_execution_options().get(BEGIN, "BEGIN")
    if command:
        connection.exec_driver_sql(command)


def _reason(engine: Engine, error: exc.DBAPIError) -> str:
    """Say what is wrong with the database, and what to do."""
    name = shown_url(engine.url.render_as_string(hide_password=False))
    said = " ".join(str(error.orig).split())
    for part, reason in _SAYINGS.items():
        if part in said:
            return f"review database {name} {reason}"
    return f"review database {name} cannot be used: {said[:300]}. Check the address and the server."


_SAYINGS = {
    "database is locked": "is locked by another program. Close that program, or try again.",
    "lock timeout": "is locked by another program. End that program's transaction, or try again.",
    "unable to open database file": "cannot be opened. Check that its folder exists and that you "
    "may write to it.",
    "readonly database": "may not be written. Check who owns the file and its folder.",
    "attempt to write a readonly": "may not be written. Check who owns the file and its folder.",
    "file is not a database": "is not a SQLite file. Restore it from a copy, or name another one.",
    "malformed": "is damaged. Restore it from a copy.",
    "disk is full": "cannot grow: the disk is full. Make room; nothing was recorded.",
    "disk I/O error": "cannot be read or written: the disk reports an error. Restore it from a "
    "copy on another disk.",
    "Connection refused": "does not answer. Check that the server runs and that host and port are "
    "right.",
    "timeout expired": "does not answer. Check that the server runs and that host and port are "
    "right.",
    "resolve host": "cannot be found under this host name. Check the address.",
    "password": "refuses the name or the password. Check the address.",
    "does not exist": "is not there. Create it on the server, or correct the address.",
    "no such table": "has lost its tables. Restore it from a copy, then open the page again.",
    "can only be added": "refuses to change what was recorded: rows can only be added.",
}
