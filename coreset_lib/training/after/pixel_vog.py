"""Variance of gradients of the pixels, over the weights that a run has kept."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coreset_lib.atomic import write_array
from coreset_lib.checks import check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.runs.records import ACTIVE_STATES
from coreset_lib.runs.resume import check_same_dataset, plain_config
from coreset_lib.runs.store import Run
from coreset_lib.training.device import ResidentSplit, resolve_device
from coreset_lib.training.networks.registry import Surrogate, build_network
from coreset_lib.training.precision import whole_float32
from coreset_lib.training.running.checkpoints import load_kept_weights

Float64s = NDArray[np.float64]
OnBatch = Callable[[int, int], None]
BLOCK_BYTES = 2**28
BYTES_PER_PIXEL = 16


def compute_pixel_vog(
    run: Run,
    *,
    device: str = "auto",
    batch_size: int = 256,
    on_batch: OnBatch = lambda done, total: None,
) -> tuple[int, int]:
    """Compute and keep the variance of pixel gradients of a run's training images.

    At every kept checkpoint the gradient of the label's logit with respect to the image, in
    eval mode; its population standard deviation over the checkpoints; the mean of that over
    pixels and channels; and of that the z-score within the sample's class, 0 where the class
    does not vary. Higher = harder. Written as ``vog_pixel.npy``, float64, shape (samples,).

    Parameters
    ----------
    run : Run
        Not under way, with the weights of at least 2 epochs.
    device : str
        See :func:`coreset_lib.training.device.resolve_device`.
    batch_size : int
        Images per backward pass.
    on_batch : callable
        Told how many gradients of how many are done.

    Returns
    -------
    tuple of int
        Samples and checkpoints.

    Raises
    ------
    CoresetError
        If the run is under way or kept too few weights, the images are gone or changed, or
        gradients are not finite.

    Notes
    -----
    One backward pass per sample and checkpoint, in float32. Mean and squared deviation of every
    pixel run along in float64 (Welford) for a block of samples at a time, 256 MiB; the weights
    are read again for every block.

    References
    ----------
    Agarwal, D'souza and Hooker, Estimating example difficulty using variance of gradients
    (CVPR 2022).
    """
    check_whole("batch size", batch_size, least=1)
    epochs = epochs_with_weights(run)
    place = resolve_device(device)
    config = plain_config(run.paths)
    dataset = load_configured(config, cache=run.paths.cache)
    check_same_dataset(run, dataset.fingerprint())
    network = _network(config, dataset).to(place)
    split = ResidentSplit.place(dataset.train, place)
    with whole_float32():
        variation = _variation(run, epochs, network, split, batch_size, on_batch)
    if not np.isfinite(variation).all():
        raise CoresetError(
            f"gradients of run {run.run_id} must be finite, got others. "
            "Train again with a lower learning rate."
        )
    write_array(run.paths.vog_pixel, normalise_within_class(variation, dataset.train.labels))
    return len(variation), len(epochs)


def normalise_within_class(values: Float64s, labels: NDArray[np.integer[Any]]) -> Float64s:
    """Return z-scores within each class, 0 where a class does not vary.

    Parameters
    ----------
    values : float64 array, shape (samples,)
    labels : integer array, shape (samples,)

    Returns
    -------
    float64 array, shape (samples,)
    """
    scores = np.zeros(len(values))
    for label in np.unique(labels):
        members = labels == label
        own = values[members]
        # Equal values may still deviate from their own mean by a rounding error.
        if np.ptp(own) > 0:
            scores[members] = (own - own.mean()) / own.std()
    return scores


def label_gradients(network: Surrogate, images: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of each label's logit with respect to its own image.

    Parameters
    ----------
    network : Surrogate
        In eval mode, where no sample depends on the others of its batch.
    images : tensor, shape (samples, channels, height, width)
    labels : int64 tensor, shape (samples,)

    Returns
    -------
    tensor of the shape of ``images``
    """
    images = images.detach().requires_grad_()
    logits = network(images).gather(1, labels[:, None])
    (gradients,) = torch.autograd.grad(logits.sum(), images)
    return gradients


def epochs_with_weights(run: Run) -> list[int]:
    """Return the complete epochs whose weights are there; raise if they are too few."""
    if run.manifest.members:
        raise CoresetError(
            f"run {run.run_id} averages others and has no weights. "
            f"Choose one of {', '.join(run.manifest.members)}."
        )
    status = run.status()
    if status.state in ACTIVE_STATES:
        raise CoresetError(f"run {run.run_id} is still training. Wait for it or stop it first.")
    wanted = plain_config(run.paths).kept_epochs
    kept = [e for e in wanted if e <= status.epoch and run.paths.kept_weights(e).exists()]
    if len(kept) < 2:
        raise CoresetError(
            f"vog_pixel needs the weights of at least 2 epochs, got {len(kept)} kept by run "
            f"{run.run_id}. Train again with --keep-checkpoints 10."
        )
    return kept


def _network(config: TrainingConfig, dataset: LabeledImages) -> Surrogate:
    """Build the run's network in eval mode, without gradients of its weights."""
    network = build_network(
        config.model,
        n_classes=dataset.n_classes,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    return network.eval().requires_grad_(False)


def _variation(
    run: Run,
    epochs: list[int],
    network: Surrogate,
    split: ResidentSplit,
    batch_size: int,
    on_batch: OnBatch,
) -> Float64s:
    """Deviation over checkpoints, mean over pixels, shape (samples,), block by block."""
    n_pixels = split.images[0].numel()
    width = max(BLOCK_BYTES // (BYTES_PER_PIXEL * n_pixels), 1)
    done, total = 0, len(split) * len(epochs)
    parts: list[Tensor] = []
    for block in torch.arange(len(split)).split(width):
        moments = _RunningMoments(len(block), n_pixels)
        for epoch in epochs:
            load_kept_weights(run.paths, epoch, network)
            moments.n_checkpoints += 1
            for rows in torch.arange(len(block)).split(batch_size):
                images, labels = split.batch(block[rows].to(split.labels.device))
                moments.add(rows, label_gradients(network, images, labels))
                done += len(rows)
                on_batch(done, total)
        parts.append(moments.mean_deviation())
    return torch.cat(parts).numpy()


class _RunningMoments:
    """Mean and summed squared deviation of every pixel of a block, in float64 on the CPU."""

    def __init__(self, n_samples: int, n_pixels: int) -> None:
        self.n_checkpoints = 0
        self._mean = torch.zeros(n_samples, n_pixels, dtype=torch.float64)
        self._squares = torch.zeros(n_samples, n_pixels, dtype=torch.float64)

    def add(self, rows: Tensor, gradients: Tensor) -> None:
        """Take in the gradients of some samples, contiguous rows, at the current checkpoint."""
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        values = gradients.flatten(1).cpu().double()
        delta = values - self._mean[part]
        self._mean[part] += delta / self.n_checkpoints
        self._squares[part] += delta * (values - self._mean[part])

    def mean_deviation(self) -> Tensor:
        """Return the mean over pixels of the population standard deviation, (samples,)."""
        return (self._squares / self.n_checkpoints).sqrt().mean(dim=1)
