"""All that a GPU is asked for, in one go of at most twelve minutes; each result is kept at once.

    make gpu                                  what is open, on the GPU that is here
    make gpu ARGS="--data-root DIR"           with real data for the cross-architecture part
    make gpu ARGS=--smoke                     every part at a small size, on a CPU too

Started again, it goes on with the parts that have no result yet. A part that cannot be done here
leaves the reason; a part that would not end in time is not begun.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import RESULTS, parser, publish, spread
from numpy.typing import NDArray

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.runs.create import create_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import Run
from coreset_lib.training.device import resolve_device
from coreset_lib.training.running.worker import train_run
from coreset_lib.training.targets.stacked import train_stacked_targets
from coreset_lib.training.targets.target import ResidentDataset, train_target

ROOT = Path(__file__).parents[1]
ORGAN_TRAIN, ORGAN_VAL, ORGAN_TEST = 34_561, 6_491, 17_778  # samples of OrganAMNIST
TABLE_1_METHODS = ("eva", "el2n", "aum", "forgetting", "entropy", "dyn_unc", "random")
RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
ARCHITECTURES = ("resnet18", "resnet50", "mobilenet_v2", "vgg16")


@dataclass(frozen=True)
class Size:
    """How large each part is."""

    train: int
    val: int
    test: int
    epochs: int
    model: str
    seeds: int
    cells: int
    rates: tuple[float, ...]
    methods: tuple[str, ...]
    architectures: tuple[str, ...]
    repeats: int


WHOLE = Size(
    ORGAN_TRAIN, ORGAN_VAL, ORGAN_TEST, 200, "resnet18", 3, 45, RATES, TABLE_1_METHODS,
    ARCHITECTURES, 5,
)  # fmt: skip
SMOKE = Size(300, 60, 60, 6, "small_cnn", 1, 2, (0.1,), ("eva", "random"), ("small_cnn",), 1)


@dataclass(frozen=True)
class Place:
    """What every part is given."""

    size: Size
    folder: Path
    device: str
    data_root: Path | None

    def config(self, **changes: Any) -> TrainingConfig:
        """Return the recipe of EVA: SGD with Nesterov momentum, 0.1 by a cosine, batches of 256."""
        given: dict[str, Any] = {"model": self.size.model, "epochs": self.size.epochs}
        return TrainingConfig(dataset="phantom", device=self.device, **given | changes)

    def dataset(self) -> LabeledImages:
        """Return a phantom with as many samples as OrganAMNIST, 28 x 28."""
        size = self.size
        return make_phantom(PhantomOptions(n_train=size.train, n_val=size.val, n_test=size.test))

    def run(self) -> Run:
        """Return the run of that size, trained before or now."""
        for manifest in (self.folder / "runs").glob("*/manifest.json"):
            run = Run(RunPaths(manifest.parent))
            if run.status().state == "finished":
                return run
        dataset = self.dataset()
        paths = create_run(self.folder, self.config(), dataset)
        train_run(paths, dataset=dataset)
        return Run(paths)


def cuda_tests(place: Place) -> dict[str, Any]:
    """Run the tests that need a GPU."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "tests/training/test_cuda.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    return {"exit_status": done.returncode, "last_lines": lines[-15:]}


def throughput(place: Place) -> dict[str, Any]:
    """Compare samples a second with a plain DataLoader, and with resident data but eager steps."""
    from training import measure_throughput

    dataset, found = place.dataset(), {}
    for model in dict.fromkeys(("small_cnn", place.size.model)):
        found[model] = measure_throughput(
            dataset, place.config(model=model, epochs=10_000), place.size.repeats
        )
    return found


def organ_sized_run(place: Place) -> dict[str, Any]:
    """Train and record the surrogate on a set of OrganAMNIST's size: at most 60 s on an H100."""
    began = time.perf_counter()
    run = place.run()
    status = run.status()
    return {
        "samples": run.manifest.dataset.n_train,
        "epochs": status.epochs,
        "state": status.state,
        "seconds": time.perf_counter() - began,
        "seconds_of_epochs": spread([row["seconds"] for row in run.metrics()]),
    }


def stacked(place: Place) -> dict[str, Any]:
    """Train the cells of a comparison ten at once, and one after another."""
    data = ResidentDataset.place(place.dataset(), resolve_device(place.device))
    members = 10 if place.size is WHOLE else 2
    configs = [
        place.config(model="small_cnn", epochs=min(place.size.epochs, 20), seed=seed, batch_size=64)
        for seed in range(members)
    ]
    chance, seconds = np.random.default_rng(0), {"stacked": 0.0, "alone": 0.0}
    kept: list[NDArray[np.intp]] = []
    for _ in range(place.size.cells):
        kept = [chance.choice(len(data.train), 256, replace=False) for _ in configs]
        began = time.perf_counter()
        train_stacked_targets(data, kept, configs)
        seconds["stacked"] += time.perf_counter() - began
    for rows, config in zip(kept, configs, strict=True):  # one cell tells the others' time
        seconds["alone"] += train_target(data, rows, config).seconds
    seconds["alone"] *= place.size.cells
    return {
        "cells": place.size.cells,
        "seeds": members,
        "seconds": seconds,
        "times_as_fast": seconds["alone"] / seconds["stacked"],
    }


def table_1(place: Place) -> dict[str, Any]:
    """Seven methods at five rates over three seeds, as EVA's Table 1."""
    return _compare(place, place.run(), place.size.model)


def architectures(place: Place) -> dict[str, Any]:
    """Coresets of one network trained on by others, on pbc where it is there."""
    run, name = place.run(), "phantom"
    if place.data_root is not None:
        dataset = load_dataset("pbc", data_root=place.data_root)
        config = place.config(epochs=min(place.size.epochs, 50))
        paths = create_run(place.folder / "pbc", replace(config, dataset="pbc"), dataset)
        train_run(paths, dataset=dataset)
        run, name = Run(paths), "pbc"
    found = {model: _compare(place, run, model) for model in place.size.architectures}
    return {"dataset": name, "surrogate": run.manifest.config["model"], "targets": found}


def _compare(place: Place, run: Run, model: str) -> dict[str, Any]:
    """Train a network on every coreset; accuracies on test for each method, rate and seed."""
    from coreset_lib.scores import compute_score
    from coreset_lib.selection import SelectionConfig, select_coreset

    dataset = place.dataset() if run.manifest.dataset.name.startswith("phantom") else None
    if dataset is None:
        dataset = load_dataset("pbc", data_root=place.data_root)
    data = ResidentDataset.place(dataset, resolve_device(place.device))
    dynamics, rows = run.dynamics(), []
    for method in place.size.methods:
        score = None if method == "random" else compute_score(dynamics, method, {})
        for rate in place.size.rates:
            for seed in range(place.size.seeds):
                chosen = SelectionConfig(
                    strategy="random" if score is None else "top",
                    score=None if score is None else method,
                    rate=rate,
                    seed=seed,
                    balance="proportional",
                )
                kept = select_coreset(dynamics, chosen, score=score, features=lambda: None).indices
                config = place.config(model=model, seed=seed)
                batch = max(min(config.batch_size, -(-len(kept) // 4)), 2)
                result = train_target(data, kept, replace(config, batch_size=batch))
                right = result.test.argmax(axis=1) == dataset.test.labels
                rows.append(
                    {
                        "method": method,
                        "rate": rate,
                        "seed": seed,
                        "accuracy": float(right.mean()),
                        "recalls": [
                            float(right[dataset.test.labels == label].mean())
                            for label in np.unique(dataset.test.labels)
                        ],
                        "seconds": result.seconds,
                    }
                )
    return {"model": model, "trainings": rows}


@dataclass(frozen=True)
class Part:
    """One thing to measure, and how long it takes on an H200-class GPU."""

    measure: Callable[[Place], dict[str, Any]]
    minutes: float


PARTS = {
    "cuda_tests": Part(cuda_tests, 1.0),
    "throughput": Part(throughput, 1.5),
    "organ_sized_run": Part(organ_sized_run, 1.5),
    "stacked": Part(stacked, 1.5),
    "architectures": Part(architectures, 3.0),
    "table_1": Part(table_1, 3.5),
}


def work(arguments: argparse.Namespace) -> int:
    """Measure what is open and fits into the time; 1 if a part has failed."""
    began = time.monotonic()
    device = "cpu" if arguments.smoke and not torch.cuda.is_available() else "cuda"
    size = SMOKE if arguments.smoke else WHOLE
    place = Place(size, arguments.folder, device, arguments.data_root)
    failed = False
    for name, part in PARTS.items():
        file = arguments.out / "gpu" / f"{name}.json"
        left = arguments.minutes - (time.monotonic() - began) / 60
        if file.exists() or (not arguments.smoke and part.minutes > left):
            sys.stderr.write(f"{name}: {'is there' if file.exists() else 'no time left'}\n")
            continue
        sys.stderr.write(f"{name}: begins with {left:.1f} minutes left\n")
        try:
            found = {"size": size.__dict__, "result": part.measure(place)}
        except Exception as error:  # the other parts can still be measured
            found, failed = {"not_possible": f"{type(error).__name__}: {error}"}, True
        publish(name, found, folder=file.parent)
        if "not_possible" in found:
            file.rename(file.with_suffix(".failed.json"))
    return int(failed)


def main() -> None:
    made = parser(__doc__ or "")
    made.add_argument("--smoke", action="store_true", help="every part at a small size")
    made.add_argument("--data-root", type=Path)
    made.add_argument("--minutes", type=float, default=12.0)
    made.add_argument("--folder", type=Path, help="where runs are kept between two starts")
    arguments = made.parse_args()
    if not arguments.smoke and not torch.cuda.is_available():
        raise SystemExit("there is no NVIDIA GPU here; try every part with --smoke")
    aside = Path(tempfile.mkdtemp()) if arguments.folder is None else arguments.folder
    arguments.folder = aside
    if arguments.smoke and arguments.out == RESULTS:
        arguments.out = aside / "results"
    try:
        code = work(arguments)
    finally:
        if arguments.smoke:
            shutil.rmtree(aside)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
