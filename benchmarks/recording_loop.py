"""What ``cl.record`` costs in somebody's own training loop, as a share of the loop's time.

The same plain PyTorch loop trains the same network twice, epoch by epoch in turns: once as it
is, once with the recorder of ``coreset_lib.recording``. Both see the same batches in the same
order, and end with the same weights, bit by bit.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measuring import parser, publish, spread
from torch import Tensor
from torch.nn import functional

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.recording.record import record
from coreset_lib.recording.recording import Recorder
from coreset_lib.training.device import ResidentSplit, resolve_device
from coreset_lib.training.loop import epoch_batches
from coreset_lib.training.networks.registry import build_network

OnBatch = Callable[[Tensor, Tensor], None]


class Loop:
    """A training loop as people write them, on images that lie on the device."""

    def __init__(self, dataset: LabeledImages, model: str, batch_size: int, device: str) -> None:
        self.network = build_network(
            model,
            n_classes=dataset.n_classes,
            n_channels=dataset.n_channels,
            image_size=min(dataset.image_size),
            seed=0,
        ).to(resolve_device(device))
        self._split = ResidentSplit.place(dataset.train, resolve_device(device))
        self._batch_size = batch_size
        self._optimizer = torch.optim.SGD(self.network.parameters(), 0.01, momentum=0.9)
        self._epoch = 0

    def train_epoch(self, on_batch: OnBatch) -> None:
        """Train one epoch."""
        self.network.train()
        batches = epoch_batches(len(self._split), self._batch_size, seed=0, epoch=self._epoch)
        for indices in batches:
            images, labels = self._split.batch(indices.to(self._split.labels.device))
            logits = self.network(images)
            loss = functional.cross_entropy(logits, labels)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            on_batch(indices, logits)
        self._epoch += 1


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes, the device waited for."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def measure(plain: Loop, recorded: Loop, recorder: Recorder, repeats: int) -> dict[str, Any]:
    """Train in turns, one warm-up each, and return the times."""
    seconds: dict[str, list[float]] = {"plain": [], "recorded": []}

    def with_recorder() -> None:
        recorder.start_epoch()
        recorded.train_epoch(recorder.batch)
        recorder.end_epoch()

    for repeat in range(repeats + 1):
        alone = timed(lambda: plain.train_epoch(lambda indices, logits: None))
        beside = timed(with_recorder)
        if repeat:
            seconds["plain"].append(alone)
            seconds["recorded"].append(beside)
    pairs = zip(seconds["plain"], seconds["recorded"], strict=True)
    return {
        "seconds_per_epoch": {name: spread(values) for name, values in seconds.items()},
        "share_of_the_loop": spread([b / a - 1 for a, b in pairs]),
    }


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--dataset", default="phantom")
    arguments.add_argument("--data-root")
    arguments.add_argument("--model", default="small_cnn")
    arguments.add_argument("--batch-size", type=int, default=256)
    arguments.add_argument("--repeats", type=int, default=15)
    arguments.add_argument("--device", default="auto")
    given = arguments.parse_args()
    dataset = load_dataset(given.dataset, data_root=given.data_root)
    plain = Loop(dataset, given.model, given.batch_size, given.device)
    recorded = Loop(dataset, given.model, given.batch_size, given.device)
    with tempfile.TemporaryDirectory() as folder:
        recorder = record(
            "benchmark",
            labels=dataset.train.labels,
            class_names=dataset.class_names,
            images=dataset.train.images,
            epochs=given.repeats + 1,
            cache=Path(folder),
            umap="none",
        )
        with recorder:
            results = measure(plain, recorded, recorder, given.repeats)
    pairs = zip(plain.network.parameters(), recorded.network.parameters(), strict=True)
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    publish(
        f"recording-{given.model}",
        {
            "dataset": {"name": dataset.name, "n_train": len(dataset.train)},
            "model": given.model,
            "includes": "checking, keeping logits, computing all six planes, writing them",
            **results,
        },
        folder=given.out,
    )


if __name__ == "__main__":
    main()
