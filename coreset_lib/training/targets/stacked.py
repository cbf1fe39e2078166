"""Several small networks trained at once: their parameters stacked, one pass for all.

A small network on a small batch leaves a GPU idle between kernels; one kernel for all members
does not. Every member has its own seed, samples, batches and running statistics, so that it
becomes what it would have become alone, within the rounding of floats.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS
from coreset_lib.seeds import stream_seed
from coreset_lib.training.augmentation import augment
from coreset_lib.training.loop import epoch_batches, evaluate, scheduled_rate
from coreset_lib.training.networks.registry import Surrogate, build_network
from coreset_lib.training.objectives import class_weights, mean_loss
from coreset_lib.training.precision import (
    mixed_precision,
    prefer_repeatable_kernels,
    tiny_numbers_as_zero,
)
from coreset_lib.training.targets.target import ResidentDataset, TargetResult, predict_probabilities

MOST_STACKED = 10


def stacking_pays(model: str, device: torch.device) -> bool:
    """Whether networks are to be trained stacked: small ones on a GPU.

    On a CPU stacked convolutions are slower than one network after another
    (``benchmarks/stacked_targets.py``).
    """
    return device.type == "cuda" and NETWORKS[model].is_stackable


@tiny_numbers_as_zero()
def train_stacked_targets(
    data: ResidentDataset,
    coresets: Sequence[NDArray[np.intp]],
    configs: Sequence[TrainingConfig],
    *,
    watch_validation: bool = False,
) -> list[TargetResult]:
    """Train one network on each coreset, all at once; predict val and test.

    Parameters
    ----------
    data : ResidentDataset
    coresets : sequence of int arrays, each of shape (kept,)
        All of the same size.
    configs : sequence of TrainingConfig
        One for each coreset; they may differ in their seeds only.
    watch_validation : bool
        Evaluate val after every epoch for ``best_val_accuracy``.

    Raises
    ------
    CoresetError
        If the network cannot be stacked.

    Returns
    -------
    list of TargetResult
        As :func:`coreset_lib.training.targets.target.train_target` gives for each; ``seconds``
        is an equal share of the time that all took.
    """
    _check_alike(coresets, configs)
    began = time.perf_counter()
    members = _Members(data, coresets, configs)
    best = [0.0] * len(configs)
    for epoch in range(configs[0].epochs):
        members.train_epoch(epoch)
        if watch_validation:
            networks = members.networks()
            best = [max(b, evaluate(n, data.val)[1]) for b, n in zip(best, networks, strict=True)]
    predictions = [
        (predict_probabilities(network, data.val), predict_probabilities(network, data.test))
        for network in members.networks()
    ]
    seconds = (time.perf_counter() - began) / len(configs)
    return [
        TargetResult(
            val=val,
            test=test,
            best_val_accuracy=best[number] if watch_validation else None,
            steps=configs[0].epochs * members.n_batches,
            seconds=seconds,
        )
        for number, (val, test) in enumerate(predictions)
    ]


class _Members:
    """Networks of one kind with stacked parameters, buffers and momenta."""

    def __init__(
        self,
        data: ResidentDataset,
        coresets: Sequence[NDArray[np.intp]],
        configs: Sequence[TrainingConfig],
    ) -> None:
        prefer_repeatable_kernels()
        self._data, self._configs = data, configs
        device = data.train.labels.device
        self._networks = [self._build(config).to(device) for config in configs]
        parameters, self._buffers = stack_module_state(list[nn.Module](self._networks))
        self._parameters: dict[str, Tensor] = {
            name: nn.Parameter(stacked.detach()) for name, stacked in parameters.items()
        }
        self._kept = [
            torch.from_numpy(np.sort(indices).astype(np.int64)).to(device) for indices in coresets
        ]
        recipe = configs[0]
        self._weights = [
            class_weights(data.train.labels[kept], data.n_classes)
            if recipe.class_weighted_loss
            else None
            for kept in self._kept
        ]
        self._optimizer = torch.optim.SGD(
            self._parameters.values(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            weight_decay=recipe.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        self.n_batches = len(self._batches(0)[0])

    def train_epoch(self, epoch: int) -> None:
        """Let every member visit each of its samples once."""
        batches = self._batches(epoch)
        n_steps = self._configs[0].epochs * self.n_batches
        for network in self._networks:
            network.train()
        for number in range(self.n_batches):
            rate = scheduled_rate(self._configs[0], (epoch * self.n_batches + number) / n_steps)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._step([order[number] for order in batches], epoch, number)

    def networks(self) -> list[Surrogate]:
        """Return the members as networks of their own, as they are now."""
        state = {**self._parameters, **self._buffers}
        for number, network in enumerate(self._networks):
            network.load_state_dict({name: stacked[number] for name, stacked in state.items()})
        return self._networks

    def _build(self, config: TrainingConfig) -> Surrogate:
        """Build one member with the weights of its seed."""
        data = self._data
        network = build_network(
            config.model,
            n_classes=data.n_classes,
            n_channels=data.n_channels,
            image_size=data.image_size,
            seed=config.seed,
        )
        network.precision = config.precision
        return network

    def _batches(self, epoch: int) -> list[list[Tensor]]:
        """Return the samples of every member's batches of an epoch; all cut alike."""
        orders = [
            epoch_batches(
                len(kept), config.batch_size, seed=config.seed, epoch=epoch, device=kept.device
            )
            for kept, config in zip(self._kept, self._configs, strict=True)
        ]
        return [
            [kept[rows] for rows in order] for kept, order in zip(self._kept, orders, strict=True)
        ]

    def _step(self, indices: Sequence[Tensor], epoch: int, number: int) -> None:
        """Update all members, each on its batch."""
        device = self._data.train.labels.device
        batches = [self._data.train.batch(rows) for rows in indices]
        images = torch.stack([images for images, _ in batches])
        if (kind := self._configs[0].augmentation) != "none":
            seeds = [stream_seed(c.seed, "shift", epoch, number) for c in self._configs]
            images = torch.stack([augment(i, kind, s) for i, s in zip(images, seeds, strict=True)])
        with mixed_precision(device, self._configs[0].precision):
            logits = torch.vmap(self._forward, randomness="error")(
                self._parameters, self._buffers, images
            )
        members = zip(logits, batches, self._weights, strict=True)
        loss = torch.stack([mean_loss(found, labels, w) for found, (_, labels), w in members])
        self._optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # no member's loss depends on another one's parameters
        self._optimizer.step()

    def _forward(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor
    ) -> Tensor:
        """Return the logits of one member; its running statistics are updated in place."""
        return functional_call(self._networks[0], (parameters, buffers), (images,))


def _check_alike(coresets: Sequence[NDArray[np.intp]], configs: Sequence[TrainingConfig]) -> None:
    """Make sure that the members differ in their seeds only."""
    model = configs[0].model
    if not NETWORKS[model].is_stackable:
        known = " or ".join(name for name, each in NETWORKS.items() if each.is_stackable)
        raise CoresetError(
            f"model of networks that are trained at once must be {known}, got {model}. Train them "
            "one after another."
        )
    assert len({len(indices) for indices in coresets}) == 1
    assert len({replace(config, seed=0) for config in configs}) == 1
