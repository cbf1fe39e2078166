"""Runs of any size for measuring the dashboard: written like training writes them, in seconds.

The numbers are made up but shaped like real ones: most samples are learned early, some late,
some never; the embedding has two groups inside each class. Such runs measure time and memory,
nothing else.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.runs.create import create_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run

N_CLASSES = 11
N_FEATURES = 64
ROWS_AT_ONCE = 8


@dataclass(frozen=True)
class Size:
    """Samples, epochs, and the side of the images in pixels (0: no images are stored)."""

    samples: int
    epochs: int
    side: int = 0

    def __str__(self) -> str:
        return f"{self.samples:,} x {self.epochs}"


def write_run(cache: Path, size: Size, *, seed: int = 0) -> Run:
    """Write a finished run with planes, embedding and map; return it."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, size.samples)
    dataset, path = _dataset(cache, labels, size, rng)
    config = TrainingConfig(
        dataset=str(path), model="small_cnn", epochs=size.epochs, device="cpu", seed=seed
    )
    paths = create_run(cache, config, dataset)
    run = Run(paths)
    _write_planes(paths, run.manifest.planes, labels, size, rng)
    _write_map(paths, labels, rng)
    write_status(
        paths, replace(run.status(), state="finished", epoch=size.epochs, epochs=size.epochs)
    )
    return run


def _dataset(cache: Path, labels: Any, size: Size, rng: Any) -> tuple[LabeledImages, Path]:
    """Make stripes whose place tells the class; store them where they are to be shown."""
    side = size.side or 1
    images = rng.integers(0, 90, (size.samples, side, side), dtype=np.uint8)
    if size.side:
        at = labels * (side - 3) // N_CLASSES
        for row in range(3):
            images[np.arange(size.samples), at + row] += 140
    few = slice(0, 2 * N_CLASSES)
    path = cache / f"generated-{size.samples}-{side}.npz"
    cache.mkdir(parents=True, exist_ok=True)
    if size.side:
        arrays: dict[str, Any] = {"train_images": images, "train_labels": labels}
        for part in ("val", "test"):
            arrays |= {f"{part}_images": images[few], f"{part}_labels": labels[few]}
        np.savez(path, class_names=[f"class {k}" for k in range(N_CLASSES)], **arrays)
        return load_dataset(str(path)), path

    def split(part: slice) -> Split:
        ids = [f"sample-{i:07d}" for i in range(*part.indices(size.samples))]
        return Split(images[part], labels[part], ids, ids)

    names = tuple(f"class {k}" for k in range(N_CLASSES))
    everything = slice(0, size.samples)
    splits = (split(everything), split(few), split(few))
    return LabeledImages("generated", names, *splits, is_synthetic=True), path


def _write_planes(paths: RunPaths, names: Any, labels: Any, size: Size, rng: Any) -> None:
    """Write every recorded plane a few epochs at a time, so that memory stays small."""
    shape = (size.epochs, size.samples)
    kinds = {"prediction": np.uint8, "probabilities": np.float16}
    tails = {"probabilities": (N_CLASSES,)}
    planes = {
        name: np.lib.format.open_memmap(
            paths.plane(name), "w+", kinds.get(name, np.float32), (*shape, *tails.get(name, ()))
        )
        for name in names
    }
    speed = rng.gamma(2.0, 0.06, size.samples).astype(np.float32) - 0.02
    noise = rng.normal(0, 0.6, (ROWS_AT_ONCE, size.samples)).astype(np.float32)
    for first in range(0, size.epochs, ROWS_AT_ONCE):
        rows = np.arange(first, min(first + ROWS_AT_ONCE, size.epochs), dtype=np.float32)
        shift = int(rng.integers(size.samples))
        logit = speed * rows[:, None] - 2 + np.roll(noise[: len(rows)], shift, axis=1)
        own = (1 / (1 + np.exp(-logit))).clip(1e-6, 1 - 1e-6)
        part = slice(first, first + len(rows))
        planes["label_probability"][part] = own
        planes["error_norm"][part] = np.sqrt(2) * (1 - own)
        planes["margin"][part] = 2 * own - 1
        planes["entropy"][part] = -own * np.log(own) - (1 - own) * np.log1p(-own)
        planes["prediction"][part] = np.where(own > 0.5, labels, (labels + 1) % N_CLASSES)
        if "probabilities" in planes:
            planes["probabilities"][part] = ((1 - own) / (N_CLASSES - 1))[..., None]
    for plane in planes.values():
        plane.flush()


def _write_map(paths: RunPaths, labels: Any, rng: Any) -> None:
    """Write an embedding of two groups inside each class, and a map that shows them."""
    group = 2 * labels + rng.integers(0, 2, len(labels))
    centres = rng.normal(0, 3, (2 * N_CLASSES, N_FEATURES)).astype(np.float32)
    spots = rng.normal(0, 6, (2 * N_CLASSES, 2)).astype(np.float32)
    spread = rng.standard_normal((len(labels), N_FEATURES), dtype=np.float32)
    np.save(paths.embedding, centres[group] + spread)
    np.save(paths.umap, spots[group] + rng.standard_normal((len(labels), 2), dtype=np.float32))
