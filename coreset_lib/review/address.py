"""Where the review database is: a file or the address of a server, and what cannot be one.

Whatever cannot be an address is refused before anything is made, and never repeated: it may
be a password in a spelling that nobody thought of.
"""

import os
import re
from pathlib import Path

from sqlalchemy import exc, make_url
from sqlalchemy.engine import URL

from coreset_lib.errors import ReviewError

DATABASE_VARIABLE = "CORESET_LENS_REVIEW_DB"
FILE_NAME = "review.sqlite3"
KINDS = ("sqlite", "postgresql")
FILE_ENDINGS = (".sqlite3", ".sqlite", ".db", ".db3")
EXAMPLE = "Give postgresql://name@host/database, or the path of a SQLite file (.sqlite3 or .db)."
# What the options of an address may be called and yet be shown; any other may be a secret.
SHOWN_OPTIONS = ("sslmode", "host", "port", "application_name", "connect_timeout", "mode")
_HOST = re.compile(r"[\w.:-]*")
# "name:password@host", "host=… password=…", "postgresql:/…": no path of a file is like that.
_NO_PATH = re.compile(r"@|password|\b(?:host|user|dbname)\s*=|^[a-z0-9+]{2,}:", re.IGNORECASE)


def database_url(cache: Path, given: str | None = None) -> str:
    """Return the address of the review database.

    Parameters
    ----------
    cache : Path
        Holds the SQLite file that is used when nothing else is said.
    given : str, optional
        An address such as ``postgresql://name@host/database`` or the path of a SQLite file;
        by default what ``CORESET_LENS_REVIEW_DB`` says.

    Raises
    ------
    ReviewError
        If it is no address and cannot be the path of a SQLite file.
    """
    wanted = given or os.environ.get(DATABASE_VARIABLE)
    if not wanted:
        return _sqlite(cache / FILE_NAME)
    if "://" in wanted:
        return wanted
    if _NO_PATH.search(wanted) and not os.path.isfile(wanted):
        raise ReviewError(f"review database must be an address, got nonsense. {EXAMPLE}")
    return _sqlite(Path(wanted))


def parsed_address(url: str) -> URL:
    """Read an address, or say how one looks; raises ReviewError without repeating it."""
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (exc.ArgumentError, ValueError):
        raise ReviewError(f"review database must be an address, got nonsense. {EXAMPLE}") from None
    if kind == "postgres":
        parsed, kind = parsed.set(drivername="postgresql"), "postgresql"
    if kind not in KINDS:
        shown = kind if kind.isalnum() else "another kind"
        raise ReviewError(
            f"review database must be of SQLite or PostgreSQL, got {shown}. {EXAMPLE}"
        )
    if kind == "sqlite":
        _check_file(parsed)
    else:
        _check_server(parsed, url)
    return parsed


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite database, None for a server or a database in memory."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)) if is_file else None


def has_database(cache: Path) -> bool:
    """Whether there is a review database to read: a server always, a file once it exists."""
    try:
        file = file_of(make_url(database_url(cache)))
    except (exc.ArgumentError, ValueError, ReviewError):
        return True  # opening it says what is wrong
    return file is None or file.exists()


def shown_url(url: str) -> str:
    """Return an address for people: a path for SQLite, no password otherwise."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        return "that was given"
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or "in memory"
    hidden = [name for name in parsed.query if name.lower() not in SHOWN_OPTIONS]
    safe = parsed.set(drivername=parsed.get_backend_name()).difference_update_query(hidden)
    return safe.render_as_string(hide_password=True)


def without_secrets(said: str, url: URL) -> str:
    """Return what a driver said, without anything secret that stands in the address."""
    values = [url.password, *(v for k, v in url.query.items() if k.lower() not in SHOWN_OPTIONS)]
    texts: list[str] = []
    for value in values:
        texts.extend([value] if isinstance(value, str) else value or ())
    for text in sorted(filter(None, texts), key=len, reverse=True):
        said = said.replace(text, "***")
    return said


def _sqlite(path: Path) -> str:
    """Return the address of a file."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


def _check_file(url: URL) -> None:
    """Raise ReviewError unless an address of SQLite names one file that is or may be ours."""
    if url.host or url.username or url.password:
        raise ReviewError(
            "review database of SQLite must be a file on this machine, got a host or a name. "
            "Write sqlite:///folder/review.sqlite3 with three slashes."
        )
    file = file_of(url)
    if file is None:
        raise ReviewError(
            "review database must be a file, got one in memory: what is decided would be lost. "
            f"{EXAMPLE}"
        )
    if not os.path.lexists(file) and not file.name.lower().endswith(FILE_ENDINGS):
        raise ReviewError(
            f"review database must be a file that is there, or a new one whose name ends in "
            f"{', '.join(FILE_ENDINGS)}, got neither. Correct the path or its ending."
        )


def _check_server(url: URL, written: str) -> None:
    """Raise ReviewError for an address whose password runs into its host."""
    is_odd = written.count("@") > 1 or not _HOST.fullmatch(url.host or "")
    if is_odd or "@" in (url.database or ""):
        raise ReviewError(
            "review database must be an address in which @, / and : of a password are written "
            "%40, %2F and %3A, got another one. Better: leave the password to ~/.pgpass."
        )
