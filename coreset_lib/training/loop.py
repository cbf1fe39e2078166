"""The training loop: resident data, gathered batches, one visit per sample and epoch."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from coreset_lib.configs import TrainingConfig
from coreset_lib.recording.recorder import DynamicsRecorder
from coreset_lib.seeds import stream_seed
from coreset_lib.training.augmentation import augment
from coreset_lib.training.device import ResidentSplit, memory_layout
from coreset_lib.training.networks.registry import Surrogate
from coreset_lib.training.objectives import (
    class_weights,
    count_correct,
    mean_area_under_roc,
    mean_loss,
    summed_loss,
)
from coreset_lib.training.precision import (
    check_precision,
    mixed_precision,
    prefer_repeatable_kernels,
)

EVALUATION_BATCH = 1024
BYTES_BEHIND_A_NUMBER = 1024  # of the outputs of a network's layers, for each number of an image


class TrainingStopped(Exception):
    """Somebody asked the training to stop; the epoch under way is given up."""


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What one epoch looked like; losses are mean cross-entropy in nats.

    Of samples with any number of labels, losses are means over the labels too, accuracy is
    the share of samples whose whole set of labels is right, and ``val_auc`` the mean over the
    labels of the area under the ROC curve; it is None for classes.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    samples_per_second: float
    val_auc: float | None = None


@dataclass(eq=False)
class Trainer:
    """A network under training, able to go on from any epoch.

    Nothing it draws depends on a generator's history: the order of epoch t is a
    function of the seed and t, so a resumed run repeats an uninterrupted one.
    """

    network: Surrogate
    optimizer: torch.optim.Optimizer
    config: TrainingConfig
    train: ResidentSplit
    val: ResidentSplit
    recorder: DynamicsRecorder | None = None
    on_batch: Callable[[float], None] = lambda _: None
    class_weights: Tensor | None = None

    @classmethod
    def prepare(
        cls,
        network: Surrogate,
        config: TrainingConfig,
        train: ResidentSplit,
        val: ResidentSplit,
        *,
        recorder: DynamicsRecorder | None = None,
        on_batch: Callable[[float], None] = lambda _: None,
    ) -> "Trainer":
        """Move the network to the data's device and set up SGD with Nesterov momentum."""
        device = train.labels.device
        check_precision(config.precision, device)
        prefer_repeatable_kernels()
        network.precision = config.precision
        network = network.to(device)
        layout = memory_layout(train.images)
        network = network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
        optimizer = torch.optim.SGD(
            network.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=config.momentum > 0,
            weight_decay=config.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        weights = None
        if config.class_weighted_loss:
            weights = class_weights(train.labels, network.head.out_features)
        return cls(network, optimizer, config, train, val, recorder, on_batch, weights)

    def epochs(self, *, start: int = 0) -> Iterator[EpochMetrics]:
        """Train epoch after epoch from ``start`` (0-based), yielding after each."""
        for epoch in range(start, self.config.epochs):
            began = time.perf_counter()
            loss, accuracy = self.train_epoch(epoch)
            if self.recorder is not None and self.config.recording == "eval_pass":
                self.record_clean_pass(self.recorder)
            val_loss, val_accuracy = self.evaluate()
            val_auc = mean_auc(self.network, self.val) if self.val.labels.ndim == 2 else None
            seconds = time.perf_counter() - began
            yield EpochMetrics(
                epoch=epoch + 1,
                train_loss=loss,
                train_accuracy=accuracy,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                learning_rate=self.optimizer.param_groups[0]["lr"],
                seconds=seconds,
                samples_per_second=len(self.train) / seconds,
                val_auc=val_auc,
            )

    def train_epoch(self, epoch: int) -> tuple[float, float]:
        """Visit every sample once; return mean loss and accuracy in train mode."""
        device = self.train.labels.device
        batches = self.batches(epoch)
        recorder = self.recorder if self.config.recording == "minibatch" else None
        if self.recorder is not None:
            self.recorder.start_epoch()
        self.network.train()
        totals = torch.zeros(2, device=device)
        n_steps = self.config.epochs * len(batches)
        for number, indices in enumerate(batches):
            self.set_learning_rate((epoch * len(batches) + number) / n_steps)
            logits, loss, n_correct = self._step(indices, epoch, number)
            if recorder is not None:
                recorder.record(indices, logits)
            totals += torch.stack([loss.detach() * len(indices), n_correct])
            self.on_batch((number + 1) / len(batches))
        loss_sum, correct = totals.tolist()
        return loss_sum / len(self.train), correct / len(self.train)

    def _step(self, indices: Tensor, epoch: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Update the weights on one batch; the logits are from before the update."""
        images, labels = self.train.batch(indices)
        if self.config.augmentation != "none":
            images = augment(images, self.config.augmentation, self.shift_seed(epoch, number))
        with mixed_precision(images.device, self.config.precision):
            logits = self.forward(images)
        loss = self.loss(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        self.backward(loss, number)
        self.optimizer.step()
        return logits, loss, count_correct(logits.detach(), labels)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy, every class with the same say if that was asked for."""
        return mean_loss(logits, labels, self.class_weights)

    def batches(self, epoch: int) -> list[Tensor]:
        """Return the samples of each update of an epoch, on the device."""
        return epoch_batches(
            len(self.train),
            self.config.batch_size,
            seed=self.config.seed,
            epoch=epoch,
            device=self.train.labels.device,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch, ready for :meth:`backward`."""
        return self.network(images)

    def backward(self, loss: Tensor, number: int) -> None:
        """Compute the gradients of the loss of batch ``number``."""
        del number
        loss.backward()

    def shift_seed(self, epoch: int, number: int) -> int:
        """Return the seed of the changes to the images of batch ``number``."""
        return stream_seed(self.config.seed, "shift", epoch, number)

    def evaluate(self) -> tuple[float, float]:
        """Return mean cross-entropy and accuracy on val, in eval mode."""
        return evaluate(self.network, self.val)

    def record_clean_pass(self, recorder: DynamicsRecorder) -> None:
        """Record every sample in eval mode, after the epoch's last update."""
        recorder.start_epoch()
        for indices, logits, _ in predict(self.network, self.train):
            recorder.record(indices, logits)

    def set_learning_rate(self, progress: float) -> None:
        """Per-iteration cosine from the first to the final learning rate."""
        rate = scheduled_rate(self.config, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate


def scheduled_rate(config: TrainingConfig, progress: float) -> float:
    """Return the learning rate at a share of all updates: a cosine from first to final."""
    first, final = config.learning_rate, config.final_learning_rate
    return final + (first - final) * (1 + math.cos(math.pi * progress)) / 2


def epoch_batches(
    n_samples: int,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    least: int = 2,
    device: torch.device | None = None,
) -> list[Tensor]:
    """Return the samples of an epoch in random order, cut into batches.

    The order is the same on every device: it is drawn on the CPU, and copied once.

    Every sample is in exactly one batch. A last batch of fewer than ``least`` samples joins
    the one before it, since batch norm cannot be trained on a single sample.
    """
    generator = torch.Generator().manual_seed(stream_seed(seed, "order", epoch))
    order = torch.randperm(n_samples, generator=generator).to(device)
    sizes = [len(part) for part in order.split(batch_size)]
    if len(sizes) > 1 and sizes[-1] < least:
        sizes[-2:] = [sum(sizes[-2:])]
    return list(order.split(sizes))


def predict(
    network: Surrogate, split: ResidentSplit, samples: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (indices, logits, labels) batch by batch in eval mode, in order.

    With ``samples``, only of these.
    """
    for indices, (logits, labels) in _in_batches(network, split, samples, network):
        yield indices, logits, labels


@torch.no_grad()
def _in_batches(
    network: Surrogate,
    split: ResidentSplit,
    samples: Tensor | None,
    compute: Callable[[Tensor], Tensor],
) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor]]]:
    """Yield samples, what is computed of their images in eval mode, and their labels.

    A GPU whose memory runs out gets half as many samples at once, and half of these, as often
    as needed: the outputs of a network of any size follow its training.
    """
    network.eval()
    if samples is None:
        samples = torch.arange(len(split), device=split.labels.device)
    size, first = evaluation_batch(split), 0
    while first < len(samples):
        indices = samples[first : first + size]
        images, labels = split.batch(indices)
        try:
            with mixed_precision(images.device, network.precision):
                computed = compute(images)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size = size // 2
            continue
        yield indices, (computed, labels)
        first += size


def evaluation_batch(split: ResidentSplit) -> int:
    """Return how many samples are shown to a network at once when nothing is trained.

    On a GPU as many as its free memory has room for, with all that a convolutional network
    makes of an image.
    """
    device = split.labels.device
    if device.type != "cuda":
        return EVALUATION_BATCH
    free, _ = torch.cuda.mem_get_info(device)
    room = free // (BYTES_BEHIND_A_NUMBER * split.images[0].numel())
    return max(1, min(EVALUATION_BATCH, room))


def evaluate(
    network: Surrogate, split: ResidentSplit, samples: Tensor | None = None
) -> tuple[float, float]:
    """Return mean cross-entropy (nats) and accuracy of a network on a split, in eval mode.

    With ``samples``, what these contribute to the two means.
    """
    totals = torch.zeros(2, device=split.labels.device)
    for _, logits, labels in predict(network, split, samples):
        totals += torch.stack([summed_loss(logits, labels), count_correct(logits, labels)])
    loss_sum, correct = totals.tolist()
    return loss_sum / len(split), correct / len(split)


def mean_auc(network: Surrogate, split: ResidentSplit) -> float:
    """Return the mean over the labels of the area under the ROC curve, in eval mode."""
    parts = [(logits.cpu(), labels.cpu()) for _, logits, labels in predict(network, split)]
    logits, labels = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return mean_area_under_roc(logits, labels > 0)


def embed(network: Surrogate, split: ResidentSplit) -> Tensor:
    """Return the penultimate layer, float32 on the CPU, shape (samples, features)."""
    parts = _in_batches(network, split, None, network.features)
    return torch.cat([features.float().cpu() for _, (features, _) in parts])
