"""Recording somebody's own training loop into a run: ``with record(...) as recorder``."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from coreset_lib.atomic import write_array, write_json
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.recording.batches import EpochBatches, Rows
from coreset_lib.recording.embedding import EarlyProbabilities, checked_features, embed_all
from coreset_lib.recording.epoch_files import EpochFiles
from coreset_lib.recording.figures import checked_figures, epoch_figures
from coreset_lib.recording.mapping import map_run, start_map
from coreset_lib.recording.recorder import PlaneFiles
from coreset_lib.runs.create import planes_to_record
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter, claim

EMBEDDING_SCHEMA = 1


class Recorder:
    """Writes what your training loop tells it as a run; iterating it counts the epochs.

    ``for epoch in recorder`` gives 1, 2, ... up to the number of epochs. An exception inside
    the ``with`` block leaves a run that reads ``failed`` (``stopped`` for Ctrl-C), with its
    complete epochs.
    """

    def __init__(
        self,
        create: Callable[[Status], RunPaths],
        dataset: LabeledImages,
        *,
        epochs: int,
        images: Any,
        val_images: Any,
        umap: str,
    ) -> None:
        train = dataset.train
        self._create = create
        self._dataset = dataset
        self._epochs = epochs
        self._images = images
        self._val_images = val_images
        self._umap = umap
        self._planes = planes_to_record(epochs, dataset)
        targets = train.labels if train.multi_hot is None else train.multi_hot
        self._batches = EpochBatches(targets, dataset.n_outputs)
        self._early = EarlyProbabilities()
        self._figures: dict[str, float] = {}
        self._epoch = 0
        self._began = 0.0
        self._is_open = False
        self._is_stopped = False
        self._has_embedding = False
        self._paths: RunPaths | None = None

    def __repr__(self) -> str:
        where = "not begun" if self._paths is None else f"run {self.run_id}"
        return f"<Recorder of {len(self._dataset.train)} samples, {self._epochs} epochs, {where}>"

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._opened().root.name

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self._opened().root

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether somebody pressed Stop on the dashboard; iterating then ends after the epoch."""
        return self._opened().stop_request.exists()

    def __enter__(self) -> Self:
        _check_alone()
        first = Status(state="running", epochs=self._epochs, step="training")
        status = claim(first, os.getpid())
        self._paths = self._create(status)
        self._writer = StatusWriter(self._paths, status)
        files = PlaneFiles(
            self._paths,
            self._planes,
            n_epochs=self._epochs,
            n_samples=len(self._dataset.train),
            n_classes=self._dataset.n_outputs,
            is_multi_label=self._dataset.is_multi_label,
        )
        self._files = EpochFiles(self._paths, files, self._writer)
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                self._give_up(error)
        except CoresetError as problem:
            self._writer.update(state="failed", step="", eta_seconds=None, error=str(problem))
            raise
        finally:
            self._files.close()
            self._writer.__exit__(kind, error, trace)
            self._opened().stop_request.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[int]:
        self._opened()
        while self._epoch < self._epochs and not self._is_stopped:
            yield self.start_epoch()
            self.end_epoch()

    @property
    def is_in_epoch(self) -> bool:
        """Whether an epoch has begun and not ended."""
        return self._is_open

    def start_epoch(self) -> int:
        """Begin an epoch and return its number, from 1; iterating does this for you."""
        self._opened()
        if self._epoch >= self._epochs:
            raise CoresetError(
                f"epochs must be the number that you train, got {self._epochs} and one more. "
                "Give cl.record as many as there are."
            )
        self._epoch += 1
        self._is_open = True
        self._figures = {}
        self._batches.start()
        self._began = time.perf_counter()
        return self._epoch

    def batch(self, indices: Any, logits: Any) -> None:
        """Record the logits of a batch; each sample must come once an epoch.

        Parameters
        ----------
        indices : integer array or tensor, shape (batch,)
            Positions of the samples in ``labels``.
        logits : array or tensor, shape (batch, classes) or (batch, labels)
            Before any softmax or sigmoid; on any device. They are copied, not kept.

        Raises
        ------
        CoresetError
            If the shapes do not fit, or a sample is unknown or was there before. What only the
            device knows is checked at the end of the epoch.
        """
        if not self._is_open:
            raise CoresetError(
                "batch must be recorded within an epoch, got one outside. "
                "Train in the loop: for epoch in recorder."
            )
        is_first = self._batches.device is None
        self._batches.add(indices, logits)
        if is_first:
            self._note_device(_device_title(self._batches.device))

    def log(self, **figures: Any) -> None:
        """Keep numbers of this epoch, such as ``val_accuracy=0.9``; none are required.

        The pages draw ``train_loss``, ``val_loss``, ``train_accuracy``, ``val_accuracy`` and
        ``learning_rate`` where they are given.
        """
        if not self._is_open:
            raise CoresetError(
                "figures must be logged within an epoch, got some outside. "
                "Log in the loop: for epoch in recorder."
            )
        self._figures |= checked_figures(figures)

    def end_epoch(self) -> None:
        """End the epoch under way and write it; iterating does this for you.

        Raises
        ------
        CoresetError
            If a sample is missing or there twice, or logits are not finite.
        """
        if not self._is_open:
            return
        rows = self._batches.finish(self._epoch)
        self._is_open = False
        self._write(rows)
        self._is_stopped = self.is_asked_to_stop

    def embed(self, backbone: Any, inputs: Iterable[Any] | None = None) -> None:
        """Give the run the embedding that its map, neighbours and clusters use.

        Parameters
        ----------
        backbone : callable, torch module, or array of shape (samples, features)
            Maps a batch to features, such as the network without its last layer.
        inputs : iterable of (indices, batch, ...), optional
            Batches as in your loop. If not given, the backbone gets the images that you gave
            ``record``: as they were given, or 8-bit ones as float32 from 0 to 1, channels first.

        Raises
        ------
        CoresetError
            If the features are not one finite row per sample.
        """
        paths, n_samples = self._opened(), len(self._dataset.train)
        if not callable(backbone):
            values = backbone.detach().cpu() if isinstance(backbone, torch.Tensor) else backbone
            features = checked_features(values, n_samples)
        elif inputs is None and self._images is None:
            raise CoresetError(
                "embed needs images, got none. Give record images=, or embed the batches of your "
                "loop as its second argument."
            )
        else:
            features = embed_all(backbone, inputs, self._images, n_samples)
            if inputs is None and len(self._dataset.val):
                n_val = len(self._dataset.val)
                write_array(paths.val_embedding, embed_all(backbone, None, self._val_images, n_val))
        self._keep_embedding(features, "given", self._epoch, "the author of the recording gave it")

    def _opened(self) -> RunPaths:
        """Return where the run lies, once it has begun."""
        if self._paths is None:
            raise CoresetError(
                "a recording must be used in a with block: with cl.record(...) as recorder."
            )
        return self._paths

    def _note_device(self, title: str) -> None:
        """Write the device into status and manifest: only now it is known."""
        paths = self._opened()
        self._writer.note_progress(device=title)
        write_json(paths.manifest, json.loads(paths.manifest.read_bytes()) | {"device": title})

    def _write(self, rows: Rows) -> None:
        """Hand the rows of an epoch to the thread that writes."""
        seconds = time.perf_counter() - self._began
        self._early.add(rows["probabilities"])
        figures = epoch_figures(self._epoch, seconds, rows, self._targets()) | self._figures
        kept = {name: rows[name] for name in self._planes}
        left = (self._epochs - self._epoch) * seconds
        self._files.write(figures, kept, eta_seconds=left)

    def _targets(self) -> Any:
        """Return what a correct prediction is, shape (samples,)."""
        return self._dataset.train.targets()

    def _finish(self) -> None:
        """Write the last epoch, the embedding, and that the run has ended well."""
        self.end_epoch()
        self._files.wait()
        n_done = self._writer.status.epoch
        if n_done == 0:
            raise CoresetError(
                "a recording must hold at least one epoch, got none. "
                "Train in the loop: for epoch in recorder."
            )
        if not self._has_embedding:
            why = "mean recorded probabilities, from before labels are memorised"
            self._keep_embedding(self._early.mean(), "early", self._early.n_epochs, why)
        if self._umap == "now":
            self._writer.update(step="map")
            map_run(self._opened())
        status = self._writer.status
        state = "stopped" if self._is_stopped and n_done < self._epochs else "finished"
        epochs = n_done if state == "finished" else status.epochs
        self._writer.update(state=state, epochs=epochs, step="", eta_seconds=0.0)
        if self._umap == "background":
            start_map(self._opened())

    def _give_up(self, error: BaseException) -> None:
        """Keep the complete epochs and say in the status what ended the training."""
        if self._is_open and self._batches.is_whole():
            self.end_epoch()
        self._files.wait()
        is_wish = not isinstance(error, Exception)  # Ctrl-C, sys.exit
        reason = str(error) if isinstance(error, CoresetError) else _in_words(error)
        self._writer.update(
            state="stopped" if is_wish else "failed",
            step="",
            eta_seconds=None,
            error=None if is_wish else reason,
        )

    def _keep_embedding(self, features: Any, kind: str, epoch: int, why: str) -> None:
        """Write the embedding and what it is."""
        paths = self._opened()
        record = {"schema_version": EMBEDDING_SCHEMA, "kind": kind, "epoch": epoch, "why": why}
        write_json(paths.embedding_info, record)
        write_array(paths.embedding, np.asarray(features, dtype=np.float32))
        self._has_embedding = True


def _check_alone() -> None:
    """Raise CoresetError where several processes train together: each would see a part."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    if distributed.get_world_size() > 1:
        raise CoresetError(
            f"a training must be by one process to be recorded, got "
            f"{distributed.get_world_size()}. Train on one device."
        )


def _in_words(error: BaseException) -> str:
    """Say what ended a training that is not ours."""
    return f"The training ended with {type(error).__name__}: {error}"[:500]


def _device_title(device: torch.device | None) -> str:
    """Name where the logits are."""
    if device is None or device.type != "cuda":
        return "" if device is None else device.type
    return f"{device} ({torch.cuda.get_device_name(device)})"
