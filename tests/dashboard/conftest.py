"""Small runs written by the library itself, and the dashboard opened on them without a browser."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.recording.recorder import DynamicsRecorder, PlaneFiles
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.results import create_refinement, write_cell
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.create import create_run
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, write_status
from coreset_lib.runs.store import Run

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
N_TRAIN = 160


def save_npz(path, dataset, class_names=None):
    """Write a dataset as the kind of file that users bring."""
    arrays = {
        f"{part}_{kind}": getattr(getattr(dataset, part), kind)
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    np.savez(path, class_names=np.array(class_names or dataset.class_names), **arrays)
    return path


@pytest.fixture(scope="session")
def small_phantom():
    return make_phantom(PhantomOptions(n_train=N_TRAIN, n_val=16, n_test=16))


@pytest.fixture
def save_dataset(tmp_path):
    """Return ``save(dataset, file_name, class_names) -> path``."""
    return lambda dataset, name, class_names=None: save_npz(tmp_path / name, dataset, class_names)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache directory that dashboard and command line use in this test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORESET_LENS_CACHE", str(folder))
    return folder


@pytest.fixture
def write_run(cache, tmp_path, small_phantom):
    """Return ``write(state, epoch, epochs, ...) -> RunPaths``: a run as training leaves it."""
    default = save_npz(tmp_path / "slices.npz", small_phantom)

    def write(state="finished", epoch=12, epochs=12, *, path=default, error=None, step="", seed=0):
        config = TrainingConfig(
            dataset=str(path), model="small_cnn", epochs=epochs, device="cpu", seed=seed
        )
        dataset = load_dataset(config.dataset)
        paths = create_run(cache, config, dataset)
        record(paths, dataset, epoch, epochs)
        status = Status(
            state=state, epoch=epoch, epochs=epochs, error=error, step=step, device="CPU"
        )
        # A run that trains now does so in this very process; any other one names no process.
        is_alive = state in ("queued", "running")
        write_status(paths, claim(status, os.getpid()) if is_alive else status)
        return paths

    return write


def record(paths, dataset, n_recorded, n_epochs):
    """Record logits that grow with the epochs, some samples fast, some never, some back."""
    labels = torch.from_numpy(dataset.train.labels)
    planes = tuple(json.loads(paths.manifest.read_text())["planes"])
    recorder = DynamicsRecorder(labels, dataset.n_classes, keep_probabilities=True)
    files = PlaneFiles(
        paths, planes, n_epochs=n_epochs, n_samples=len(labels), n_classes=dataset.n_classes
    )
    random = torch.Generator().manual_seed(0)
    speed = torch.rand(len(labels), generator=random) - 0.15
    own = torch.nn.functional.one_hot(labels, dataset.n_classes)
    for epoch in range(n_recorded):
        noise = torch.randn(own.shape, generator=random)
        recorder.start_epoch()
        recorder.record(torch.arange(len(labels)), own * (speed * epoch)[:, None] + noise)
        files.write_epoch(epoch, recorder.finish_epoch())
        with paths.metrics.open("a") as file:
            file.write(json.dumps(metrics(epoch + 1, n_epochs)) + "\n")


def metrics(epoch, n_epochs):
    """One line of metrics as training writes it."""
    share = epoch / n_epochs
    return {
        "epoch": epoch,
        "train_loss": 2 - share,
        "train_accuracy": 0.5 * share,
        "val_loss": 2 - share / 2,
        "val_accuracy": 0.4 * share,
        "learning_rate": 0.1,
        "seconds": 1.0,
        "samples_per_second": 1234.0,
    }


def unescaped(text):
    """Return Markdown without the backslashes that keep it from being markup."""
    return re.sub(r"\\([^\w\s]|_)", r"\1", text)


class Dashboard:
    """One session of the dashboard, in the words of a person who uses it."""

    def __init__(self, page, query):
        self.app = AppTest.from_file(str(APP), default_timeout=120)
        self.app.query_params.update(query)
        self.run()
        if page != "runs":
            self.visit(page)

    def run(self):
        self.app.run()
        assert not self.app.exception, [e.value for e in self.app.exception]
        # An image that the browser had to fetch could be gone by then.
        assert all(source.startswith("data:image/png;base64,") for source in self.images)
        return self

    def visit(self, page):
        self.app.switch_page(f"../pages/{page}.py")
        return self.run()

    @property
    def url(self):
        return {
            name: value[0] if isinstance(value, list) else value
            for name, value in self.app.query_params.items()
        }

    @property
    def images(self):
        """Where the browser finds the images that are drawn."""
        return [part.url for image in self.app.get("image") for part in image.proto.imgs]

    @property
    def errors(self):
        return [unescaped(element.value) for element in self.app.error]

    @property
    def hints(self):
        return [unescaped(element.value) for element in (*self.app.info, *self.app.warning)]

    @property
    def words(self):
        """Everything that is written on the page."""
        kinds = ("markdown", "caption", "subheader", "info", "warning", "error", "success", "code")
        texts = [element.value for kind in kinds for element in getattr(self.app, kind)]
        texts += [str(element.proto) for element in self.app.get("progress")]
        return unescaped("\n".join(texts))

    @property
    def desk(self):
        """What the reviewer's desk was given, as the browser gets it."""
        (component,) = self.app.get("bidi_component")
        return json.loads(component.proto.json)

    @property
    def grids(self):
        """What the grids of images were given, as the browser gets it."""
        given = [json.loads(each.proto.json) for each in self.app.get("bidi_component")]
        return [each for each in given if "tiles" in each]

    def metric(self, label):
        return next(element.value for element in self.app.metric if element.label == label)

    def labelled(self, kind, label):
        return next(e for e in getattr(self.app, kind) if e.label == label)


@pytest.fixture
def open_dashboard(cache):
    """Return ``open(page, **query) -> Dashboard`` on the test's cache."""
    return lambda page, **query: Dashboard(page, query)


@pytest.fixture(autouse=True)
def _own_database(monkeypatch):
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)


@pytest.fixture
def readers(cache):
    """An admin, a reader and a second reader."""
    with open_reviews(cache) as store:
        store.grant("ada", "admin", by="ada")
        store.grant("rita", "reader", by="ada")
        store.grant("sam", "second_reader", by="ada")


@pytest.fixture
def decide(cache):
    """Return ``decide(paths, reader, row, label) -> Event``."""

    def decide(paths, reader, row, label=None):
        dataset = ReviewedDataset.of_run(Run(paths))
        decision = Decision(
            reader=reader,
            sample_id=dataset.sample_ids[row],
            action="relabel" if label else "keep",
            label=label,
            fingerprint=dataset.fingerprint,
        )
        with open_reviews(cache) as store:
            return store.decide(dataset, decision)

    return decide


@pytest.fixture
def make_refinement(cache, write_run):
    """Return ``make(state, ...) -> (plan, paths, run_paths)``: a refinement partly worked through.

    Of its strategies entropy is the best and random the worst; people have answered nothing.
    """

    def make(
        state="finished", *, share=1.0, expert="simulated", error=None, run=None, seeds=(0, 1, 2)
    ):
        run = write_run() if run is None else run
        if expert == "simulated":
            np.save(run.true_labels, Run(run).labels())
        plan = RefinementPlan(
            run_id=run.root.name,
            queries=("entropy",),
            budget=6,
            n_rounds=2,
            seeds=(0,) if expert == "people" else seeds,
            model="small_cnn",
            epochs=12,
            expert=expert,
        )
        paths = create_refinement(cache, plan)
        steps = [(seed, cell) for seed in plan.seeds for cell in (None, *plan.cells_of(seed))]
        steps = steps[: 2 if expert == "people" else round(share * plan.n_steps)]
        for seed, cell in steps:
            _judge(paths, plan, seed) if cell is None else _train(paths, plan, cell)
        step = "waiting for labels" if expert == "people" else "entropy, round 1, seed 0"
        status = Status(
            state=state, epoch=len(steps), epochs=plan.n_steps, error=error, eta_seconds=120,
            step=step,
        )  # fmt: skip
        is_alive = state in ("queued", "running")
        write_status(paths, claim(status, os.getpid()) if is_alive else status)
        return plan, paths, run

    return make


ASKED = [40, 3, 77]


@pytest.fixture
def asked():
    """The rows that a refinement of `make_refinement` asks about, most useful first."""
    return list(ASKED)


def _judge(paths, plan, seed):
    """Write what co-teaching would have found."""
    knows = plan.expert == "simulated"
    figures = {
        "n_noisy": 40, "n_wrong": 30, "precision": 0.6, "recall": 0.8, "clean_called_noisy": 0.1,
        "minority": 0.12, "majority": 0.08 + seed / 100, "by_class": [0.1] * 8,
    }  # fmt: skip
    np.save(paths.noisy_flags(seed), np.arange(N_TRAIN) < 40)
    record = {
        "seed": seed, "noise_rate": 0.25, "true_rate": 0.2 if knows else None, "n_noisy": 40,
        "figures": figures if knows else None, "queries": dict.fromkeys(plan.arms, ASKED),
        "test": {"accuracy": 0.5}, "seconds": 1.0,
    }  # fmt: skip
    paths.judgement(seed).write_text(json.dumps(record))


def _train(paths, plan, cell):
    """Write what a training would have reached."""
    # The differences vary a little over the seeds, as they do.
    gains = {"entropy": 0.1, "random": -0.1 + (cell.seed - 1) / 100}
    accuracy = 0.5 + cell.seed / 100 + gains.get(cell.arm, 0)
    figures = {"accuracy": accuracy, "balanced_accuracy": accuracy - 0.05}
    knows = plan.expert == "simulated"
    record = {
        "asked": [], "answers": [], "next": [], "n_labels": plan.labels_after(cell.n_round),
        "n_changed": 0, "n_trained": 100, "n_wrong": 30 - 2 * cell.n_round if knows else None,
        "n_wrong_trained": 9 if knows else None, "test": figures, "val": figures, "seconds": 1.0,
    }  # fmt: skip
    write_cell(paths, cell, record)
