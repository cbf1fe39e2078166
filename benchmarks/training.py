"""Cost of the recorder, and throughput against a DataLoader with PIL and torchvision transforms.

Both comparisons train the same network on the same data in one process, epoch by epoch in
turns, so that a change of the machine's speed hits both alike.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measuring import parser, publish, spread
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.dynamics import REQUIRED_PLANES
from coreset_lib.recording.recorder import DynamicsRecorder, PlaneFiles
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.device import ResidentSplit, resolve_device
from coreset_lib.training.loop import Trainer
from coreset_lib.training.networks.registry import build_network

EPOCHS = 10_000  # never reached: keeps the learning rate of all measured epochs alike


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """The training split as most public code reads it: one PIL image at a time."""

    def __init__(self, dataset: LabeledImages) -> None:
        self._split = dataset.train
        n = dataset.n_channels
        self._transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize([0.5] * n, [0.5] * n)]
        )

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self._split.images[index])
        return self._transform(image), int(self._split.labels[index])


def make_trainer(dataset: LabeledImages, config: TrainingConfig) -> Trainer:
    device = resolve_device(config.device)
    network = build_network(
        config.model,
        n_classes=dataset.n_classes,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=0,
    )
    train = ResidentSplit.place(dataset.train, device)
    return Trainer.prepare(network, config, train, ResidentSplit.place(dataset.val, device))


def loader_epoch(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, loader: Any, device: torch.device
) -> None:
    """Train one epoch as a plain PyTorch script does."""
    network.train()
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            logits = network(images)
        loss = functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def in_turns(repeats: int, **contestants: Callable[[], object]) -> dict[str, list[float]]:
    """Time the contestants in turns, after one warm-up each."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats + 1):
        for name, contestant in contestants.items():
            began = time.perf_counter()
            contestant()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def check_same_pixels(dataset: LabeledImages) -> None:
    """Both pipelines must feed the network the same numbers."""
    resident, _ = ResidentSplit.place(dataset.train, torch.device("cpu")).batch(torch.arange(8))
    plain = torch.stack([PilImages(dataset)[i][0] for i in range(8)])
    torch.testing.assert_close(resident.contiguous(), plain, atol=1e-6, rtol=0)


def measure_throughput(
    dataset: LabeledImages, config: TrainingConfig, repeats: int
) -> dict[str, Any]:
    check_same_pixels(dataset)
    ours = make_trainer(dataset, config)
    device = ours.train.labels.device
    epochs = iter(range(EPOCHS))

    def plain(workers: int) -> Callable[[], None]:
        theirs = build_network(
            config.model,
            n_classes=dataset.n_classes,
            n_channels=dataset.n_channels,
            image_size=min(dataset.image_size),
            seed=0,
        ).to(device)
        optimizer = torch.optim.SGD(
            theirs.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
        loader = DataLoader(
            PilImages(dataset),
            batch_size=config.batch_size,
            shuffle=True,
            num_workers=workers,
        )
        return lambda: loader_epoch(theirs, optimizer, loader, device)

    seconds = in_turns(
        repeats,
        resident=lambda: ours.train_epoch(next(epochs)),
        loader_0_workers=plain(0),
        loader_2_workers=plain(2),
    )
    n = len(dataset.train)
    times = {name: spread(values) for name, values in seconds.items()}
    best = min(times["loader_0_workers"]["median"], times["loader_2_workers"]["median"])
    return {
        "seconds_per_epoch": times,
        "samples_per_second": {name: n / t["median"] for name, t in times.items()},
        "ratio_to_best_loader": best / times["resident"]["median"],
        "ratio_to_loader_without_workers": times["loader_0_workers"]["median"]
        / times["resident"]["median"],
    }


def measure_recorder(
    dataset: LabeledImages, config: TrainingConfig, repeats: int
) -> dict[str, Any]:
    plain, recorded = make_trainer(dataset, config), make_trainer(dataset, config)
    recorder = DynamicsRecorder(recorded.train.labels, dataset.n_classes, keep_probabilities=True)
    recorded.recorder = recorder
    epochs = {"plain": iter(range(EPOCHS)), "recorded": iter(range(EPOCHS))}
    with tempfile.TemporaryDirectory() as folder:
        paths = RunPaths(Path(folder))
        paths.dynamics.mkdir()
        files = PlaneFiles(
            paths,
            (*REQUIRED_PLANES, "probabilities"),
            n_epochs=repeats + 1,
            n_samples=len(dataset.train),
            n_classes=dataset.n_classes,
        )

        def with_recorder() -> None:
            epoch = next(epochs["recorded"])
            recorded.train_epoch(epoch)
            files.write_epoch(epoch, recorder.finish_epoch())

        seconds = in_turns(
            repeats,
            plain=lambda: plain.train_epoch(next(epochs["plain"])),
            recorded=with_recorder,
        )
    pairs = zip(seconds["plain"], seconds["recorded"], strict=True)
    return {
        "includes": "keeping logits, computing all six planes, writing and flushing them",
        "seconds_per_epoch": {name: spread(values) for name, values in seconds.items()},
        "cost": spread([b / a - 1 for a, b in pairs]),
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
    config = TrainingConfig(
        dataset=given.dataset,
        model=given.model,
        epochs=EPOCHS,
        batch_size=given.batch_size,
        device=given.device,
    )
    results = {
        "dataset": {"name": dataset.name, "n_train": len(dataset.train)},
        "model": given.model,
        "recorder": measure_recorder(dataset, config, given.repeats),
        "throughput": measure_throughput(dataset, config, given.repeats),
    }
    publish(f"training-{given.model}", results, folder=given.out)


if __name__ == "__main__":
    main()
