"""Training once more with the labels that a review has decided."""

import json
from dataclasses import replace

import pytest

from coreset_lib import workflows
from coreset_lib.datasets import load_configured
from coreset_lib.errors import CoresetError
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision, Rules
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.store import Run
from coreset_lib.workflows.correcting import corrected_config


@pytest.fixture
def reviewed(tmp_path, make_run, make_dataset, save_npz):
    """A run on a file, with one label changed for good, and the export of that."""
    cache = tmp_path / "cache"
    # A file without class names: they are numbered when it is read.
    dataset = replace(make_dataset(), class_names=("class 0", "class 1", "class 2"))
    run = make_run(cache, dataset=dataset)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(save_npz(tmp_path / "tiny.npz", dataset))
    run.paths.manifest.write_text(json.dumps(manifest))
    run = Run(run.paths)
    subject = ReviewedDataset.of_run(run)
    other = dataset.class_names[(int(dataset.train.labels[4]) + 1) % dataset.n_classes]
    with open_reviews(cache) as store:
        store.grant("ada", "admin", by="ada")
        store.set_rules(subject.fingerprint, Rules(second_reading="never"), by="ada")
        store.decide(
            subject,
            Decision(
                reader="ada", sample_id=subject.sample_ids[4], action="relabel", label=other,
                fingerprint=subject.fingerprint,
            ),
        )  # fmt: skip
        export = workflows.export_corrections(run, store)
    return cache, run, export, other


def test_the_new_training_is_the_old_one_with_the_decided_labels(reviewed):
    cache, run, export, other = reviewed
    config = corrected_config(run, export, cache=cache)
    assert config.model == run.manifest.config["model"]
    dataset = load_configured(config, cache=cache)
    assert dataset.class_names[int(dataset.train.labels[4])] == other
    before = run.labels()
    assert (dataset.train.labels != before).nonzero()[0].tolist() == [4]


def test_a_run_on_corrected_labels_takes_no_second_table(reviewed):
    cache, run, export, _ = reviewed
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["labels"] = "0" * 64
    run.paths.manifest.write_text(json.dumps(manifest))
    with pytest.raises(CoresetError, match="was trained with corrected labels already"):
        corrected_config(Run(run.paths), export, cache=cache)


def test_a_file_that_is_no_table_of_labels_is_refused(tmp_path):
    with pytest.raises(CoresetError, match=r"notes\.csv"):
        workflows.keep_label_table(b"a,b\n1,2\n", "notes.csv", cache=tmp_path)


def test_a_kept_table_says_which_rows_count(tmp_path):
    table = b"sample_id,new,status\nx,liver,confirmed\ny,bone,proposed\n"
    digest, said = workflows.keep_label_table(table, "labels.csv", cache=tmp_path)
    assert len(digest) == 64
    assert said.startswith("1 labels used, 1 rows left out")
