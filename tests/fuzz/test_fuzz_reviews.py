"""What a browser may send to the review desk, and what may stand for a database's address."""

import shutil
from types import SimpleNamespace

import hostile_input as hostile
import pytest
from sqlalchemy.exc import ArgumentError

from coreset_lib.errors import CoresetError
from coreset_lib.review.address import database_url, parsed_address, shown_url, without_secrets
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import ACTIONS
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import RunStore
from dashboard.review import data
from dashboard.review.component import review_desk

SECRET = "hunter2+Xy/9"
SCHEMES = (
    "postgresql",
    "postgres",
    "postgresql+psycopg",
    "sqlite",
    "mysql",
    "POSTGRESQL",
    "http",
    "",
)


@pytest.fixture
def desk(tmp_path, fuzzed_cache, monkeypatch):
    """Return ``desk(payload)``, which takes what a browser sent, and the store behind it."""
    shutil.copytree(fuzzed_cache, tmp_path / "cache")
    run = RunStore(tmp_path / "cache").find("latest")
    dataset = ReviewedDataset.of_run(run)
    with open_reviews(tmp_path / "cache", create=True) as store:
        store.grant("anna", "admin", by="anna")
        store.grant("bob", "reader", by="anna")
        monkeypatch.setattr(data, "reviews", lambda: store)
        monkeypatch.setattr(data, "dataset_of", lambda version: dataset)
        session = {}
        monkeypatch.setattr(review_desk.st, "session_state", session)

        def send(payload, reader):
            session["desk"] = {"report": payload}
            _, wishes = review_desk.read_report("desk")
            summary = SimpleNamespace(version=None, run_id=run.run_id)
            return [data.record(summary, reader, wish, view="desk") for wish in wishes]

        yield send, store, dataset


def payload(rng):
    """Return what a desk may send, or a forger: a report with decisions."""
    good = {
        "token": f"{rng.randrange(2**48):012x}",
        "action": rng.choice(ACTIONS),
        "index": rng.randrange(60),
        "label": rng.choice(("kidney", "=liver", "spleen", None)),
        "target": rng.choice((None, 1, 2, 3)),
        "seen": rng.choice((0, 1, 2)),
        "reason": rng.choice(("", "blurred", hostile.text(rng, extra=hostile.BYTES_TEXTS))),
        "confidence": rng.choice((None, 1, 5, 9)),
    }
    report = {"place": rng.randrange(-2, 9), "wishes": [good]}
    return report if rng.random() < 0.3 else hostile.changed(rng, report)


def test_no_message_of_a_browser_ends_in_a_traceback_or_loses_a_decision(desk):
    send, store, dataset = desk
    kept = []

    def attempt(rng, _):
        try:
            events = send(payload(rng), rng.choice(("anna", "bob", "bob", "eve")))
        except CoresetError:
            return 2
        for event in events:
            assert event.reader in ("anna", "bob")
            assert event.sample_id in dataset.rows
            assert event.new_label in (*dataset.class_names, None)
            assert event.confidence in (None, 1, 2, 3, 4, 5)
        kept.extend(event.id for event in events)
        return 0

    hostile.each(800, "message", attempt)
    found = [event.id for event in store.events(dataset.fingerprint)]
    assert found == sorted(set(kept))
    assert len(found) > 50


def address(rng):
    """Return an address with a password in it, right or wrong in some way."""
    scheme = rng.choice(SCHEMES)
    name = rng.choice(("anna", "", "an:na", "anna@clinic"))
    host = rng.choice(("127.0.0.1:1", "127.0.0.1", "", "a b", "[::1", "host:99999999", "h" * 300))
    rest = rng.choice(("/lens", "", "/", "/a/b", f"/lens?password={SECRET}", "?sslmode=x", "#x"))
    spelling = rng.choice((
        f"{scheme}://{name}:{SECRET}@{host}{rest}",
        f"{scheme}:/{name}:{SECRET}@{host}{rest}",
        f"{name}:{SECRET}@{host}{rest}",
        f"host={host} user={name} password={SECRET}",
        f"{scheme}://{host}{rest}?user={name}&password={SECRET}",
        f"{scheme}://{name}:{SECRET}",
        f"jdbc:{scheme}://{host}/lens?user={name}&password={SECRET}",
    ))  # fmt: skip
    if rng.random() < 0.3:
        place = rng.randrange(len(spelling))
        spelling = spelling[:place] + rng.choice(" \t\n:/@%?#") + spelling[place:]
    return spelling


def test_no_address_prints_its_password_or_makes_a_file(tmp_path):
    def attempt(rng, _):
        given = address(rng)
        said = ""
        status = 0
        try:
            url = parsed_address(database_url(tmp_path, given))
            said = shown_url(url.render_as_string(hide_password=False))
            told = f"no connection for {url.username} with {url.password} and {dict(url.query)}"
            said += without_secrets(told, url)
        except CoresetError as error:
            said, status = str(error), 2
        except ArgumentError as error:
            raise AssertionError(given) from error
        assert SECRET not in said, (given, said)
        assert not list(tmp_path.iterdir())
        return status

    hostile.each(600, "address", attempt)


def test_no_path_of_a_database_ends_in_a_traceback_or_a_new_file(tmp_path, fuzzed_cache):
    whole = tmp_path / "whole.sqlite3"
    with open_reviews(tmp_path, str(whole), create=True) as store:
        store.grant("anna", "admin", by="anna")
    content = whole.read_bytes()
    place = tmp_path / "place"
    place.mkdir()

    def attempt(rng, _):
        database = place / rng.choice(("review.sqlite3", "review.db", "review.txt", "gone.db"))
        if database.name != "gone.db":
            database.write_bytes(content if rng.random() < 0.2 else hostile.damaged(rng, content))
        before = hostile.digest(place)
        given = database if rng.random() < 0.8 else f"sqlite:///{database}"
        command = rng.choice((["review", "status", "latest"], ["review", "users"]))
        status = hostile.command([*command, "--database", given, "--cache", fuzzed_cache])
        found = hostile.digest(place)
        assert all(found[name] == before[name] for name in before), given
        assert not [
            n for n in set(found) - set(before) if not n.endswith(("-wal", "-shm", ".lock"))
        ]
        shutil.rmtree(place)
        place.mkdir()
        return status

    hostile.each(300, "database", attempt)
