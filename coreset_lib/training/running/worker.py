"""Training one run directory from start to end: what the detached process does."""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import torch

from coreset_lib.atomic import write_json
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.features import make_map
from coreset_lib.recording.recorder import PlaneFiles
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter, claim, reconcile
from coreset_lib.training.device import device_title
from coreset_lib.training.loop import EpochMetrics, Trainer, TrainingStopped
from coreset_lib.training.precision import (
    precision_note,
    prefer_repeatable_kernels,
    tiny_numbers_as_zero,
)
from coreset_lib.training.processes.distributed import (
    agreed_stop,
    batch_hook,
    connected,
    device_of,
    settle,
)
from coreset_lib.training.processes.ranks import ALONE, Ranks, check_shares
from coreset_lib.training.running.disk_reserve import reserved_disk_space
from coreset_lib.training.running.embeddings import write_embeddings
from coreset_lib.training.running.epoch_writer import EpochWriter, keep_metrics
from coreset_lib.training.running.event_files import EventFiles
from coreset_lib.training.running.failures import EXPECTED, check_finite, explain, partner_reason
from coreset_lib.training.running.setup import (
    load_run_dataset,
    prepare_trainer,
    read_manifest,
)
from coreset_lib.training.running.stopping import Stop

log = logging.getLogger(__name__)
LOG_FORMAT = "%(asctime)s %(message)s"
OnEpoch = Callable[[EpochMetrics], None]


def train_run(
    paths: RunPaths,
    *,
    dataset: LabeledImages | None = None,
    on_epoch: OnEpoch = lambda _: None,
    stop: threading.Event | None = None,
    ranks: Ranks = ALONE,
) -> Status:
    """Train the run, make its embedding and map, and leave its status true throughout.

    Goes on from the last checkpoint if there is one.

    Parameters
    ----------
    paths : RunPaths
        A directory made by :func:`coreset_lib.runs.create.create_run`.
    dataset : LabeledImages, optional
        The run's dataset, where it is loaded already.
    on_epoch : callable
        Told of every epoch.
    stop : threading.Event, optional
        Set it to stop the run after the batch under way.
    ranks : Ranks
        The processes that train it; this one leads. The others call :func:`train_other_rank`.

    Returns
    -------
    Status
        finished or stopped.

    Raises
    ------
    CoresetError
        If the run is finished or trained by another process; its status is left alone then.
        If the dataset or device cannot be had; the status is ``failed`` with the reason.
    """
    stop = stop or threading.Event()
    with training_lock(paths):
        config, status = _open(paths)
        status = replace(status, processes=ranks.world_size)
        try:
            with StatusWriter(paths, status) as writer:
                job = _Job(paths, config, writer, stop, ranks)
                return _train_to_the_end(job, dataset, on_epoch)
        except EXPECTED as error:
            if isinstance(error, CoresetError):
                raise
            log.exception("Training failed")
            raise CoresetError(_reason(paths, config, error, ranks)) from error


@contextlib.contextmanager
def logging_to(paths: RunPaths) -> Generator[None]:
    """Send what the library logs to the run's log, for a training in this process."""
    logger = logging.getLogger("coreset_lib")
    handler, level = logging.FileHandler(paths.log), logger.level
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


@dataclass(frozen=True, eq=False)
class _Job:
    """A run under training, as the process that leads sees it."""

    paths: RunPaths
    config: TrainingConfig
    writer: StatusWriter
    stop: threading.Event
    ranks: Ranks


def _train_to_the_end(job: _Job, dataset: LabeledImages | None, on_epoch: OnEpoch) -> Status:
    """Train, and say in the status how it ended."""
    paths, config, writer, stop = job.paths, job.config, job.writer, job.stop
    paths.partner_error.unlink(missing_ok=True)
    try:
        with reserved_disk_space(paths):
            _train(job, dataset, on_epoch)
        writer.update(state="finished", step="", eta_seconds=0.0)
    except TrainingStopped:
        state, step = (stop.state, stop.step) if isinstance(stop, Stop) else ("stopped", "")
        writer.update(state=state, step=step, eta_seconds=None)
        paths.stop_request.unlink(missing_ok=True)
    except EXPECTED as error:
        # On a full disk the status cannot be told either; the reason must not be lost to that.
        with contextlib.suppress(OSError):
            reason = _reason(paths, config, error, job.ranks)
            writer.update(state="failed", step="", eta_seconds=None, error=reason)
        raise
    return writer.status


def _reason(paths: RunPaths, config: TrainingConfig, error: BaseException, ranks: Ranks) -> str:
    """Say what ended the training; of a lost connection, what ended the process behind it."""
    is_own = isinstance(error, CoresetError | OSError | MemoryError | torch.OutOfMemoryError)
    if ranks.world_size == 1 or is_own:
        return explain(error, config)
    return partner_reason(paths, ranks.world_size)


@tiny_numbers_as_zero()
def _train(job: _Job, dataset: LabeledImages | None, on_epoch: OnEpoch) -> None:
    """Load, train, embed, map."""
    paths, config, writer, stop = job.paths, job.config, job.writer, job.stop
    device = device_of(config.device, job.ranks)
    shares = f"{job.ranks.world_size} × " if job.ranks.world_size > 1 else ""
    _note_device(paths, writer, shares + device_title(device))
    prefer_repeatable_kernels()
    dataset = load_run_dataset(paths, config) if dataset is None else dataset
    check_shares(config, len(dataset.train), job.ranks.world_size)
    with connected(job.ranks, device) as group:
        trainer, start = prepare_trainer(paths, config, dataset, device, group)
        agreed = agreed_stop(stop, group)
        trainer.on_batch = batch_hook(_note_progress(writer), agreed)
        _add_note(writer, precision_note(trainer.config.precision, device))
        _train_epochs(paths, trainer, start, dataset, writer, on_epoch)
        settle(agreed)
    writer.update(step="embedding", epoch_progress=0.0)
    embedding = write_embeddings(paths, trainer, dataset)
    if stop.is_set():
        raise TrainingStopped
    writer.update(step="map")
    _add_note(writer, make_map(paths, embedding, seed=config.seed))


def _add_note(writer: StatusWriter, note: str | None) -> None:
    """Log what people had better know of the run, and add it to the status."""
    if note:
        log.warning(note)
        writer.update(notes=(*writer.status.notes, note))


def _train_epochs(
    paths: RunPaths,
    trainer: Trainer,
    start: int,
    dataset: LabeledImages,
    writer: StatusWriter,
    on_epoch: OnEpoch,
) -> None:
    """Train the remaining epochs and bring each to disk."""
    # First of all: from here on, no epoch that will be written again may be shown.
    writer.update(step="training", epoch=start)
    keep_metrics(paths, start)
    files = PlaneFiles(
        paths,
        tuple(read_manifest(paths)["planes"]),
        n_epochs=trainer.config.epochs,
        n_samples=len(dataset.train),
        n_classes=dataset.n_outputs,
        is_multi_label=dataset.is_multi_label,
        n_written=start,
    )
    assert trainer.recorder is not None
    epochs = EpochWriter(paths, files, writer)
    try:
        with EventFiles(paths, start) as events:
            for metrics in trainer.epochs(start=start):
                check_finite(metrics, trainer.config)
                epochs.write(trainer, metrics, trainer.recorder.finish_epoch())
                _log_epoch(metrics)
                events.write(metrics)
                on_epoch(metrics)
    finally:
        epochs.close()


def _log_epoch(metrics: EpochMetrics) -> None:
    """Log one line per epoch."""
    log.info(
        "epoch %d: train loss %.4f accuracy %.4f, val loss %.4f accuracy %.4f, %.0f samples/s",
        metrics.epoch,
        metrics.train_loss,
        metrics.train_accuracy,
        metrics.val_loss,
        metrics.val_accuracy,
        metrics.samples_per_second,
    )


def _note_progress(writer: StatusWriter) -> Callable[[float], None]:
    """Return what notes the progress of an epoch."""
    return lambda progress: writer.note_progress(epoch_progress=progress)


def _open(paths: RunPaths) -> tuple[TrainingConfig, Status]:
    """Return the run's options and its status in the name of this process.

    Complete epochs stay visible while a run is being resumed.
    """
    try:
        config = TrainingConfig.from_dict(read_manifest(paths)["config"])
        before = Status(**json.loads(paths.status.read_text()))
        is_taken = before.state == "running" and reconcile(before).state == "running"
    except CoresetError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedRunError(
            f"run directory {paths.root} cannot be trained: its manifest or status is missing or "
            f"damaged ({type(error).__name__}: {error}). Start a new run."
        ) from None
    if before.state == "finished":
        raise CoresetError(
            f"run {paths.root.name} must be unfinished to be trained, got a finished one. "
            "Start a new run for more epochs."
        )
    if is_taken:
        raise CoresetError(
            f"run {paths.root.name} is being trained already by process {before.pid} on "
            f"{before.host}. Stop it first."
        )
    status = Status(state="running", epoch=before.epoch, epochs=config.epochs, step="loading data")
    return config, claim(status, os.getpid())


def _note_device(paths: RunPaths, writer: StatusWriter, title: str) -> None:
    """Write the device into status and manifest: only now it is known."""
    writer.update(device=title)
    write_json(paths.manifest, read_manifest(paths) | {"device": title})
