"""Weights and optimiser state on disk, whole or absent, loaded without running code."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from coreset_lib.atomic import replacing
from coreset_lib.errors import DamagedRunError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.loop import Trainer
from coreset_lib.training.networks.registry import Surrogate

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
        _write(paths.checkpoint, vars(self.on_cpu()))

    def keep_weights(self, paths: RunPaths) -> None:
        """Keep the weights, without the optimiser, under the number of the epoch."""
        state = {"epoch": self.epoch, "network": _copied(self.network, "cpu")}
        _write(paths.kept_weights(self.epoch), state)

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


def load_kept_weights(paths: RunPaths, epoch: int, network: Surrogate) -> None:
    """Put the weights kept of an epoch into a network of the run's configuration.

    Raises
    ------
    DamagedRunError
        If the file cannot be read or holds another network or epoch.
    """
    path = paths.kept_weights(epoch)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if (state["schema_version"], state["epoch"]) != (SCHEMA_VERSION, epoch):
            raise ValueError(state["epoch"])
        network.load_state_dict(state["network"])
    except (*UNREADABLE, OSError, EOFError, pickle.UnpicklingError) as error:
        raise DamagedRunError(
            f"run {paths.root.name} is damaged: {path.name} cannot be used "
            f"({type(error).__name__}). Delete it to go without that epoch."
        ) from None


def _write(path: Path, state: dict[str, Any]) -> None:
    """Replace a file of weights."""
    # By way of memory: on a full disk torch.save tells of its own format, not of the disk.
    content = io.BytesIO()
    torch.save({"schema_version": SCHEMA_VERSION, **state}, content)
    with replacing(path) as file:
        file.write(content.getbuffer())


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
