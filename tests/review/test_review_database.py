"""Databases that are locked, away, older, newer or no databases at all: one sentence each."""

import sqlite3

import pytest
from sqlalchemy import text

from coreset_lib.errors import ReviewError
from coreset_lib.review import schema
from coreset_lib.review.address import DATABASE_VARIABLE, database_url, shown_url
from coreset_lib.review.connection import connect
from coreset_lib.review.schema import CURRENT, schema_of, upgrade
from coreset_lib.review.store import open_reviews


@pytest.fixture
def at_schema(tmp_path, monkeypatch):
    """Return a function that prepares a database with an older or newer schema."""

    def prepare(url, number):
        engine = connect(tmp_path, url)
        with monkeypatch.context() as patch:
            patch.setattr(schema, "CURRENT", min(number, CURRENT))
            schema.upgrade(engine)
        if number > CURRENT:
            with engine.begin() as connection:
                connection.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
        return engine

    return prepare


def test_the_file_lies_in_the_cache_unless_said_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    assert shown_url(database_url(tmp_path)) == str(tmp_path / "review.sqlite3")
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://host/db")
    assert database_url(tmp_path) == "postgresql://host/db"
    assert shown_url(database_url(tmp_path, str(tmp_path / "x.db"))) == str(tmp_path / "x.db")


def test_passwords_are_not_shown():
    assert shown_url("postgresql://u:secret@host/db") == "postgresql://u:***@host/db"
    assert "secret" not in shown_url("nonsense secret")


def test_a_file_is_made_with_its_folder_and_flushed_at_every_commit(tmp_path):
    with open_reviews(tmp_path / "new" / "cache") as store, store.engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        flush = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert (mode, flush, patience) == ("wal", 2, 10_000)


def test_an_older_file_is_upgraded_and_keeps_its_decisions(tmp_path, at_schema):
    engine = at_schema(None, "0001")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO grants (at, reader, role, granted_by) "
                "VALUES ('2026-01-01 00:00:00', 'ada', 'admin', 'ada')"
            )
        )
    engine.dispose()
    with open_reviews(tmp_path) as store:
        assert schema_of(store.engine) == CURRENT
        assert store.readers() == {"ada": "admin"}
        assert store.exports("x") == []


@pytest.mark.postgres
def test_a_server_of_an_older_schema_waits_for_its_administrator(tmp_path, postgres_url, at_schema):
    with pytest.raises(ReviewError, match=r"has no tables yet, .* coreset-lens review upgrade"):
        open_reviews(tmp_path, postgres_url)
    engine = at_schema(postgres_url, "0001")
    with pytest.raises(ReviewError, match=r"has the older schema 0001, and this program needs"):
        open_reviews(tmp_path, postgres_url)
    assert upgrade(engine) == ("0001", CURRENT)
    engine.dispose()
    with open_reviews(tmp_path, postgres_url) as store:
        assert store.readers() == {}


@pytest.mark.postgres
def test_a_newer_server_asks_for_a_newer_program(tmp_path, postgres_url, at_schema):
    at_schema(postgres_url, "9999").dispose()
    with pytest.raises(ReviewError, match=r"has the newer schema 9999.* Update coreset-lens"):
        open_reviews(tmp_path, postgres_url)


def test_a_newer_file_asks_for_a_newer_program_and_stays_as_it_is(tmp_path, at_schema):
    engine = at_schema(None, "9999")
    with pytest.raises(ReviewError, match=r"has the newer schema 9999.* Update coreset-lens"):
        open_reviews(tmp_path)
    assert schema_of(engine) == "9999"
    engine.dispose()


def test_the_schema_is_what_the_models_say(database, tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from coreset_lib.review.models import Base

    with open_reviews(tmp_path, database) as store, store.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    # The one index is for reading speed only.
    assert [d[0] for d in differences] in ([], ["remove_index"])


def test_a_locked_file_is_told(tmp_path):
    with open_reviews(tmp_path, busy_seconds=0.05) as store:
        other = sqlite3.connect(tmp_path / "review.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ReviewError, match="is locked by another program"):
            store.grant("ada", "admin", by="ada")
        assert store.readers() == {}  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        store.grant("ada", "admin", by="ada")


@pytest.mark.postgres
def test_a_locked_server_is_told(tmp_path, postgres_url):
    engine = connect(tmp_path, postgres_url)
    upgrade(engine)
    with (
        open_reviews(tmp_path, postgres_url, busy_seconds=0.1) as store,
        engine.begin() as other,
    ):
        other.execute(text("LOCK TABLE grants"))
        with pytest.raises(ReviewError, match="is locked by another program"):
            store.grant("ada", "admin", by="ada")
    engine.dispose()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("{tmp}/absent/review.db", "cannot be opened. Check that its folder exists"),
        ("{tmp}/text.db", "is not a SQLite file. Restore it from a copy"),
        ("mysql://host/db", "must be of SQLite or PostgreSQL, got mysql"),
        ("://", "review database must be an address"),
        ("postgresql://x@127.0.0.1:1/db", "does not answer. Check that the server runs"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(tmp_path, address, message):
    (tmp_path / "text.db").write_text("This is no database, but it is long enough.\n" * 100)
    with pytest.raises(ReviewError, match=message) as error:
        open_reviews(tmp_path, address.format(tmp=tmp_path), busy_seconds=1)
    assert "\n" not in str(error.value)


def test_tables_of_another_program_are_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE events (id INTEGER)")
    other.close()
    with pytest.raises(ReviewError, match="holds tables of another program"):
        open_reviews(tmp_path, str(tmp_path / "other.db"))


def test_a_cache_that_is_a_file_is_told(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(ReviewError, match=r"cache .* cannot be written"):
        open_reviews(tmp_path / "cache")
