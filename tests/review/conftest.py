"""A small dataset under review, and empty review databases of both kinds."""

import os
import uuid
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import create_engine, make_url, text

from coreset_lib.review.connection import connect
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.schema import upgrade
from coreset_lib.review.store import open_reviews

POSTGRES_VARIABLE = "CORESET_LENS_TEST_POSTGRES"
CLASSES = ("kidney", "=liver", "spleen")


@pytest.fixture(scope="session")
def reviewed():
    """Nine samples of three classes: s0, s3, s6 are kidneys, and so on."""
    ids = [f"s{number}" for number in range(9)]
    return ReviewedDataset("tiny", "ab" * 32, CLASSES, ids, np.arange(9) % 3)


@pytest.fixture
def postgres_url():
    """Address of an empty database on a live PostgreSQL; it goes with the test."""
    server = os.environ.get(POSTGRES_VARIABLE)
    if not server:
        message = 'no PostgreSQL answers; start one with: eval "$(.ci/postgres-up)"'
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    name = f"review_{uuid.uuid4().hex}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path):
    """Address of an empty review database, upgraded as its administrator would."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'review.sqlite3'}"
    url = request.getfixturevalue("postgres_url")
    engine = connect(tmp_path, url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def reviews(database, tmp_path):
    """A store with an admin, two readers and a second reader."""
    with open_reviews(tmp_path, database) as store:
        store.grant("ada", "admin", by="ada")
        for name in ("rita", "ravi"):
            store.grant(name, "reader", by="ada")
        store.grant("sam", "second_reader", by="ada")
        yield store


@pytest.fixture
def decide(reviews, reviewed):
    """Return ``decide(reader, sample, label=None, action=..., **more) -> Event``."""
    blank = Decision(reader="x", sample_id="x", action="skip", fingerprint=reviewed.fingerprint)

    def decide(reader, sample_id, label=None, action=None, **more):
        action = action or ("relabel" if label else "keep")
        fields = {"reader": reader, "sample_id": sample_id, "action": action, "label": label}
        return reviews.decide(reviewed, replace(blank, **fields, **more))

    return decide


@pytest.fixture
def states(reviews, reviewed):
    """Return ``states() -> {sample: SampleState}`` of what is in the store now."""
    from coreset_lib.review.states import sample_states

    def read():
        fingerprint = reviewed.fingerprint
        return sample_states(
            reviews.events(fingerprint), reviews.rules(fingerprint), reviews.exports(fingerprint)
        )

    return read
