"""``python -m coreset_lib.training RUN_DIR``: train a run directory in this process."""

import logging
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.stopping import stop_on_signals
from coreset_lib.training.worker import LOG_FORMAT, train_run

WAIT = "--wait"
log = logging.getLogger("coreset_lib.training")


def main(arguments: list[str]) -> int:
    """Train the run in the given directory; 0 if finished or stopped, 1 if it failed.

    With ``--wait`` it begins once its standard input is closed: by then whoever started it
    has noted its process number, and nobody overwrites its status any more.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    folders = [argument for argument in arguments if argument != WAIT]
    if len(folders) != 1:
        log.error("usage: python -m coreset_lib.training [%s] RUN_DIR", WAIT)
        return 2
    if WAIT in arguments:
        sys.stdin.read()
    paths = RunPaths(Path(folders[0]))
    try:
        status = train_run(paths, stop=stop_on_signals(paths))
    except CoresetError as error:
        log.error("%s", error)
        return 1
    log.info("%s after %d of %d epochs", status.state, status.epoch, status.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
