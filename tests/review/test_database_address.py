"""Addresses that cannot be right make nothing and repeat no password; readers make nothing."""

import pytest
from sqlalchemy import make_url

from coreset_lib.errors import ReviewError
from coreset_lib.review.address import DATABASE_VARIABLE, database_url, shown_url, without_secrets
from coreset_lib.review.store import open_reviews

SECRET = "hunter2zz"
WRONG = (
    f"postgresql:/lens:{SECRET}@host/db",
    f"postgres:lens:{SECRET}@host/db",
    f"lens:{SECRET}@host/db",
    f"host=h user=lens password={SECRET} dbname=db",
    f"PASSWORD={SECRET}",
    f"postgresql//lens:{SECRET}@host/db",
    f"postgresql://lens:{SECRET}@x@host/db",
    f"postgresql://lens:x/{SECRET}@host/db",
    f"postgresql://lens:x@{SECRET}@host:99999/db",
    f"postgresql://lens:{SECRET}@ho st/db",
    f"postgresql://lens:{SECRET}@host:port/db",
    f"mysql://lens:{SECRET}@host/db",
    f"{SECRET}://host/db?password={SECRET}".replace(SECRET, "od-d", 1),
    f"sqlite://lens:{SECRET}@host/review.db",
    f"sqlite://{SECRET}",
    "sqlite://",
    "sqlite:///:memory:",
    f"review {SECRET}",
    "review",
)


@pytest.mark.parametrize("address", WRONG)
def test_what_cannot_be_an_address_makes_nothing_and_is_not_repeated(
    tmp_path, monkeypatch, address
):
    monkeypatch.chdir(tmp_path)
    for given in (address, None):
        monkeypatch.setenv(DATABASE_VARIABLE, address)
        with pytest.raises(ReviewError) as error:
            open_reviews(tmp_path / "cache", given)
        assert SECRET not in str(error.value)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://lens:{SECRET}@host/db",
        f"postgresql://lens@host/db?password={SECRET}",
        f"postgresql://host/db?user=lens&passfile=/x&sslpassword={SECRET}&sslmode=require",
        f"postgresql+psycopg://lens:{SECRET}@host/db",
        f"mysql://lens:{SECRET}@host/db",
        f"lens:{SECRET}@host",
    ],
)
def test_a_password_is_shown_in_no_spelling(address):
    assert SECRET not in shown_url(address)


def test_what_a_driver_says_is_told_without_what_is_secret():
    url = make_url(f"postgresql://u:{SECRET}@h/db?sslpassword=other{SECRET}&sslmode=require")
    said = f'FATAL: "{SECRET}" and other{SECRET}, sslmode require'
    assert without_secrets(said, url) == 'FATAL: "***" and ***, sslmode require'


def test_files_under_their_usual_endings_and_those_that_are_there_are_addresses(tmp_path):
    for name in ("a.db", "b.sqlite", "c.SQLITE3"):
        with open_reviews(tmp_path, str(tmp_path / name)):
            pass
    (tmp_path / "a.db").rename(tmp_path / "odd@name")
    with open_reviews(tmp_path, str(tmp_path / "odd@name")) as store:
        assert store.readers() == {}
    assert database_url(tmp_path, "postgresql:///lens") == "postgresql:///lens"


def test_reading_makes_nothing(tmp_path):
    cache = tmp_path / "cache"
    with open_reviews(cache, create=False) as store:
        assert store.readers() == {}
        assert store.events("f" * 64) == []
    with open_reviews(cache, str(tmp_path / "other.db"), create=False) as store:
        assert store.readers() == {}
    assert list(tmp_path.iterdir()) == []
    with open_reviews(cache) as store:
        store.grant("ada", "admin", by="ada")
    with open_reviews(cache, create=False) as store:
        assert store.readers() == {"ada": "admin"}


@pytest.mark.parametrize("create", [True, False])
def test_a_database_without_a_byte_is_damaged(tmp_path, create):
    (tmp_path / "review.sqlite3").touch()
    with pytest.raises(ReviewError, match=r"is damaged: it holds nothing\. Restore it from a copy"):
        open_reviews(tmp_path, create=create)
    assert (tmp_path / "review.sqlite3").read_bytes() == b""


def test_a_new_database_is_whole_at_once_and_leaves_nothing_beside(tmp_path):
    with open_reviews(tmp_path):
        assert (tmp_path / "review.sqlite3").stat().st_size > 0
    assert not list(tmp_path.glob(".*.part*"))
