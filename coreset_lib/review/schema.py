"""The schema of the review database: looked up when it is opened, upgraded where that is safe."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from coreset_lib.errors import ReviewError
from coreset_lib.review.connection import has_wal, reading, shown_url, use_wal, writing
from coreset_lib.system.locks import FileLock

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
    before = schema_of(engine)
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
    file = _file(engine)
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


def _file(engine: Engine) -> Path | None:
    """Return the file of a SQLite database, None for a server."""
    database = engine.url.database
    return Path(database) if engine.dialect.name == "sqlite" and database else None


def _name(engine: Engine) -> str:
    """Name the database for people."""
    return shown_url(engine.url.render_as_string(hide_password=False))
