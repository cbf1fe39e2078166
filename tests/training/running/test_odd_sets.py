"""Sets unlike those of a textbook: embeddings, suspicion and suggested classes hold as well."""

from dataclasses import replace

import numpy as np
import pytest

from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.errors import CoresetError
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("one_thread", "without_umap")


def split_of(part, labels):
    """Return images whose brightness tells the class, in places."""
    labels = np.asarray(labels, dtype=np.int64)
    rng = np.random.default_rng(len(labels))
    images = rng.integers(0, 60, size=(len(labels), 12, 12), dtype=np.uint8)
    for row, label in enumerate(labels):
        images[row, label % 12, :] += np.uint8(100 + label)
    ids = [f"{part}-{number:05d}" for number in range(len(labels))]
    return Split(images, labels, ids, ids)


def dataset_of(labels, n_classes, val_labels):
    """Return a dataset with these labels."""
    names = tuple(f"class {number}" for number in range(n_classes))
    parts = (split_of("train", labels), split_of("val", val_labels), split_of("test", [0, 0]))
    return LabeledImages("odd", names, *parts, title="Odd")


ODD = {
    "one sample of a class": ([0] * 30 + [1] * 30 + [2], 3, [0, 1] * 6),
    "two classes of which one is 99 %": ([0] * 99 + [1], 2, [0] * 20),
    "almost no validation split": ([0, 1] * 20, 2, [0]),
    "thirty classes": (list(range(30)) * 4, 30, list(range(30))),
    "a class without samples": ([0, 2] * 20, 3, [0, 2] * 6),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_set_has_embeddings_and_a_queue(name, tiny_config, tmp_path):
    labels, n_classes, val_labels = ODD[name]
    dataset = dataset_of(labels, n_classes, val_labels)
    paths = create_run(tmp_path, replace(tiny_config, epochs=4), dataset)
    assert train_run(paths, dataset=dataset).state == "finished"
    run = Run(paths)
    record = run.embedding_record()
    assert (record["kind"], record["epoch"] in (2, 3, 4)) == ("early", True)
    queue = queue_of_run(run)
    assert sorted(queue.order) == list(range(len(labels)))
    assert np.isfinite(queue.values).all()
    assert ((queue.chance_wrong >= 0) & (queue.chance_wrong <= 1)).all()
    assert set(np.unique(queue.suggested)) <= set(labels)
    for index in queue.order[:5]:
        assert all(queue.reasons(int(index)))
        queue.suggestion(int(index))
    counted = {found.class_name: found.n_samples for found in queue.class_suspects()}
    assert sum(counted.values()) == len(labels)


def test_no_validation_samples_are_refused_in_one_sentence(tiny_config, tmp_path):
    dataset = dataset_of([0, 1] * 20, 2, [])
    with pytest.raises(CoresetError, match="must have a validation split, got one without samples"):
        create_run(tmp_path, tiny_config, dataset)


def test_too_few_validation_samples_choose_nothing_and_it_is_said(tiny_config, tmp_path):
    dataset = dataset_of([0, 1] * 20, 2, [0])
    paths = create_run(tmp_path, replace(tiny_config, epochs=4), dataset)
    train_run(paths, dataset=dataset)
    record = Run(paths).embedding_record()
    assert record["epoch"] == 3
    assert "1 validation samples are too few" in record["why"]
