"""Weights and optimiser state on disk, whole or absent, loaded without running code."""

import io
import pickle
from dataclasses import dataclass
from typing import Any

import torch

from coreset_lib.atomic import replacing
from coreset_lib.errors import DamagedRunError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.loop import Trainer

SCHEMA_VERSION = 1
UNREADABLE = (RuntimeError, KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state after ``epoch`` complete epochs, on the CPU or where it was trained."""

    epoch: int
    network: dict[str, Any]
    optimizer: dict[str, Any]

    @classmethod
    def take(cls, trainer: Trainer, epoch: int) -> "Checkpoint":
        """Copy the state where it is, so that training may go on while it is written."""
        network, optimizer = trainer.network.state_dict(), trainer.optimizer.state_dict()
        return cls(epoch, _copied(network), _copied(optimizer))

    def on_cpu(self) -> "Checkpoint":
        """Return the same state on the CPU."""
        return Checkpoint(self.epoch, _copied(self.network, "cpu"), _copied(self.optimizer, "cpu"))

    def save(self, paths: RunPaths) -> None:
        """Replace the run's checkpoint."""
        # By way of memory: on a full disk torch.save tells of its own format, not of the disk.
        content = io.BytesIO()
        torch.save({"schema_version": SCHEMA_VERSION, **vars(self.on_cpu())}, content)
        with replacing(paths.checkpoint) as file:
            file.write(content.getbuffer())

    @classmethod
    def load(cls, paths: RunPaths) -> "Checkpoint | None":
        """Read the run's checkpoint; None if it has none yet.

        Raises
        ------
        DamagedRunError
            If the file cannot be read or has another form.
        """
        if not paths.checkpoint.exists():
            return None
        try:
            state = torch.load(paths.checkpoint, map_location="cpu", weights_only=True)
            return cls(int(state["epoch"]), state["network"], state["optimizer"])
        except (*UNREADABLE, OSError, EOFError, pickle.UnpicklingError) as error:
            raise _damaged(paths, error) from None

    def restore(self, trainer: Trainer, paths: RunPaths) -> None:
        """Put the state into a trainer of the same configuration.

        Raises
        ------
        DamagedRunError
            If it is the state of another network.
        """
        try:
            trainer.network.load_state_dict(self.network)
            trainer.optimizer.load_state_dict(self.optimizer)
        except UNREADABLE as error:
            raise _damaged(paths, error) from None


def _damaged(paths: RunPaths, error: Exception) -> DamagedRunError:
    """Build the error for a checkpoint that cannot be used."""
    return DamagedRunError(
        f"run {paths.root.name} is damaged: its checkpoint cannot be used "
        f"({type(error).__name__}). Delete {paths.checkpoint.name} to train from the start."
    )


def _copied(value: Any, device: str | None = None) -> Any:
    """Copy every tensor of a nested state, to a device or where it is."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return value.clone() if device is None else value.to(device)
    if isinstance(value, dict):
        return {key: _copied(part, device) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(part, device) for part in value)
    return value
