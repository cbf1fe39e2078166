"""Recording a training of PyTorch Lightning: one more callback.

``training_step`` must return the logits and the positions of the samples beside the loss::

    return {"loss": loss, "logits": logits, "indices": indices}
"""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from coreset_lib.errors import CoresetError
from coreset_lib.recording.callbacks import INDICES, LOGITS, CallbackRecorder, numbers_among
from coreset_lib.recording.figures import OWN


class RecordDynamics(Callback):
    """Records the training dynamics of a Lightning training as a run.

    Parameters
    ----------
    title : str
    **options
        As for ``cl.record``: labels, class_names, images, recipe and so on. ``epochs`` is the
        trainer's ``max_epochs``.

    Raises
    ------
    CoresetError
        In the training, where ``training_step`` returns no ``logits`` and ``indices``, or what
        it returns does not fit.
    """

    def __init__(self, title: str, **options: Any) -> None:
        self._recording = CallbackRecorder(title, options)
        self._is_in_epoch = False
        self.run_id = ""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the run."""
        del pl_module
        self._recording.begin(trainer.max_epochs, n_processes=trainer.world_size)
        self.run_id = self._recording.run_id

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin an epoch, and end the one before: it may have been validated meanwhile."""
        del pl_module
        self._end_epoch(trainer)
        self._recording.open_recorder().start_epoch()
        self._is_in_epoch = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record a batch."""
        del trainer, pl_module, batch, batch_idx
        if not isinstance(outputs, dict) or not {LOGITS, INDICES} <= set(outputs):
            raise CoresetError(
                "training_step must return a dict with loss, logits and indices to be recorded, "
                f"got {_kind(outputs)}. Return the positions of the samples too."
            )
        self._recording.open_recorder().batch(outputs[INDICES], outputs[LOGITS])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the training where somebody pressed Stop on the dashboard."""
        del pl_module
        trainer.should_stop |= self._recording.open_recorder().is_asked_to_stop

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the last epoch and close the run."""
        del pl_module
        self._end_epoch(trainer)
        self._recording.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close the run with what ended the training."""
        del trainer, pl_module
        self._recording.end(exception)

    def _end_epoch(self, trainer: Trainer) -> None:
        """End the epoch under way with what Lightning has logged of it."""
        if not self._is_in_epoch:
            return
        self._is_in_epoch = False
        recorder = self._recording.open_recorder()
        figures = numbers_among(trainer.callback_metrics)
        recorder.log(**{name: value for name, value in figures.items() if name not in OWN})
        recorder.end_epoch()


def _kind(outputs: Any) -> str:
    """Say what a training step returned."""
    return ", ".join(map(str, outputs)) if isinstance(outputs, dict) else type(outputs).__name__
