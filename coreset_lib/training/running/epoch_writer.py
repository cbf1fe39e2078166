"""Bringing complete epochs to disk in a thread, so that training does not wait for the disk.

Order within an epoch: planes, metrics, kept weights, checkpoint, and only then the status that
makes the epoch visible. A kill in between leaves the epoch before.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from coreset_lib.atomic import write_bytes
from coreset_lib.recording.recorder import PlaneFiles
from coreset_lib.runs.metrics import append_metrics
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import StatusWriter
from coreset_lib.training.loop import EpochMetrics, Trainer
from coreset_lib.training.running.checkpoints import Checkpoint

CHECKPOINT_SHARE = 0.02


class EpochWriter:
    """Writes what an epoch produced; at most one epoch is under way.

    A checkpoint is written at the last epoch, when the training is given up, and otherwise
    as often as keeps its cost below two percent of the training time.
    """

    def __init__(self, paths: RunPaths, planes: PlaneFiles, status: StatusWriter) -> None:
        self._paths = paths
        self._planes = planes
        self._status = status
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="epoch-writer")
        self._under_way: Future[None] | None = None
        self._unsaved: Checkpoint | None = None
        self._checkpoint_cost = 0.0
        self._checkpoint_time = time.monotonic()

    def write(
        self, trainer: Trainer, metrics: EpochMetrics, rows: Mapping[str, NDArray[Any]]
    ) -> None:
        """Hand over one epoch; waits for the one before and raises what went wrong there."""
        self.wait()
        is_last = metrics.epoch == trainer.config.epochs
        checkpoint = Checkpoint.take(trainer, metrics.epoch)
        kept = checkpoint if metrics.epoch in trainer.config.kept_epochs else None
        self._unsaved = checkpoint
        if not (is_last or self._is_checkpoint_due()):
            checkpoint = None
        left = (trainer.config.epochs - metrics.epoch) * metrics.seconds
        self._under_way = self._pool.submit(self._write, metrics, rows, kept, checkpoint, left)

    def wait(self) -> None:
        """Wait until everything handed over is on disk."""
        if self._under_way is not None:
            self._under_way.result()
            self._under_way = None

    def close(self) -> None:
        """Save what is not saved yet, so that only the epoch under way is lost, and end."""
        try:
            self.wait()
            if self._unsaved is not None:
                self._unsaved.save(self._paths)
        finally:
            self._pool.shutdown()

    def _is_checkpoint_due(self) -> bool:
        """Whether writing a checkpoint again keeps within its share of the time."""
        since = time.monotonic() - self._checkpoint_time
        return self._checkpoint_cost <= CHECKPOINT_SHARE * since

    def _write(
        self,
        metrics: EpochMetrics,
        rows: Mapping[str, NDArray[Any]],
        kept: Checkpoint | None,
        checkpoint: Checkpoint | None,
        eta_seconds: float,
    ) -> None:
        """Write one epoch in the order that keeps the run readable."""
        self._planes.write_epoch(metrics.epoch - 1, rows)
        known = {name: value for name, value in asdict(metrics).items() if value is not None}
        append_metrics(self._paths, known)
        if kept is not None:
            # Before the checkpoint: a resumption goes on after it and would not write them again.
            kept.keep_weights(self._paths)
            self._paths.vog_pixel.unlink(missing_ok=True)  # made of fewer or former weights
        if checkpoint is not None:
            began = time.monotonic()
            checkpoint.save(self._paths)
            self._unsaved = None
            self._checkpoint_time = time.monotonic()
            self._checkpoint_cost = self._checkpoint_time - began
        self._status.update(epoch=metrics.epoch, eta_seconds=eta_seconds)


def keep_metrics(paths: RunPaths, n_epochs: int) -> None:
    """Drop the metrics of epochs that a resumed run will train again."""
    if paths.metrics.exists():
        lines = paths.metrics.read_text().splitlines(keepends=True)[:n_epochs]
        write_bytes(paths.metrics, "".join(lines).encode())
