"""Variance of gradients of the last layer, computed while a network trains."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recorder import DynamicsRecorder, add_up_rows
from coreset_lib.training.networks.registry import Surrogate

WINDOW = 5
BLOCK_CELLS = 4_000_000
MOST_BYTES = 8 * 2**30


class GradientVarianceRecorder(DynamicsRecorder):
    """Records the plane ``vog`` beside the others.

    Per epoch and sample the gradient of the cross-entropy with respect to the label's row of
    the last layer, weights and bias, is g = (p_y - 1) [h, 1] with embedding h. The plane
    holds, at the last epoch of each sliding window of 5, the mean over the coordinates of g of
    the population standard deviation over the window; NaN before 5 epochs are complete, also
    after a resumption, since gradients are not kept in checkpoints.

    Parameters
    ----------
    network : Surrogate
        The network under training, whose embedding is overheard at its last layer.
    labels, n_classes, keep_probabilities
        As for :class:`DynamicsRecorder`.

    Raises
    ------
    CoresetError
        If the gradients of a window take more than 8 GiB.

    Notes
    -----
    The gradients of 5 epochs stay on the training device in float32: 20 samples (features + 1)
    bytes, 359 MB for 35,000 samples of ResNet-18, 90 MB of the small network.

    References
    ----------
    Khanal et al., Active label refinement for robust training of imbalanced medical image
    classification tasks (2024), variance of gradients.
    """

    def __init__(
        self, network: Surrogate, labels: Tensor, n_classes: int, *, keep_probabilities: bool
    ) -> None:
        shape = (WINDOW, len(labels), network.head.in_features + 1)
        _check_memory(shape)
        self._gradients = torch.empty(shape, device=labels.device)
        self._n_epochs = 0
        self._embedding: Tensor | None = None
        network.head.register_forward_pre_hook(self._overhear)
        super().__init__(labels, n_classes, keep_probabilities=keep_probabilities)

    def start_epoch(self) -> None:
        """Forget the epoch under way: nothing of it is recorded yet."""
        super().start_epoch()
        self._current.fill_(torch.nan)

    @torch.no_grad()
    def record(self, indices: Tensor, logits: Tensor) -> None:
        """Keep logits and gradients of the batch that the network has just seen."""
        super().record(indices, logits)
        assert self._embedding is not None
        assert len(self._embedding) == len(indices)
        p = logits.detach().float().softmax(dim=1)
        # 1 - p_y as the sum of the others keeps its digits where p_y is near 1.
        others = p.scatter(1, self._labels[indices][:, None], 0.0).sum(dim=1, keepdim=True)
        ones = torch.ones_like(others)
        gradient = -others * torch.cat([self._embedding.float(), ones], dim=1)
        self._current.index_copy_(0, indices, gradient)

    @torch.no_grad()
    def finish_epoch(self) -> dict[str, NDArray[Any]]:
        """Return one row of every plane, ``vog`` among them."""
        rows = super().finish_epoch()
        self._n_epochs += 1
        rows["vog"] = self._variance()
        return rows

    def _combine_rows(
        self, is_mine: Tensor, counts: Tensor, add_up: Callable[[Tensor], None]
    ) -> None:
        """Add up logits and gradients of all processes."""
        super()._combine_rows(is_mine, counts, add_up)
        add_up_rows(self._current, is_mine, counts, add_up)

    @property
    def _current(self) -> Tensor:
        """Gradients of the epoch under way, which take the place of the oldest."""
        return self._gradients[self._n_epochs % WINDOW]

    def _overhear(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Note the embedding that enters the last layer."""
        self._embedding = inputs[0].detach()

    def _variance(self) -> NDArray[np.float32]:
        """Mean over coordinates of the deviation over the window, shape (samples,)."""
        n_samples = len(self._labels)
        if self._n_epochs < WINDOW:
            return np.full(n_samples, np.nan, np.float32)
        width = max(BLOCK_CELLS // self._gradients.shape[2], 1)
        blocks = self._gradients.split(width, dim=1)
        parts = [block.std(dim=0, correction=0).mean(dim=1) for block in blocks]
        return torch.cat(parts).cpu().numpy()


def _check_memory(shape: tuple[int, int, int]) -> None:
    """Raise CoresetError if the gradients of a window take too much."""
    n_bytes = 4 * shape[0] * shape[1] * shape[2]
    if n_bytes > MOST_BYTES:
        raise CoresetError(
            f"recording vog keeps the gradients of {WINDOW} epochs and may take at most "
            f"{MOST_BYTES // 2**20} MB, got {n_bytes // 2**20} MB for {shape[1]} samples of "
            f"{shape[2] - 1} features. Choose a smaller network, or train without record_vog."
        )
