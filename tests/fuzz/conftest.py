"""A cache with one run, a folder to work in, and no process that a command could start."""

import csv

import pytest
from PIL import Image

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator
from coreset_lib.refinement.refiner import Refiner
from coreset_lib.training.running import worker


@pytest.fixture(scope="session")
def fuzzed_cache(tmp_path_factory, make_run):
    """A cache that holds one finished run of random dynamics."""
    cache = tmp_path_factory.mktemp("fuzz") / "cache"
    make_run(cache, epochs=6)
    return cache


@pytest.fixture(scope="session")
def fuzzed_files(tmp_path_factory, tiny_dataset, save_npz):
    """A data set as a file, as a folder of images, and a table of its labels."""
    folder = tmp_path_factory.mktemp("files")
    save_npz(folder / "tiny.npz", tiny_dataset)
    for row, label in enumerate(tiny_dataset.train.labels[:12]):
        place = folder / "images" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(tiny_dataset.train.images[row]).save(place / f"{row}.png")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sample_id", "new", "who", "status"])
        names = tiny_dataset.class_names
        for sample in tiny_dataset.train.sample_ids[:20]:
            writer.writerow([sample, names[1], "anna", "confirmed"])
    return folder


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path, one_thread):
    """Work in an empty folder, start and end no process, and train nothing."""
    del one_thread
    monkeypatch.chdir(tmp_path)
    for name in ("CORESET_LENS_CACHE", "CORESET_LENS_REVIEW_DB", "CORESET_LENS_READER"):
        monkeypatch.delenv(name, raising=False)

    def refuse(*_, **__):
        raise PermissionError(1, "no process is started here")

    for place in ("detached", "local"):
        monkeypatch.setattr(f"coreset_lib.jobs.processes.{place}.spawn", refuse)
    for end in ("ask_to_end", "kill", "reap"):
        monkeypatch.setattr(f"coreset_lib.jobs.processes.local.{end}", lambda pid: None)
    monkeypatch.setattr("coreset_lib.jobs.processes.local.POLL_SECONDS", 0.0)
    monkeypatch.setattr("coreset_lib.jobs.processes.local.STOP_GRACE_SECONDS", 0.0)
    monkeypatch.setattr("coreset_lib.cli.serving.become", lambda *_: 0)

    def refuse_training(*_, **__):
        raise CoresetError("nothing is trained here.")

    monkeypatch.setattr(worker, "_train", refuse_training)
    monkeypatch.setattr(Evaluator, "work", refuse_training)
    monkeypatch.setattr(Refiner, "work", refuse_training)
