"""``python -m coreset_lib.jobs RUN_DIR``: train a run in this process when its turn comes."""

import logging
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.device_queue.waiting import train_in_turn
from coreset_lib.runs.paths import RunPaths
from coreset_lib.system.processes import WAIT, wait_for_starter
from coreset_lib.training.running.stopping import stop_on_signals

log = logging.getLogger("coreset_lib.jobs")


def main(arguments: list[str]) -> int:
    """Wait for the device and train; 0 if finished or stopped, 1 if it failed.

    With ``--wait`` it waits for :func:`coreset_lib.system.processes.let_go` first.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folders = [argument for argument in arguments if argument != WAIT]
    if len(folders) != 1:
        log.error("usage: python -m coreset_lib.jobs [%s] RUN_DIR", WAIT)
        return 2
    paths = RunPaths(Path(folders[0]))
    stop = stop_on_signals(paths)
    wait_for_starter(arguments)
    try:
        status = train_in_turn(paths, stop=stop)
    except CoresetError as error:
        log.error("%s", error)
        return 1
    log.info("%s after %d of %d epochs", status.state, status.epoch, status.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
