"""Fixtures that several packages' tests share: everything small, seeded, on one thread."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch or numba

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.label_sets import NO_LABEL, standing_class
from coreset_lib.runs.create import create_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run

settings.register_profile("untimed", deadline=None)  # tests never time
settings.load_profile("untimed")

CLASSES = ("kidney", "=liver", "spleen")
ROOT = Path(__file__).parents[1]


def _split(part: str, n_samples: int, *, size: int, channels: int, rng: Any) -> Split:
    """Noise on a bright stripe whose place tells the class; every class is there."""
    labels = rng.permutation(np.arange(n_samples) % len(CLASSES)).astype(np.int64)
    images = rng.integers(0, 120, (n_samples, size, size, channels), dtype=np.uint8)
    for row, label in enumerate(labels):
        images[row, label * size // 3 : label * size // 3 + 3] += 120
    images = images[..., 0] if channels == 1 else images
    ids = [f"{part}-{i:05d}" for i in range(n_samples)]
    return Split(images, labels, ids, [f"tiny.npz:{part}[{i}]" for i in range(n_samples)])


def build_dataset(*, n_train: int = 60, size: int = 12, channels: int = 1) -> LabeledImages:
    """Return a dataset of three classes that a small network learns in a few epochs."""
    rng = np.random.default_rng(7)
    parts = [
        _split(part, count, size=size, channels=channels, rng=rng)
        for part, count in (("train", n_train), ("val", 20), ("test", 20))
    ]
    return LabeledImages("tiny", CLASSES, *parts, title="Tiny stripes", is_synthetic=True)


def _label_split(part: str, n_samples: int, rng: Any) -> Split:
    """Noise with one bright slab of slices per label; a third of the samples has none."""
    multi_hot = (rng.random((n_samples, 3)) < (0.6, 0.3, 0.2)).astype(np.uint8)
    multi_hot[: len(LABEL_SETS)] = LABEL_SETS
    images = rng.integers(0, 120, (n_samples, 9, 12, 12), dtype=np.uint8)
    for row, labels in enumerate(multi_hot):
        images[row][np.repeat(labels, 3) > 0] += 130
    ids = [f"{part}-{i:05d}" for i in range(n_samples)]
    standing = standing_class(multi_hot, np.array([2, 1, 0]))
    return Split(images, standing, ids, ids, multi_hot=multi_hot)


LABEL_SETS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0]], np.uint8)


def build_label_volumes(*, n_train: int = 60) -> LabeledImages:
    """Return small volumes that carry any number of three labels; the last one is the rarest."""
    rng = np.random.default_rng(3)
    counts = (("train", n_train), ("val", 20), ("test", 20))
    parts = [_label_split(part, count, rng) for part, count in counts]
    return LabeledImages("slabs", ("top", "middle", "bottom", NO_LABEL), *parts, title="Slabs")


@pytest.fixture(scope="session")
def label_volumes() -> LabeledImages:
    return build_label_volumes()


@pytest.fixture(scope="session")
def label_run(
    one_thread: None, tmp_path_factory: pytest.TempPathFactory, label_volumes: LabeledImages
) -> Run:
    """A run that was really trained on volumes with any number of labels, without a map."""
    from coreset_lib.training.running.worker import train_run

    cache = tmp_path_factory.mktemp("labels")
    path = save_label_file(cache / "slabs.npz", label_volumes)
    paths = create_run(cache, label_config(path), label_volumes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(paths, dataset=label_volumes)
    return Run(RunPaths(paths.root))


def label_config(path: Path) -> TrainingConfig:
    """Return how the volumes with labels are trained on."""
    return TrainingConfig(
        dataset=str(path), model="small_cnn_3d", epochs=6, batch_size=16, learning_rate=0.2,
        device="cpu",
    )  # fmt: skip


def save_label_file(path: Path, dataset: LabeledImages) -> Path:
    """Write volumes with labels as a user's file."""
    arrays: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        split = getattr(dataset, part)
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = split.images, split.multi_hot
    np.savez(path, task="multi-label", class_names=np.array(dataset.label_names), **arrays)
    return path


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., LabeledImages]:
    return build_dataset


@pytest.fixture(scope="session")
def tiny_dataset() -> LabeledImages:
    return build_dataset()


@pytest.fixture(scope="session")
def tiny_config() -> TrainingConfig:
    return TrainingConfig(
        dataset="tiny", model="small_cnn", epochs=6, batch_size=16, learning_rate=0.05, device="cpu"
    )


@pytest.fixture(scope="session")
def save_npz() -> Callable[[Path, LabeledImages], Path]:
    """Write a dataset as a MedMNIST-style file."""

    def save(path: Path, dataset: LabeledImages) -> Path:
        arrays = {}
        for part in ("train", "val", "test"):
            split = getattr(dataset, part)
            arrays[f"{part}_images"] = split.images
            arrays[f"{part}_labels"] = split.labels[:, None].astype(np.uint8)
        np.savez(path, **arrays)
        return path

    return save


def random_rows(labels: Any, n_classes: int, seed: int) -> dict[str, Any]:
    """Return one epoch of every plane for random probabilities."""
    p = np.random.default_rng(seed).dirichlet(np.ones(n_classes), len(labels))
    own = p[np.arange(len(labels)), labels]
    others = p.copy()
    others[np.arange(len(labels)), labels] = -1
    error = p - np.eye(n_classes)[labels]
    return {
        "error_norm": np.linalg.norm(error, axis=1).astype(np.float32),
        "label_probability": own.astype(np.float32),
        "margin": (own - others.max(axis=1)).astype(np.float32),
        "entropy": -(p * np.log(p)).sum(axis=1).astype(np.float32),
        "prediction": p.argmax(axis=1).astype(np.uint8),
        "probabilities": p.astype(np.float16),
    }


@pytest.fixture(scope="session")
def make_run(tiny_config: TrainingConfig, tiny_dataset: LabeledImages) -> Callable[..., Run]:
    """Return a factory of finished runs with random dynamics, written as training writes them."""

    def make(
        cache: Path,
        *,
        epochs: int = 6,
        recorded: int | None = None,
        state: str = "finished",
        dataset: LabeledImages = tiny_dataset,
        seed: int = 0,
    ) -> Run:
        from coreset_lib.recording.recorder import PlaneFiles

        config = replace(tiny_config, epochs=epochs, seed=seed)
        run = Run(create_run(cache, config, dataset))
        recorded = epochs if recorded is None else recorded
        labels = dataset.train.labels
        planes = PlaneFiles(
            run.paths,
            run.manifest.planes,
            n_epochs=epochs,
            n_samples=len(labels),
            n_classes=dataset.n_classes,
        )
        with run.paths.metrics.open("w") as metrics:
            for epoch in range(recorded):
                planes.write_epoch(
                    epoch, random_rows(labels, dataset.n_classes, 1000 * seed + epoch)
                )
                metrics.write(f'{{"epoch": {epoch + 1}, "val_accuracy": 0.5}}\n')
        write_status(run.paths, replace(run.status(), state=state, epoch=recorded))
        return Run(run.paths)  # one that has read nothing yet

    return make


@pytest.fixture(scope="session")
def make_dynamics() -> Callable[..., TrainingDynamics]:
    """Return a factory of dynamics in memory from lists of epochs."""

    def make(*, labels: Any = None, n_classes: int = 3, **planes: Any) -> TrainingDynamics:
        arrays = {
            name: np.asarray(rows, np.uint8 if name == "prediction" else np.float32)
            for name, rows in planes.items()
        }
        n_epochs, n_samples = next(iter(arrays.values())).shape[:2]
        labels = np.zeros(n_samples) if labels is None else labels
        names = tuple(f"class {number}" for number in range(n_classes))
        return TrainingDynamics(arrays, np.asarray(labels, np.int64), n_epochs, names)

    return make


@pytest.fixture
def without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the map impossible: importing UMAP takes longer than all the training here."""
    monkeypatch.setitem(sys.modules, "umap", None)


@pytest.fixture(scope="session")
def one_thread() -> None:
    """Let torch compute in one thread: equal bits, and processes that may be forked."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def trained_run(
    one_thread: None,
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: TrainingConfig,
    tiny_dataset: LabeledImages,
) -> Run:
    """A run that was really trained: 6 epochs on the tiny dataset, without a map."""
    from coreset_lib.training.running.worker import train_run

    paths = create_run(tmp_path_factory.mktemp("trained"), tiny_config, tiny_dataset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(paths, dataset=tiny_dataset)
    return Run(RunPaths(paths.root))


@pytest.fixture
def subprocess_environment(tmp_path: Path) -> dict[str, str]:
    """Environment for a Python below: one thread, this checkout, no UMAP."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "umap.py").write_text("raise ImportError('blocked', name='umap')\n")
    search_path = os.pathsep.join([str(blocked), str(ROOT)])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": search_path}
