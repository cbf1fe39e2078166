"""Small networks trained at once with stacked parameters, against one after another.

Both train the same networks on the same coresets from the same seeds, in turns in one process;
their probabilities are compared before their times are.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from measuring import parser, publish, spread

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.evaluation.plan import SMALLEST_BATCH
from coreset_lib.training.device import resolve_device
from coreset_lib.training.targets.stacked import train_stacked_targets
from coreset_lib.training.targets.target import ResidentDataset, TargetResult, train_target

MEMBERS = (1, 2, 5, 10)
SIZES = (94, 470)
Train = Callable[[], list[TargetResult]]


def trainings(
    data: ResidentDataset, config: TrainingConfig, n_kept: int, n_members: int
) -> tuple[Train, Train]:
    """Return both ways to train the members of one comparison."""
    batch = max(min(config.batch_size, -(-n_kept // 4)), SMALLEST_BATCH)
    configs = [replace(config, seed=seed, batch_size=batch) for seed in range(n_members)]
    random = np.random.default_rng(0)
    coresets = [random.choice(len(data.train), n_kept, replace=False) for _ in configs]

    def alone() -> list[TargetResult]:
        pairs = zip(coresets, configs, strict=True)
        return [train_target(data, coreset, recipe) for coreset, recipe in pairs]

    return alone, lambda: train_stacked_targets(data, coresets, configs)


def largest_difference(ours: Sequence[TargetResult], theirs: Sequence[TargetResult]) -> float:
    """Return the largest difference between probabilities on test."""
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.abs(a.test - b.test).max()) for a, b in pairs)


def measure(train: Train, device: torch.device) -> tuple[float, list[TargetResult]]:
    """Return the seconds that a training takes, and what came out."""
    began = time.perf_counter()
    results = train()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began, results


def compare(
    data: ResidentDataset, config: TrainingConfig, n_kept: int, n_members: int, repeats: int
) -> dict[str, Any]:
    """Train both ways in turns and compare results and times."""
    device = data.train.labels.device
    ways = trainings(data, config, n_kept, n_members)
    short = trainings(data, replace(config, epochs=2), n_kept, n_members)
    difference = largest_difference(*(train() for train in short))  # warms up, too
    seconds: list[list[float]] = [[], []]
    for _ in range(repeats):
        for taken, train in zip(seconds, ways, strict=True):
            taken.append(measure(train, device)[0])
    ratios = [alone / stacked for alone, stacked in zip(*seconds, strict=True)]
    return {
        "coreset": n_kept,
        "members": n_members,
        "seconds_one_after_another": spread(seconds[0]),
        "seconds_stacked": spread(seconds[1]),
        "times_as_fast": spread(ratios),
        "largest_probability_difference_after_2_epochs": difference,
    }


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--dataset", default="phantom")
    options.add_argument("--data-root", default=None)
    options.add_argument("--device", default="auto")
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--members", type=int, nargs="+", default=MEMBERS)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = options.parse_args()
    config = TrainingConfig(dataset=given.dataset, model="small_cnn", epochs=given.epochs)
    data = ResidentDataset.place(
        load_dataset(given.dataset, data_root=given.data_root), resolve_device(given.device)
    )
    results = [
        compare(data, config, n_kept, n_members, given.repeats)
        for n_kept in given.sizes
        for n_members in given.members
    ]
    shape = {"dataset": given.dataset, "model": config.model, "epochs": given.epochs}
    publish("stacked_targets", {"shape": shape, "comparisons": results}, folder=given.out)


if __name__ == "__main__":
    main()
