"""Whether a run writes event files for TensorBoard beside its own records."""

import importlib.util

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths


def check_tensorboard() -> None:
    """Raise CoresetError unless event files can be written here."""
    if importlib.util.find_spec("tensorboard") is None:
        raise CoresetError(
            "TensorBoard's event files need the package tensorboard, which is not installed. "
            "Install it with: pip install 'coreset-lens[tensorboard]'"
        )


def request_event_files(paths: RunPaths) -> None:
    """Let the training of a run write event files, whoever trains it and however often.

    Raises
    ------
    CoresetError
        If they cannot be written here.
    """
    check_tensorboard()
    paths.tensorboard.mkdir(exist_ok=True)
