"""Training one run directory from start to end: what the detached process does."""

import errno
import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from coreset_lib.atomic import write_array
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError, DatasetError
from coreset_lib.features import make_map
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter, claim
from coreset_lib.training.checkpoints import Checkpoint
from coreset_lib.training.device import ResidentSplit, device_title, resolve_device
from coreset_lib.training.epoch_writer import EpochWriter, keep_metrics
from coreset_lib.training.loop import EpochMetrics, Trainer, TrainingStopped, embed
from coreset_lib.training.networks import build_network
from coreset_lib.training.recorder import DynamicsRecorder, PlaneFiles

log = logging.getLogger(__name__)
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
        If the dataset or device cannot be had; the status is ``failed`` with the reason.
    """
    stop = stop or threading.Event()
    config = TrainingConfig(**_manifest(paths)["config"])
    status = claim(Status(state="running", epochs=config.epochs, step="loading data"), os.getpid())
    with StatusWriter(paths, _with_recorded_epochs(paths, status)) as writer:
        try:
            _train(paths, config, dataset, writer, on_epoch, stop)
            writer.update(state="finished", step="", eta_seconds=0.0)
        except TrainingStopped:
            writer.update(state="stopped", step="", eta_seconds=None)
        except (CoresetError, OSError, RuntimeError, MemoryError) as error:
            log.exception("Training failed")
            writer.update(state="failed", eta_seconds=None, error=explain(error, config))
            raise
        return writer.status


def explain(error: BaseException, config: TrainingConfig) -> str:
    """Say in one or two sentences what ended a training and what to do."""
    if isinstance(error, CoresetError):
        return str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        smaller = max(config.batch_size // 2, 2)
        return (
            f"The memory of the device ran out at batch size {config.batch_size}. "
            f"Try --batch-size {smaller}, or another device."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full. Free some space; the epochs recorded so far are kept."
    return f"Training ended unexpectedly ({type(error).__name__}: {error}). See the log."


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
    writer.update(device=device_title(device))
    _prefer_repeatable_kernels()
    dataset = _load(paths, config) if dataset is None else dataset
    trainer, start = _prepare(paths, config, dataset, device)
    trainer.on_batch = _batch_hook(paths, writer, stop)
    _train_epochs(paths, trainer, start, dataset, writer, on_epoch)
    writer.update(step="embedding", epoch_progress=0.0)
    embedding = embed(trainer.network, trainer.train).numpy().astype(np.float32)
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
        n_classes=dataset.n_classes,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    train = ResidentSplit.place(dataset.train, device)
    recorder = DynamicsRecorder(
        train.labels, dataset.n_classes, keep_probabilities="probabilities" in planes
    )
    val = ResidentSplit.place(dataset.val, device)
    trainer = Trainer.prepare(network, config, train, val, recorder=recorder)
    checkpoint = Checkpoint.load(paths)
    if checkpoint is None:
        keep_metrics(paths, 0)
        return trainer, 0
    checkpoint.restore(trainer)
    keep_metrics(paths, checkpoint.epoch)
    return trainer, checkpoint.epoch


def _train_epochs(
    paths: RunPaths,
    trainer: Trainer,
    start: int,
    dataset: LabeledImages,
    writer: StatusWriter,
    on_epoch: OnEpoch,
) -> None:
    """Train the remaining epochs and bring each to disk."""
    files = PlaneFiles(
        paths,
        tuple(_manifest(paths)["planes"]),
        n_epochs=trainer.config.epochs,
        n_samples=len(dataset.train),
        n_classes=dataset.n_classes,
    )
    assert trainer.recorder is not None
    writer.update(step="training", epoch=start)
    epochs = EpochWriter(paths, files, writer)
    try:
        for metrics in trainer.epochs(start=start):
            epochs.write(trainer, metrics, trainer.recorder.finish_epoch())
            on_epoch(metrics)
    finally:
        epochs.close()


def _batch_hook(
    paths: RunPaths, writer: StatusWriter, stop: threading.Event
) -> Callable[[float], None]:
    """Note progress after each batch and end the training when asked to."""

    def on_batch(progress: float) -> None:
        writer.note_progress(epoch_progress=progress)
        if stop.is_set():
            raise TrainingStopped

    return on_batch


def _load(paths: RunPaths, config: TrainingConfig) -> LabeledImages:
    """Load the run's dataset and make sure that it is still the same."""
    dataset = load_dataset(config.dataset, data_root=config.data_root, image_size=config.image_size)
    expected = _manifest(paths)["dataset"]["fingerprint"]
    found = dataset.fingerprint()
    if found != expected:
        raise DatasetError(
            f"dataset {config.dataset} must be the one the run was started with (fingerprint "
            f"{expected[:12]}), got {found[:12]}. Restore the file or start a new run."
        )
    return dataset


def _with_recorded_epochs(paths: RunPaths, status: Status) -> Status:
    """Keep the count of complete epochs visible while a run is being resumed."""
    before = json.loads(paths.status.read_text())
    return replace(status, epoch=int(before.get("epoch", 0)))


def _manifest(paths: RunPaths) -> dict[str, Any]:
    """Read the manifest as plain JSON: a bare GPU node has no pydantic."""
    return json.loads(paths.manifest.read_text())


def _prefer_repeatable_kernels() -> None:
    """Ask for the same numbers from the same seed on the same device."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def stop_on_signals(paths: RunPaths) -> threading.Event:
    """Return an event that SIGTERM, SIGINT or a stop request in the directory sets."""
    stop = threading.Event()

    def ask(signum: int, _: object) -> None:
        log.info("Stopping on %s", signal.Signals(signum).name)
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    threading.Thread(target=_watch_stop_file, args=(paths, stop), daemon=True).start()
    return stop


def _watch_stop_file(paths: RunPaths, stop: threading.Event) -> None:
    """Set the event once somebody, perhaps on another host, left a stop request."""
    while not stop.wait(1.0):
        if paths.stop_request.exists():
            stop.set()
