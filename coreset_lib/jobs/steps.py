"""A later step of a run (its VOG, its VGG-16 features) in a detached process."""

import subprocess
import sys
from collections.abc import Sequence

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.process import background_environment

COMMAND = "from coreset_lib.cli import main; main()"


def start_step(paths: RunPaths, arguments: Sequence[str]) -> int:
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
    try:
        with paths.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=background_environment(),
                start_new_session=True,
            )
    except OSError as error:
        raise CoresetError(f"the step cannot be started: {error.strerror}.") from None
    process.returncode = 0  # keeps Popen from warning that the child still runs
    return process.pid
