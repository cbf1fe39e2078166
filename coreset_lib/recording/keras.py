"""Recording a training of Keras 3 on the torch backend: one more callback.

Keras tells callbacks neither the samples of a batch nor the outputs. The targets that
``RecordDynamics.targets`` makes carry the position of each sample beside its label::

    recorder = RecordDynamics("my CNN", model=model, labels=y, outputs="logits")
    model.fit(x, recorder.targets(y), epochs=20, callbacks=[recorder])
"""

from typing import Any

import keras
import numpy as np
import torch

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError
from coreset_lib.recording.callbacks import CallbackRecorder, numbers_among
from coreset_lib.recording.figures import OWN
from coreset_lib.recording.given import read_labels

OUTPUTS = ("logits", "probabilities")
LABEL, INDEX = "coreset_lens_label", "coreset_lens_index"
SMALLEST = 1e-30
# What the pages call the figures of Keras.
NAMES = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "sparse_categorical_accuracy": "train_accuracy",
    "val_sparse_categorical_accuracy": "val_accuracy",
}


class RecordDynamics(keras.callbacks.Callback):
    """Records the training dynamics of a Keras training as a run.

    Parameters
    ----------
    title : str
    model : keras.Model
        Compiled; what will be trained.
    outputs : {"logits", "probabilities"}
        What the model returns. Probabilities are those of a softmax over the classes, or with
        any number of labels a sample of a sigmoid for each.
    labels, **options
        As for ``cl.record``: class_names, images, recipe and so on. ``epochs`` is that of
        ``fit``.

    Raises
    ------
    CoresetError
        If Keras does not run on torch, or in the training where something does not fit.
    """

    def __init__(
        self, title: str, *, model: Any, outputs: str, labels: Any, **options: Any
    ) -> None:
        super().__init__()
        check_choice("outputs", outputs, OUTPUTS)
        if keras.backend.backend() != "torch":
            raise CoresetError(
                f"Keras must run on torch to be recorded, got {keras.backend.backend()}. "
                "Set KERAS_BACKEND=torch before keras is imported."
            )
        self._recording = CallbackRecorder(title, {"labels": labels, **options})
        self._is_multi_label = read_labels(labels).ndim == 2
        self._outputs = outputs
        self._listens = False
        self.run_id = ""
        _listen(model, self)

    @staticmethod
    def targets(labels: Any) -> dict[str, Any]:
        """Return the targets for ``fit``: each label with the position of its sample."""
        return {LABEL: np.asarray(labels), INDEX: np.arange(len(labels))}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the run."""
        del logs
        self._recording.begin((self.params or {}).get("epochs"))
        self.run_id = self._recording.run_id

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch."""
        del epoch, logs
        self._recording.open_recorder().start_epoch()
        self._listens = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """End an epoch with the figures of Keras."""
        del epoch
        self._listens = False
        found = {NAMES.get(n, n): value for n, value in numbers_among(logs or {}).items()}
        recorder = self._recording.open_recorder()
        recorder.log(**{name: value for name, value in found.items() if name not in OWN})
        self._guarded(recorder.end_epoch)
        if recorder.is_asked_to_stop and self.model is not None:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the run."""
        del logs
        self._recording.end()

    def hear(self, indices: Any, outputs: Any) -> None:
        """Record what the model returned for a batch."""
        if not self._listens or not isinstance(outputs, torch.Tensor):
            return
        if outputs.device.type == "meta":  # Keras only asks for shapes
            return
        logits = self._as_logits(outputs.detach())
        self._guarded(lambda: self._recording.open_recorder().batch(indices, logits))

    def _as_logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return outputs before their softmax or sigmoid."""
        if self._outputs == "logits":
            return outputs
        p = outputs.double()
        logits = p.clamp_min(SMALLEST).log()
        if self._is_multi_label:
            logits = logits - (1 - p).clamp_min(SMALLEST).log()
        return logits

    def _guarded(self, work: Any) -> None:
        """Do something, and close the run where it fails: Keras tells callbacks of no error."""
        try:
            work()
        except CoresetError as error:
            self._listens = False
            self._recording.end(error)
            raise


def _listen(model: Any, listener: RecordDynamics) -> None:
    """Let the model's loss and metrics see the labels alone, and the listener the samples."""
    compute_loss, compute_metrics = model.compute_loss, model.compute_metrics

    def loss(x: Any = None, y: Any = None, y_pred: Any = None, *rest: Any, **more: Any) -> Any:
        if _is_ours(y):
            listener.hear(y[INDEX], y_pred)
            y = y[LABEL]
        return compute_loss(x, y, y_pred, *rest, **more)

    def metrics(x: Any, y: Any, y_pred: Any, *rest: Any, **more: Any) -> Any:
        return compute_metrics(x, y[LABEL] if _is_ours(y) else y, y_pred, *rest, **more)

    model.compute_loss, model.compute_metrics = loss, metrics


def _is_ours(targets: Any) -> bool:
    """Whether targets carry positions."""
    return isinstance(targets, dict) and INDEX in targets
