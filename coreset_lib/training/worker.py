"""Training one run directory from start to end: what the detached process does."""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coreset_lib.atomic import write_array, write_json
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError, DamagedRunError, DatasetError
from coreset_lib.features import make_map
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter, claim, reconcile
from coreset_lib.training.checkpoints import Checkpoint
from coreset_lib.training.device import ResidentSplit, device_title, resolve_device
from coreset_lib.training.epoch_writer import EpochWriter, keep_metrics
from coreset_lib.training.failures import EXPECTED, check_finite, explain
from coreset_lib.training.loop import EpochMetrics, Trainer, TrainingStopped, embed
from coreset_lib.training.networks import Surrogate, build_network
from coreset_lib.training.recorder import DynamicsRecorder, PlaneFiles
from coreset_lib.training.reserve import space_in_reserve
from coreset_lib.training.stopping import Stop
from coreset_lib.training.vog import GradientVarianceRecorder

log = logging.getLogger(__name__)
LOG_FORMAT = "%(asctime)s %(message)s"
OnEpoch = Callable[[EpochMetrics], None]


def train_run(
    paths: RunPaths,
    *,
    dataset: LabeledImages | None = None,
    on_epoch: OnEpoch = lambda _: None,
    stop: threading.Event | None = None,
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
        try:
            with StatusWriter(paths, status) as writer:
                return _train_to_the_end(paths, config, dataset, writer, on_epoch, stop)
        except EXPECTED as error:
            if isinstance(error, CoresetError):
                raise
            log.exception("Training failed")
            raise CoresetError(explain(error, config)) from error


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


def _train_to_the_end(
    paths: RunPaths,
    config: TrainingConfig,
    dataset: LabeledImages | None,
    writer: StatusWriter,
    on_epoch: OnEpoch,
    stop: threading.Event,
) -> Status:
    """Train, and say in the status how it ended."""
    try:
        with space_in_reserve(paths):
            _train(paths, config, dataset, writer, on_epoch, stop)
        writer.update(state="finished", step="", eta_seconds=0.0)
    except TrainingStopped:
        state, step = (stop.state, stop.step) if isinstance(stop, Stop) else ("stopped", "")
        writer.update(state=state, step=step, eta_seconds=None)
        paths.stop_request.unlink(missing_ok=True)
    except EXPECTED as error:
        # On a full disk the status cannot be told either; the reason must not be lost to that.
        with contextlib.suppress(OSError):
            writer.update(state="failed", step="", eta_seconds=None, error=explain(error, config))
        raise
    return writer.status


def _train(
    paths: RunPaths,
    config: TrainingConfig,
    dataset: LabeledImages | None,
    writer: StatusWriter,
    on_epoch: OnEpoch,
    stop: threading.Event,
) -> None:
    """Load, train, embed, map."""
    device = resolve_device(config.device)
    _note_device(paths, writer, device_title(device))
    _prefer_repeatable_kernels()
    dataset = _load(paths, config) if dataset is None else dataset
    trainer, start = _prepare(paths, config, dataset, device)
    trainer.on_batch = _batch_hook(writer, stop)
    _train_epochs(paths, trainer, start, dataset, writer, on_epoch)
    writer.update(step="embedding", epoch_progress=0.0)
    embedding = embed(trainer.network, trainer.train).numpy().astype(np.float32)
    write_array(paths.val_embedding, embed(trainer.network, trainer.val).numpy())
    write_array(paths.val_labels, np.asarray(dataset.val.labels, dtype=np.int64))
    if dataset.val.multi_hot is not None:
        write_array(paths.val_multi_hot, dataset.val.multi_hot)
    write_array(paths.embedding, embedding)
    if stop.is_set():
        raise TrainingStopped
    writer.update(step="map")
    note = make_map(paths, embedding, seed=config.seed)
    if note:
        log.warning(note)
        writer.update(notes=(*writer.status.notes, note))


def _prepare(
    paths: RunPaths, config: TrainingConfig, dataset: LabeledImages, device: torch.device
) -> tuple[Trainer, int]:
    """Build the trainer, restored from the checkpoint if there is one."""
    planes = tuple(_manifest(paths)["planes"])
    network = build_network(
        config.model,
        n_classes=dataset.n_outputs,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    train = ResidentSplit.place(dataset.train, device)
    recorder = _recorder(network, train.labels, planes)
    val = ResidentSplit.place(dataset.val, device)
    trainer = Trainer.prepare(network, config, train, val, recorder=recorder)
    checkpoint = Checkpoint.load(paths)
    if checkpoint is None:
        return trainer, 0
    checkpoint.restore(trainer, paths)
    return trainer, checkpoint.epoch


def _recorder(network: Surrogate, labels: Tensor, planes: tuple[str, ...]) -> DynamicsRecorder:
    """Return a recorder of the run's planes."""
    n_classes, keep = network.head.out_features, "probabilities" in planes
    if "vog" in planes:
        return GradientVarianceRecorder(network, labels, n_classes, keep_probabilities=keep)
    return DynamicsRecorder(labels, n_classes, keep_probabilities=keep)


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
        tuple(_manifest(paths)["planes"]),
        n_epochs=trainer.config.epochs,
        n_samples=len(dataset.train),
        n_classes=dataset.n_outputs,
        is_multi_label=dataset.is_multi_label,
        n_written=start,
    )
    assert trainer.recorder is not None
    epochs = EpochWriter(paths, files, writer)
    try:
        for metrics in trainer.epochs(start=start):
            check_finite(metrics, trainer.config)
            epochs.write(trainer, metrics, trainer.recorder.finish_epoch())
            _log_epoch(metrics)
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


def _batch_hook(writer: StatusWriter, stop: threading.Event) -> Callable[[float], None]:
    """Note progress after each batch and end the training when asked to."""

    def on_batch(progress: float) -> None:
        writer.note_progress(epoch_progress=progress)
        if stop.is_set():
            raise TrainingStopped

    return on_batch


def _load(paths: RunPaths, config: TrainingConfig) -> LabeledImages:
    """Load the run's dataset and make sure that it is still the same."""
    dataset = load_configured(config, cache=paths.cache)
    expected = _manifest(paths)["dataset"]["fingerprint"]
    found = dataset.fingerprint()
    if found != expected:
        raise DatasetError(
            f"dataset {config.dataset} must be the one the run was started with (fingerprint "
            f"{expected[:12]}), got {found[:12]}. Restore the file or start a new run."
        )
    return dataset


def _open(paths: RunPaths) -> tuple[TrainingConfig, Status]:
    """Return the run's options and its status in the name of this process.

    Complete epochs stay visible while a run is being resumed.
    """
    try:
        config = TrainingConfig(**_manifest(paths)["config"])
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
    write_json(paths.manifest, _manifest(paths) | {"device": title})


def _manifest(paths: RunPaths) -> dict[str, Any]:
    """Read the manifest as plain JSON: a bare GPU node has no pydantic."""
    return json.loads(paths.manifest.read_text())


def _prefer_repeatable_kernels() -> None:
    """Ask for the same numbers from the same seed on the same device."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
