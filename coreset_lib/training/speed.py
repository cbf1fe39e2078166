"""How long a training will take, from two seconds of it: what the start form asks for."""

import time

import numpy as np
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.training.device import ResidentSplit, device_title, resolve_device
from coreset_lib.training.loop import Trainer, TrainingStopped, epoch_batches, evaluate
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.precision import tiny_numbers_as_zero
from coreset_lib.training.running.setup import make_recorder
from coreset_lib.training.time_estimate import Speed

PROBE_SECONDS = 2.0
WARM_UP_BATCHES = 2
FEWEST_BATCHES = 3
EVALUATED_SAMPLES = 256
QUANTILES = (0.1, 0.9)


@tiny_numbers_as_zero()
def measure_speed(
    dataset: LabeledImages, config: TrainingConfig, *, seconds: float = PROBE_SECONDS
) -> Speed:
    """Train for some seconds, throw the network away, and return how fast it went.

    Parameters
    ----------
    dataset : LabeledImages
    config : TrainingConfig
    seconds : float
        How long to measure, after two updates to warm up; three updates are waited for.

    Raises
    ------
    CoresetError
        If this machine does not have the device.
    """
    device = resolve_device(config.device)
    trainer = _trainer(dataset, config, device)
    moments = _moments_of_batches(trainer, device, seconds)
    steps = np.diff(moments[WARM_UP_BATCHES:])
    low, high = (float(value) for value in np.quantile(steps, QUANTILES))
    n_evaluated = len(dataset.val)
    if config.recording == "eval_pass":
        n_evaluated += len(dataset.train)
    return Speed(
        batch_seconds=(low, high),
        n_batches=len(epoch_batches(len(dataset.train), config.batch_size, seed=0, epoch=0)),
        evaluation_seconds=_seconds_to_evaluate(trainer, device) * n_evaluated,
        device=device_title(device),
        n_measured=len(steps),
    )


def _trainer(dataset: LabeledImages, config: TrainingConfig, device: torch.device) -> Trainer:
    """Build what would train the run."""
    network = build_network(
        config.model,
        n_classes=dataset.n_outputs,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    train, val = (ResidentSplit.place(split, device) for split in (dataset.train, dataset.val))
    recorder = make_recorder(network, train.labels, ("vog",) if config.record_vog else ())
    return Trainer.prepare(network, config, train, val, recorder=recorder)


def _moments_of_batches(trainer: Trainer, device: torch.device, seconds: float) -> list[float]:
    """Train until enough is known; return the moments at which updates were complete."""
    moments: list[float] = []

    def on_batch(_: float) -> None:
        _wait_for(device)
        moments.append(time.perf_counter())
        measured = moments[WARM_UP_BATCHES:]
        if len(measured) > FEWEST_BATCHES and measured[-1] - measured[0] >= seconds:
            raise TrainingStopped

    trainer.on_batch = on_batch
    try:
        while True:  # a small epoch is over before the time is
            trainer.train_epoch(0)
    except TrainingStopped:
        return moments


def _seconds_to_evaluate(trainer: Trainer, device: torch.device) -> float:
    """Return the seconds that a sample takes without an update."""
    n_samples = min(len(trainer.val), EVALUATED_SAMPLES)
    samples = torch.arange(n_samples, device=device)
    evaluate(trainer.network, trainer.val, samples)
    began = time.perf_counter()
    evaluate(trainer.network, trainer.val, samples)
    return (time.perf_counter() - began) / n_samples


def _wait_for(device: torch.device) -> None:
    """Wait until a GPU has done what it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
