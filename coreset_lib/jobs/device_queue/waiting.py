"""Training a run in this process once its device is free; loads PyTorch only then."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from coreset_lib.jobs.device_queue.devices import busy_note, queue_names
from coreset_lib.jobs.device_queue.queue import hold_device
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import plain_config, plain_status
from coreset_lib.runs.status import StatusWriter, claim

if TYPE_CHECKING:
    from coreset_lib.datasets.labeled_images import LabeledImages
    from coreset_lib.training.loop import EpochMetrics

log = logging.getLogger(__name__)


def train_in_turn(
    paths: RunPaths,
    *,
    stop: threading.Event,
    dataset: "LabeledImages | None" = None,
    on_epoch: "Callable[[EpochMetrics], None]" = lambda _: None,
    on_wait: Callable[[list[str]], None] = lambda _: None,
) -> Status:
    """Wait until the run's device is free, then train the run here.

    Parameters
    ----------
    paths : RunPaths
        A queued run.
    stop : threading.Event
        Set it to give up waiting or to stop training.
    dataset, on_epoch
        See :func:`coreset_lib.training.running.worker.train_run`.
    on_wait : callable
        Told of the runs ahead whenever they change; an empty list while one trains.

    Returns
    -------
    Status
        finished or stopped.

    Raises
    ------
    CoresetError
        If another process trains the run, or training failed.
    """
    with training_lock(paths), contextlib.ExitStack() as held:
        status = claim(replace(plain_status(paths), state="queued", step="waiting"), os.getpid())
        devices = queue_names(plain_config(paths).device, status.processes)
        with StatusWriter(paths, status) as writer:
            for device in devices:
                note_wait = _note_wait(writer, device, on_wait)
                if not held.enter_context(hold_device(paths, device, stop=stop, on_wait=note_wait)):
                    writer.update(state="stopped", step="")
                    paths.stop_request.unlink(missing_ok=True)
                    return writer.status
        for note in filter(None, map(busy_note, devices)):
            log.warning(note)
        return train_with_ranks(
            paths, status.processes, dataset=dataset, on_epoch=on_epoch, stop=stop
        )


def train_with_ranks(
    paths: RunPaths,
    n_processes: int,
    *,
    stop: threading.Event,
    dataset: "LabeledImages | None" = None,
    on_epoch: "Callable[[EpochMetrics], None]" = lambda _: None,
) -> Status:
    """Train the run with this process and ``n_processes`` - 1 more that it starts."""
    from coreset_lib.training.processes.launch import launched_ranks
    from coreset_lib.training.running.worker import train_run

    with launched_ranks(paths, n_processes) as ranks:
        return train_run(paths, dataset=dataset, on_epoch=on_epoch, stop=stop, ranks=ranks)


def _note_wait(
    writer: StatusWriter, device: str, on_wait: Callable[[list[str]], None]
) -> Callable[[list[str]], None]:
    """Return what tells of the runs ahead on a device."""

    def note(ahead: list[str]) -> None:
        step = f"waiting for {device}" + (f", {len(ahead)} ahead" if ahead else "")
        with contextlib.suppress(OSError):
            writer.update(step=step)
        on_wait(ahead)

    return note
