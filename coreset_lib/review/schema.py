"""The schema of the review database: looked up when it is opened, upgraded where that is safe."""

import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from coreset_lib.errors import ReviewError
from coreset_lib.review.address import file_of, shown_url
from coreset_lib.review.connection import has_wal, make_engine, reading, use_wal, writing
from coreset_lib.system.locks import FileLock
from coreset_lib.system.privacy import file_mode

MIGRATIONS = Path(__file__).with_name("migrations")
CURRENT = "0002"
PATIENCE_SECONDS = 30.0


def schema_of(engine: Engine) -> str | None:
    """Return the number of the database's schema, None for an empty one.

    Raises
    ------
    ReviewError
        If the database cannot be read, or holds tables of another program.
    """
    with reading(engine) as connection:
        return _schema(connection, engine)


def check_schema(engine: Engine) -> None:
    """Raise ReviewError, with what to do, unless this program can work with the database."""
    found = schema_of(engine)
    if found == CURRENT:
        return
    name = _name(engine)
    if found is None or found < CURRENT:
        state = "has no tables yet" if found is None else f"has the older schema {found}"
        raise ReviewError(
            f"review database {name} {state}, and this program needs {CURRENT}. Let an "
            "administrator run: coreset-lens review upgrade"
        )
    raise ReviewError(
        f"review database {name} has the newer schema {found}, and this program knows {CURRENT}. "
        "Update coreset-lens on this computer."
    )


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the database to this program's schema.

    Returns
    -------
    (str or None, str)
        The schema before (None for an empty database) and after.

    Raises
    ------
    ReviewError
        If the schema is newer than this program, or the database cannot be written.
    """
    is_new = _begin_file(engine)
    before = None if is_new else schema_of(engine)
    if before == CURRENT and has_wal(engine):
        return before, CURRENT
    lock = _lock_beside(engine)
    try:
        if lock is not None:
            use_wal(engine)
        with writing(engine) as connection:
            if (_schema(connection, engine) or "") < CURRENT:
                _run_migrations(connection)
    finally:
        if lock is not None:
            lock.release()
    check_schema(engine)
    return before, CURRENT


def _begin_file(engine: Engine) -> bool:
    """Make the file of a new SQLite database, whole; whether it was missing.

    Made in place it would be empty at first, as a damaged one is.
    """
    file = file_of(engine.url)
    if file is None or file.exists() or not file.parent.is_dir():
        return False
    lock = _lock_beside(engine)
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part.sqlite3")
    try:
        if file.exists():  # another program was faster
            return False
        _make_file(aside)
        os.replace(aside, file)
        return True
    finally:
        aside.unlink(missing_ok=True)
        if lock is not None:
            lock.release()


def _make_file(path: Path) -> None:
    """Make a SQLite file with all tables."""
    new = make_engine(URL.create("sqlite", database=str(path)).render_as_string())
    try:
        with writing(new) as connection:
            _run_migrations(connection)
    finally:
        new.dispose()
    path.chmod(file_mode())  # SQLite gives what lies beside it the same


def _schema(connection: Connection, engine: Engine) -> str | None:
    """Look the number up."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)
    if "events" in tables:
        raise ReviewError(
            f"review database {_name(engine)} holds tables of another program. Name another one."
        )
    return None


def _run_migrations(connection: Connection) -> None:
    """Run all steps that are missing, inside the transaction of ``connection``."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, CURRENT)


def _lock_beside(engine: Engine) -> FileLock | None:
    """Keep other programs from preparing the same SQLite file; None for a server."""
    file = file_of(engine.url)
    if file is None:
        return None
    lock = FileLock(file.with_name(f"{file.name}.lock"))
    try:
        is_mine = lock.acquire(patience=PATIENCE_SECONDS)
    except OSError as error:
        raise ReviewError(
            f"review database {file} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache, or another database with --database."
        ) from None
    if not is_mine:
        raise ReviewError(
            f"review database {file} is being prepared by another program. Try again."
        )
    return lock


def _name(engine: Engine) -> str:
    """Name the database for people."""
    return shown_url(engine.url.render_as_string(hide_password=False))
