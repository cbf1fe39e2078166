"""Training a run in this process once its device is free; loads PyTorch only then."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from coreset_lib.jobs.devices import busy_note, queue_name
from coreset_lib.jobs.turns import my_turn
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
        See :func:`coreset_lib.training.worker.train_run`.
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
    with training_lock(paths), contextlib.ExitStack() as turn:
        status = claim(replace(plain_status(paths), state="queued", step="waiting"), os.getpid())
        device = queue_name(plain_config(paths).device)
        with StatusWriter(paths, status) as writer:

            def note_wait(ahead: list[str]) -> None:
                step = f"waiting for {device}" + (f", {len(ahead)} ahead" if ahead else "")
                with contextlib.suppress(OSError):
                    writer.update(step=step)
                on_wait(ahead)

            has_turn = turn.enter_context(my_turn(paths, device, stop=stop, on_wait=note_wait))
            if not has_turn:
                writer.update(state="stopped", step="")
                paths.stop_request.unlink(missing_ok=True)
                return writer.status
        return _train(paths, device, stop, dataset, on_epoch)


def _train(
    paths: RunPaths,
    device: str,
    stop: threading.Event,
    dataset: "LabeledImages | None",
    on_epoch: "Callable[[EpochMetrics], None]",
) -> Status:
    """Train now that the device is ours."""
    note = busy_note(device)
    if note:
        log.warning(note)
    from coreset_lib.training.worker import train_run

    return train_run(paths, dataset=dataset, on_epoch=on_epoch, stop=stop)
