"""Cost of checkpoints: whole trainings with and without them, in turns, in one process.

Both write planes, metrics and status; only the state of network and optimiser is left out in
one of them.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from measuring import parser, publish, spread

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.runs.create import create_run
from coreset_lib.training.running.checkpoints import Checkpoint
from coreset_lib.training.running.worker import train_run


class Stopwatch:
    """Adds up the seconds spent in a function and counts its calls."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self.seconds, self.calls = 0.0, 0

    def __call__(self, *arguments: object) -> object:
        """Call the function."""
        began = time.perf_counter()
        try:
            return self._function(*arguments)
        finally:
            self.seconds += time.perf_counter() - began
            self.calls += 1


@contextmanager
def without_checkpoints():
    nothing = Checkpoint(0, {}, {})
    with (
        patch.object(Checkpoint, "take", lambda *_: nothing),
        patch.object(Checkpoint, "save", lambda *_: None),
    ):
        yield


def train(dataset: LabeledImages, config: TrainingConfig) -> float:
    """Train a whole run without its map; return the seconds from first to last epoch."""
    with tempfile.TemporaryDirectory() as cache:
        paths = create_run(Path(cache), config, dataset)
        ends: list[float] = []
        train_run(paths, dataset=dataset, on_epoch=lambda _: ends.append(time.perf_counter()))
        return ends[-1] - ends[0]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="small_cnn")
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--device", default="auto")
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args()
    sys.modules["umap"] = None  # the map is no part of what is measured
    dataset = load_dataset("phantom")
    config = TrainingConfig(
        dataset="phantom", model=chosen.model, epochs=chosen.epochs, device=chosen.device
    )
    train(dataset, dataclasses.replace(config, epochs=2))  # warm-up
    with_them, without_them, inside = [], [], []
    for _ in range(chosen.repeats):
        with without_checkpoints():
            without_them.append(train(dataset, config))
        take, save = Stopwatch(Checkpoint.take), Stopwatch(Checkpoint.save)
        with (
            patch.object(Checkpoint, "take", take),
            patch.object(Checkpoint, "save", lambda *a, save=save: save(*a)),
        ):
            with_them.append(train(dataset, config))
        inside.append((take.seconds + save.seconds) / with_them[-1])
    ratios = [a / b for a, b in zip(with_them, without_them, strict=True)]
    publish(
        "checkpoints",
        {
            "model": chosen.model,
            "device": chosen.device,
            "epochs": chosen.epochs,
            "n_train": len(dataset.train),
            "seconds_with": spread(with_them),
            "seconds_without": spread(without_them),
            "ratio_with_to_without": spread(ratios),
            "share_of_time_in_checkpoints": spread(inside),
        },
        folder=chosen.out,
    )


if __name__ == "__main__":
    main()
