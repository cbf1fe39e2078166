"""Recording a training of Hugging Face's Trainer: one more callback.

The training set must have a column ``indices`` with the position of each sample, and the
arguments ``remove_unused_columns=False``, so that it reaches the model; the callback takes it
away again before the model is called.
"""

from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from coreset_lib.errors import CoresetError
from coreset_lib.recording.callbacks import INDICES, CallbackRecorder, numbers_among
from coreset_lib.recording.figures import OWN


class RecordDynamics(TrainerCallback):
    """Records the training dynamics of a Hugging Face training as a run.

    Parameters
    ----------
    title : str
    **options
        As for ``cl.record``: labels, class_names, images, recipe and so on. ``epochs`` is
        ``num_train_epochs``.

    Raises
    ------
    CoresetError
        In the training, where batches have no ``indices``, or logits do not fit.
    """

    def __init__(self, title: str, **options: Any) -> None:
        self._recording = CallbackRecorder(title, options)
        self._hooks: list[Any] = []
        self._indices: Any = None
        self.run_id = ""

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: torch.nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        """Open the run and listen to the model."""
        del state, control, kwargs
        assert model is not None
        n_processes = max(args.world_size, args.n_gpu)
        self._recording.begin(int(args.num_train_epochs), n_processes=n_processes)
        self.run_id = self._recording.run_id
        self._hooks = [
            model.register_forward_pre_hook(self._take_indices, with_kwargs=True),
            model.register_forward_hook(self._record),
        ]

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Begin an epoch, and end the one before: it may have been evaluated meanwhile."""
        self._recording.open_recorder().end_epoch()
        self._recording.open_recorder().start_epoch()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End the training where somebody pressed Stop on the dashboard."""
        del args, state, kwargs
        if self._recording.open_recorder().is_asked_to_stop:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep what the trainer logs within an epoch."""
        del args, state, control, kwargs
        recorder = self._recording.recorder
        if recorder is not None and recorder.is_in_epoch:
            found = numbers_among(logs or {})
            recorder.log(**{name: value for name, value in found.items() if name not in OWN})

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Close the run."""
        self._let_go()
        self._recording.end()

    def _take_indices(
        self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Take the positions of the samples out of a batch."""
        del module
        kwargs = dict(kwargs)
        self._indices = kwargs.pop(INDICES, None)
        return args, kwargs

    def _record(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        """Record the logits of a training batch; evaluations are passed over."""
        del args
        recorder = self._recording.recorder
        if recorder is None or not (module.training and torch.is_grad_enabled()):
            return
        if self._indices is None:
            raise self._failed(
                CoresetError(
                    f"batches must have a column {INDICES!r} to be recorded, got none. Add the "
                    "position of each sample to the training set, and set "
                    "remove_unused_columns=False."
                )
            )
        logits = output["logits"] if isinstance(output, dict) else output.logits
        try:
            recorder.batch(self._indices, logits)
        except CoresetError as error:
            raise self._failed(error) from None

    def _failed(self, error: CoresetError) -> CoresetError:
        """Close the run with an error of ours: the trainer tells callbacks of none."""
        self._let_go()
        self._recording.end(error)
        return error

    def _let_go(self) -> None:
        """Listen to the model no more."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
