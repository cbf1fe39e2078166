"""The column ``review_status`` of a coreset, and rebuilding it after later decisions."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from coreset_lib.errors import CoresetError, ReviewError
from coreset_lib.export.coresets import export_coreset, export_selection
from coreset_lib.export.provenance import provenance_path
from coreset_lib.export.rebuild import rebuild
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import RunStore
from coreset_lib.selection import SelectionConfig

EVERYTHING = SelectionConfig(rate=1.0, score="aum")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)
    return RunStore(tmp_path / "cache")


@pytest.fixture
def run(store, make_run):
    return make_run(store.cache, epochs=8)


@pytest.fixture
def decide(run):
    """Record one decision on a sample of the run."""
    dataset = ReviewedDataset.of_run(run)

    def record(index, action, label=None):
        with open_reviews(run.paths.cache) as reviews:
            if not reviews.readers():
                reviews.grant("ada", "admin", by="ada")
            decision = Decision(
                fingerprint=dataset.fingerprint,
                sample_id=dataset.sample_ids[index],
                action=action,
                label=label,
                reader="ada",
            )
            reviews.decide(dataset, decision)

    return record


def statuses(export):
    table = pd.read_csv(io.BytesIO(export.csv), keep_default_na=False)
    return dict(zip(table["index"], table["review_status"], strict=True))


def test_a_dataset_that_was_never_reviewed_has_an_empty_column_and_gets_no_database(run):
    assert set(statuses(export_coreset(run, EVERYTHING)).values()) == {""}
    assert not (run.paths.cache / "review.sqlite3").exists()


def test_decisions_fill_the_column(run, decide):
    decide(3, "keep")
    decide(4, "skip")
    found = statuses(export_coreset(run, EVERYTHING))
    assert (found[3], found[4], found[5]) == ("confirmed", "skipped", "open")


def test_a_selection_by_hand_carries_them_too(run, decide):
    decide(3, "flag")
    assert statuses(export_selection(run, np.array([3, 9]))) == {3: "flagged", 9: "open"}


@pytest.mark.parametrize("kind", ["coreset", "selection"])
def test_a_table_is_rebuilt_byte_for_byte_after_later_decisions(tmp_path, run, store, decide, kind):
    decide(3, "keep")
    path = tmp_path / "coreset.csv"
    exports = {
        "coreset": lambda: export_coreset(run, EVERYTHING),
        "selection": lambda: export_selection(run, np.array([3, 4, 5])),
    }
    exports[kind]().write(path)
    decide(3, "skip")
    decide(4, "keep")
    again, is_same = rebuild(path, store)
    assert is_same
    assert again.csv == path.read_bytes()
    assert exports[kind]().csv != again.csv
    (store.cache / "review.sqlite3").unlink()
    assert rebuild(path, store)[1]


def test_only_the_statuses_of_chosen_samples_are_kept(run, decide):
    decide(3, "keep")
    decide(4, "keep")
    kept = export_selection(run, np.array([3, 9])).provenance["review"]
    ids = run.samples()["sample_id"]
    assert kept["statuses"] == {ids[3]: "confirmed"}
    assert kept["last_event"] == 2


@pytest.mark.parametrize(
    "review",
    [
        [],
        {"last_event": "many", "second_reading": "", "statuses": {}},
        {"last_event": 1, "second_reading": "", "statuses": {"train-00003": "=cmd"}},
        {"last_event": 1, "second_reading": "", "statuses": ["train-00003"]},
        {"statuses": {}},
    ],
)
def test_a_damaged_record_of_the_review_is_told(tmp_path, run, store, review):
    path = tmp_path / "coreset.csv"
    export_coreset(run, EVERYTHING).write(path)
    beside = provenance_path(path)
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"review": review}))
    with pytest.raises(CoresetError, match=r"review in the provenance cannot be read"):
        rebuild(path, store)


def test_a_database_that_cannot_be_read_is_told(run, store):
    (store.cache / "review.sqlite3").write_bytes(b"no database " * 100)
    with pytest.raises(ReviewError, match=r"review database"):
        export_coreset(run, EVERYTHING)
