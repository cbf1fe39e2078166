"""TensorBoard's event files of a run, for those who watch their trainings there."""

import logging
from dataclasses import asdict
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.tensorboard import check_tensorboard
from coreset_lib.training.loop import EpochMetrics

# Figures of an epoch as TensorBoard groups them: a chart per word before the slash.
TITLES = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "val_auc": "auc/validation",
    "learning_rate": "learning rate",
    "samples_per_second": "samples per second",
}
log = logging.getLogger(__name__)


class EventFiles:
    """Writes the figures of epochs as event files, if they were asked for; a context manager.

    Parameters
    ----------
    paths : RunPaths
    start : int
        Complete epochs; later ones of a former training are struck out.
    """

    def __init__(self, paths: RunPaths, start: int) -> None:
        self._writer = _open_writer(paths, start) if paths.tensorboard.is_dir() else None

    def __enter__(self) -> "EventFiles":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, metrics: EpochMetrics) -> None:
        """Write one epoch."""
        if self._writer is None:
            return
        for name, value in asdict(metrics).items():
            if name in TITLES and value is not None:
                self._writer.add_scalar(TITLES[name], value, metrics.epoch)
        self._writer.flush()


def _open_writer(paths: RunPaths, start: int) -> Any:
    """Open the writer; None, with a line in the log, where the package is missing."""
    try:
        check_tensorboard()
    except CoresetError as error:
        log.warning("%s", error)
        return None
    from torch.utils.tensorboard.writer import SummaryWriter

    return SummaryWriter(str(paths.tensorboard), purge_step=start + 1)
