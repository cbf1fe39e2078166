"""Recorded epochs on their way to disk, in a thread, so that somebody's loop need not wait."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.recording.batches import Rows
from coreset_lib.recording.recorder import PlaneFiles
from coreset_lib.runs.metrics import append_metrics
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import StatusWriter


class EpochFiles:
    """Writes planes, figures, and then the status that makes an epoch visible."""

    def __init__(self, paths: RunPaths, planes: PlaneFiles, status: StatusWriter) -> None:
        self._paths = paths
        self._planes = planes
        self._status = status
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="epoch-files")
        self._under_way: Future[None] | None = None

    def write(self, figures: Mapping[str, Any], rows: Rows, *, eta_seconds: float) -> None:
        """Hand over one epoch; waits for the one before.

        Raises
        ------
        CoresetError
            If the epoch before could not be written.
        """
        self.wait()
        self._under_way = self._pool.submit(self._write, dict(figures), rows, eta_seconds)

    def wait(self) -> None:
        """Wait until everything handed over is on disk; raises as :meth:`write`."""
        under_way, self._under_way = self._under_way, None
        if under_way is None:
            return
        try:
            under_way.result()
        except OSError as error:
            raise CoresetError(
                f"run {self._paths.root.name} cannot be written: {error.strerror or error}. "
                "Free some space; the epochs before are kept."
            ) from None

    def close(self) -> None:
        """End the thread; what was handed over is written first."""
        self._pool.shutdown()

    def _write(self, figures: dict[str, Any], rows: Rows, eta_seconds: float) -> None:
        """Write one epoch in the order that keeps the run readable."""
        self._planes.write_epoch(figures["epoch"] - 1, rows)
        append_metrics(self._paths, figures)
        self._status.update(epoch=figures["epoch"], eta_seconds=eta_seconds, step="training")
