"""Co-teaching: two networks that choose the samples which the other one learns from."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.seeds import stream_seed
from coreset_lib.training.augmentation import augment
from coreset_lib.training.loop import Trainer, embed, epoch_batches
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.precision import mixed_precision, tiny_numbers_as_zero
from coreset_lib.training.targets.target import (
    Probabilities,
    ResidentDataset,
    predict_probabilities,
)
from coreset_lib.training.vog import WINDOW, GradientVarianceRecorder

OnEpoch = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class CoTeachingResult:
    """What two networks that taught each other think of the training split.

    Attributes
    ----------
    is_noisy : bool array, shape (samples,)
        The flags: labels taken for wrong, a share of ``noise_rate``.
    loss : float64 array, shape (samples,)
        Cross-entropy (nats) of the given label, mean of both networks over the last five
        epochs, as seen before the updates.
    vog : float64 array, shape (samples,)
        Variance of gradients after the last epoch, mean of both networks; NaN before five.
    train, val, test : float64 arrays, shape (samples, classes)
        Mean of both networks' probabilities after the last epoch.
    embedding : float32 array, shape (samples, features)
        Penultimate layer of the first network, training split.
    pair : float64 array, shape (2, samples, classes)
        Each network's own probabilities, training split.
    """

    is_noisy: NDArray[np.bool_]
    loss: NDArray[np.float64]
    vog: NDArray[np.float64]
    train: Probabilities
    val: Probabilities
    test: Probabilities
    embedding: NDArray[np.float32]
    pair: Probabilities


@tiny_numbers_as_zero()
def co_teach(
    data: ResidentDataset,
    config: TrainingConfig,
    *,
    noise_rate: float,
    ramp_epochs: int = 10,
    vog_share: float = 0.2,
    on_epoch: OnEpoch = lambda _: None,
) -> CoTeachingResult:
    """Train two networks on each other's choice of samples, and judge every label.

    Parameters
    ----------
    data : ResidentDataset
    config : TrainingConfig
        Recipe of both networks; its seed decides their weights and the order of samples.
    noise_rate : float
        Share of labels that are thought to be wrong, in [0, 1).
    ramp_epochs : int
        Epochs over which the share that is left out of a batch grows to ``noise_rate``.
    vog_share : float
        After the ramp, share m of the kept samples that is chosen by smallest VOG among
        those whose loss is not small, in [0, 1].
    on_epoch : callable
        Told of every complete epoch (1-based); may raise to give up.

    Returns
    -------
    CoTeachingResult

    Raises
    ------
    CoresetError
        If the loss overflows, or the gradients take too much memory.

    Notes
    -----
    Both networks see the same batches. In epoch t (1-based) each keeps the share
    1 − R(t), R(t) = noise_rate · min(t / ramp_epochs, 1), of a batch, and the other one is
    updated on it. The flags apply the rule of the last epoch to the whole training split
    at once, on the figures of both networks together. While VOG is not known yet (five
    epochs), all kept samples are chosen by loss.

    References
    ----------
    Han et al., Co-teaching (2018), Algorithm 1; Khanal et al., Active label refinement
    (2024), phase 1.
    """
    peers = [_Peer.prepare(data, config, number) for number in (0, 1)]
    for epoch in range(config.epochs):
        forget_rate = noise_rate * min((epoch + 1) / ramp_epochs, 1.0)
        is_ramp_over = epoch + 1 > ramp_epochs
        _train_epoch(peers, data, config, epoch, forget_rate, vog_share if is_ramp_over else 0.0)
        for peer in peers:
            peer.finish_epoch(epoch)
        on_epoch(epoch + 1)
    return _describe(peers, data, noise_rate, vog_share)


def choose_samples(
    loss: Tensor,
    vog: Tensor | None,
    *,
    forget_rate: float,
    vog_share: float,
    is_vog_known: bool | None = None,
) -> Tensor:
    """Return the rows that are taken for rightly labelled.

    Parameters
    ----------
    loss : float tensor, shape (samples,)
    vog : float tensor, shape (samples,), or None
        Without it, or where one is NaN, all are chosen by loss.
    forget_rate : float
        Share to leave out; ``round((1 - forget_rate) * samples)`` are kept, at least one.
    vog_share : float
        Share m of the kept ones that comes from the rest, smallest VOG first.
    is_vog_known : bool, optional
        Whether every VOG is a number, where the caller knows it: to look makes a GPU wait.

    Returns
    -------
    int64 tensor, shape (kept,)
        By loss first, then by VOG; ties by position.
    """
    n_kept = max(round((1 - forget_rate) * len(loss)), 1)
    if is_vog_known is None:
        is_vog_known = vog is not None and not bool(vog.isnan().any())
    n_by_vog = round(vog_share * n_kept) if is_vog_known else 0
    by_loss = loss.argsort(stable=True)
    kept, rest = by_loss[: n_kept - n_by_vog], by_loss[n_kept - n_by_vog :]
    if not n_by_vog or vog is None:
        return kept
    return torch.cat([kept, rest[vog[rest].argsort(stable=True)[:n_by_vog]]])


@dataclass(eq=False)
class _Peer:
    """One of the two networks, and what it recorded of every sample."""

    trainer: Trainer
    recorder: GradientVarianceRecorder
    losses: Tensor
    vog: Tensor | None = None
    is_vog_known: bool = False

    @classmethod
    def prepare(cls, data: ResidentDataset, config: TrainingConfig, number: int) -> "_Peer":
        """Build the network; the two differ in their first weights alone."""
        seed = config.seed if number == 0 else stream_seed(config.seed, "co-teaching peer", number)
        network = build_network(
            config.model,
            n_classes=data.n_classes,
            n_channels=data.n_channels,
            image_size=data.image_size,
            seed=seed,
        )
        trainer = Trainer.prepare(network, config, data.train, data.val)
        labels = data.train.labels
        recorder = GradientVarianceRecorder(
            network, labels, data.n_classes, keep_probabilities=False
        )
        losses = torch.full((WINDOW, len(labels)), torch.nan, device=labels.device)
        return cls(trainer, recorder, losses)

    def record(self, epoch: int, indices: Tensor, logits: Tensor, loss: Tensor) -> None:
        """Keep what the network said of a batch before its update."""
        self.recorder.record(indices, logits)
        self.losses[epoch % WINDOW, indices] = loss

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Take one step on samples that the other network chose."""
        self.trainer.optimizer.zero_grad(set_to_none=True)
        self.trainer.loss(logits, labels).backward()
        self.trainer.optimizer.step()

    def finish_epoch(self, epoch: int) -> None:
        """Compute the variance of gradients; refuse to go on after an overflow."""
        mean_loss = float(self.losses[epoch % WINDOW].mean())
        if not math.isfinite(mean_loss):
            raise CoresetError(
                f"co-teaching diverged in epoch {epoch + 1}: its loss is {mean_loss}. "
                f"Choose a learning rate below {self.trainer.config.learning_rate:g}."
            )
        vog = self.recorder.finish_epoch()["vog"]
        self.is_vog_known = not np.isnan(vog).any()
        self.vog = torch.from_numpy(vog).to(self.losses.device)


def _train_epoch(
    peers: list[_Peer],
    data: ResidentDataset,
    config: TrainingConfig,
    epoch: int,
    forget_rate: float,
    vog_share: float,
) -> None:
    """Show every sample once to both networks."""
    batches = epoch_batches(
        len(data.train),
        config.batch_size,
        seed=config.seed,
        epoch=epoch,
        device=data.train.labels.device,
    )
    for peer in peers:
        peer.recorder.start_epoch()
        peer.trainer.network.train()
    for number, indices in enumerate(batches):
        images, labels = data.train.batch(indices)
        if config.augmentation != "none":
            seed = stream_seed(config.seed, "shift", epoch, number)
            images = augment(images, config.augmentation, seed)
        progress = (epoch * len(batches) + number) / (config.epochs * len(batches))
        for peer in peers:
            peer.trainer.set_learning_rate(progress)
        _teach(peers, epoch, indices, images, labels, forget_rate, vog_share)


def _teach(
    peers: list[_Peer],
    epoch: int,
    indices: Tensor,
    images: Tensor,
    labels: Tensor,
    forget_rate: float,
    vog_share: float,
) -> None:
    """Let each network choose samples of a batch, and update each on the other's choice."""
    outputs: list[Tensor] = []
    choices: list[Tensor] = []
    for peer in peers:
        with mixed_precision(images.device, peer.trainer.config.precision):
            logits = peer.trainer.network(images)
        loss = functional.cross_entropy(logits.detach(), labels, reduction="none")
        vog = None if peer.vog is None else peer.vog[indices]
        choices.append(
            choose_samples(
                loss,
                vog,
                forget_rate=forget_rate,
                vog_share=vog_share,
                is_vog_known=peer.is_vog_known,
            )
        )
        outputs.append(logits)
        peer.record(epoch, indices, logits, loss)
    for peer, logits, chosen in zip(peers, outputs, reversed(choices), strict=True):
        peer.update(logits[chosen], labels[chosen])


@torch.no_grad()
def _describe(
    peers: list[_Peer], data: ResidentDataset, noise_rate: float, vog_share: float
) -> CoTeachingResult:
    """Judge the whole training split and predict all splits."""
    loss = torch.stack([peer.losses.nanmean(dim=0) for peer in peers]).mean(dim=0).cpu().double()
    vogs = [peer.vog for peer in peers if peer.vog is not None]
    vog = torch.stack(vogs).mean(dim=0).cpu().double()
    kept = choose_samples(loss, vog, forget_rate=noise_rate, vog_share=vog_share)
    is_noisy = np.ones(len(loss), dtype=bool)
    is_noisy[kept.numpy()] = False
    networks = [peer.trainer.network for peer in peers]
    pair, val, test = (
        np.stack([predict_probabilities(network, split) for network in networks])
        for split in (data.train, data.val, data.test)
    )
    return CoTeachingResult(
        is_noisy=is_noisy,
        loss=loss.numpy(),
        vog=vog.numpy(),
        train=pair.mean(axis=0),
        val=val.mean(axis=0),
        test=test.mean(axis=0),
        embedding=embed(networks[0], data.train).numpy(),
        pair=pair,
    )
