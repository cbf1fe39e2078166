"""What the callbacks for other training libraries share, and a dataset that knows its rows."""

from collections.abc import Mapping
from typing import Any

from torch.utils.data import Dataset

from coreset_lib.errors import CoresetError
from coreset_lib.recording.record import record
from coreset_lib.recording.recording import Recorder

INDICES, LOGITS = "indices", "logits"


class Indexed(Dataset[tuple[Any, ...]]):
    """A dataset whose items begin with their own position: (index, image, label).

    Parameters
    ----------
    dataset : map-style dataset
        Its items are tuples, or single values.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        item = self._dataset[index]
        return (index, *item) if isinstance(item, tuple | list) else (index, item)


class CallbackRecorder:
    """A recorder that is told of the beginning and end of a training by callbacks.

    Parameters
    ----------
    title, **options
        As for :func:`coreset_lib.recording.record.record`; ``epochs`` is taken from the
        library where it knows them.
    """

    def __init__(self, title: str, options: Mapping[str, Any]) -> None:
        self._title = title
        self._options = dict(options)
        self.recorder: Recorder | None = None

    @property
    def run_id(self) -> str:
        """Name of the run, once the training has begun."""
        return self.open_recorder().run_id

    def begin(self, epochs: int | None, *, n_processes: int = 1) -> None:
        """Open the run."""
        if n_processes > 1:
            raise CoresetError(
                f"a training must be by one process to be recorded, got {n_processes}. "
                "Train on one device."
            )
        options: dict[str, Any] = {"epochs": epochs, **self._options}
        epochs = options.pop("epochs")
        if epochs is None or epochs < 1:
            raise CoresetError(
                f"epochs must be a number to be recorded, got {epochs}. Give epochs= to "
                "RecordDynamics, or a number of epochs to the trainer."
            )
        self.end(CoresetError("the training ended without telling its callbacks."))
        self.recorder = record(self._title, epochs=epochs, **options)
        self.recorder.__enter__()

    def end(self, error: BaseException | None = None) -> None:
        """Close the run, as finished or with what ended the training."""
        if self.recorder is None:
            return
        recorder, self.recorder = self.recorder, None
        recorder.__exit__(None if error is None else type(error), error, None)

    def open_recorder(self) -> Recorder:
        """Return the recorder of the training under way."""
        if self.recorder is None:
            raise CoresetError("a training must have begun to be recorded, got none.")
        return self.recorder


def numbers_among(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return those of a library's figures that are single finite numbers, names made plain."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if number == number and abs(number) != float("inf"):
            found[name.replace("/", "_")] = number
    return found
