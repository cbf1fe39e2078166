"""Reaching the review database: SQLite in the cache, or PostgreSQL by its address."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.pool import NullPool, StaticPool

from coreset_lib.errors import CoresetError, ReviewDatabaseError, ReviewError
from coreset_lib.review.address import (
    FILE_NAME,
    database_url,
    file_of,
    parsed_address,
    shown_url,
    without_secrets,
)
from coreset_lib.system.privacy import make_private

BUSY_SECONDS = 10.0
BEGIN = "coreset_lens_begin"
# One at a time: so ids grow in the order in which decisions become visible.
WRITERS_LOCK = 7_318_402_115


def connect(
    cache: Path,
    database: str | None = None,
    *,
    busy_seconds: float = BUSY_SECONDS,
    create: bool = True,
) -> Engine:
    """Return an engine on the review database, whatever its schema; raises ReviewError.

    Without ``create`` a file that is not there is an empty database in memory.
    """
    url = database_url(cache, database)
    file = file_of(parsed_address(url))
    if file is not None:
        if not create and not file.exists():
            return _in_memory()
        _check_content(file)
    if file is not None and file.absolute() == (cache / FILE_NAME).absolute():
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
    parsed = parsed_address(url)
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


def _in_memory() -> Engine:
    """Return an engine on an empty database that nobody else sees, gone with its connection."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_content(file: Path) -> None:
    """Raise ReviewError for a file without a byte: no database that was made is so."""
    try:
        is_empty = file.is_file() and file.stat().st_size == 0
    except OSError:
        return  # opening it says what is wrong
    if is_empty:
        raise ReviewDatabaseError(
            f"review database {file} is damaged: it holds nothing. Restore it from a copy; "
            "delete the file only if nobody has reviewed here yet."
        )


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
    except CoresetError:
        raise
    except ValueError:  # what a column holds, or the file's schema, is no text or no moment
        name = shown_url(engine.url.render_as_string(hide_password=False))
        raise ReviewDatabaseError(
            f"review database {name} is damaged. Restore it from a copy."
        ) from None


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
    said = without_secrets(" ".join(str(error.orig).split()), engine.url)
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
