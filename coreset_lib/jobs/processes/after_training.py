"""A later step of a run (its VOG, its VGG-16 features) in a detached process."""

from collections.abc import Sequence

from coreset_lib.jobs.processes.detached import start_detached
from coreset_lib.runs.paths import RunPaths

COMMAND = "from coreset_lib.cli import main; main()"


def start_after_training(paths: RunPaths, arguments: Sequence[str]) -> int:
    """Run a command on a run in a process that outlives the terminal.

    Parameters
    ----------
    paths : RunPaths
        Its log takes what the command prints, also why it failed.
    arguments : sequence of str
        What to write behind ``coreset-lens``.

    Returns
    -------
    int
        Number of the process.

    Raises
    ------
    CoresetError
        If no process can be started.
    """
    return start_detached(["-c", COMMAND, *arguments], paths.log, "the step")
