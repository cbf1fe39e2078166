"""Training a fresh target network on a coreset and predicting the held-out splits."""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.loop import Trainer, embed, evaluate, predict
from coreset_lib.training.networks.registry import Surrogate, build_network
from coreset_lib.training.objectives import probabilities_of
from coreset_lib.training.precision import tiny_numbers_as_zero

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TargetResult:
    """What one target network predicts after its last epoch, and what it cost.

    Attributes
    ----------
    val, test : float64 arrays, shape (samples, classes)
        Probabilities at the final epoch.
    best_val_accuracy : float or None
        Largest validation accuracy of any epoch (protocol ``paper``); None if it was not
        watched.
    steps : int
        Updates taken.
    seconds : float
    train : float64 array, shape (samples, classes), optional
        The same for all of the training split, also what was not trained on.
    embedding : float32 array, shape (samples, features), optional
        Penultimate layer of the training split.
    """

    val: Probabilities
    test: Probabilities
    best_val_accuracy: float | None
    steps: int
    seconds: float
    train: Probabilities | None = None
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class ResidentDataset:
    """All three splits on the device, once for many trainings."""

    train: ResidentSplit
    val: ResidentSplit
    test: ResidentSplit
    n_classes: int
    n_channels: int
    image_size: int

    @classmethod
    def place(cls, dataset: LabeledImages, device: torch.device) -> "ResidentDataset":
        """Copy a dataset to the device."""
        return cls(
            train=ResidentSplit.place(dataset.train, device),
            val=ResidentSplit.place(dataset.val, device),
            test=ResidentSplit.place(dataset.test, device),
            n_classes=dataset.n_outputs,
            n_channels=dataset.n_channels,
            image_size=min(dataset.image_size),
        )

    def with_labels(self, labels: NDArray[np.int64]) -> "ResidentDataset":
        """Return the same with other labels of the training split; images are shared."""
        placed = torch.from_numpy(np.array(labels)).to(self.train.labels.device)
        return replace(self, train=replace(self.train, labels=placed))


@tiny_numbers_as_zero()
def train_target(
    data: ResidentDataset,
    indices: NDArray[np.intp],
    config: TrainingConfig,
    *,
    watch_validation: bool = False,
    describe_train: bool = False,
) -> TargetResult:
    """Train on the samples ``indices`` of the training split; predict val and test.

    Parameters
    ----------
    data : ResidentDataset
    indices : int array, shape (kept,)
    config : TrainingConfig
        Recipe; its seed decides weights and order, so equal seeds are paired.
    watch_validation : bool
        Evaluate val after every epoch for ``best_val_accuracy``.
    describe_train : bool
        Give ``train`` and ``embedding`` too.

    Returns
    -------
    TargetResult

    Raises
    ------
    CoresetError
        If the training diverges.
    """
    kept = torch.from_numpy(np.sort(indices).astype(np.int64)).to(data.train.labels.device)
    subset = data.train.subset(kept)
    network = build_network(
        config.model,
        n_classes=data.n_classes,
        n_channels=data.n_channels,
        image_size=data.image_size,
        seed=config.seed,
    )
    trainer = Trainer.prepare(network, config, subset, data.val)
    began, best = time.perf_counter(), None
    for epoch in range(config.epochs):
        trainer.train_epoch(epoch)
        if watch_validation:
            best = max(best or 0.0, evaluate(trainer.network, data.val)[1])
    return TargetResult(
        val=predict_probabilities(network, data.val),
        test=predict_probabilities(network, data.test),
        best_val_accuracy=best,
        steps=config.epochs * len(trainer.batches(0)),
        seconds=time.perf_counter() - began,
        train=predict_probabilities(network, data.train) if describe_train else None,
        embedding=embed(network, data.train).numpy() if describe_train else None,
    )


def predict_probabilities(network: Surrogate, split: ResidentSplit) -> Probabilities:
    """Probabilities of a split in eval mode, float64 on the CPU, (samples, classes).

    Raises
    ------
    CoresetError
        If the network has lost its weights to overflow.
    """
    parts = [
        probabilities_of(logits.cpu().double(), labels)
        for _, logits, labels in predict(network, split)
    ]
    found = torch.cat(parts)
    if not torch.isfinite(found).all():
        raise CoresetError(
            "training diverged: the network predicts no numbers any more. "
            "Train the run with a smaller --learning-rate."
        )
    return found.numpy()
