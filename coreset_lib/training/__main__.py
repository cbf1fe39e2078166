"""``python -m coreset_lib.training RUN_DIR``: train a run directory in this process.

Started by torchrun, or by srun with several tasks, all of them train it together:
``torchrun --nproc-per-node 2 -m coreset_lib.training RUN_DIR``.
"""

import logging
import os
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.resume import plain_config
from coreset_lib.training.processes.distributed import device_of
from coreset_lib.training.processes.launch import leave_with_parent
from coreset_lib.training.processes.other_ranks import train_other_rank
from coreset_lib.training.processes.ranks import Ranks, ranks_of
from coreset_lib.training.running.stopping import stop_on_signals
from coreset_lib.training.running.worker import LOG_FORMAT, train_run

log = logging.getLogger("coreset_lib.training")


def main(arguments: list[str]) -> int:
    """Train the run in the given directory.

    Returns
    -------
    int
        0 if finished or stopped, 1 if it failed, 2 if the run or this machine's devices
        cannot be used as asked.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    if len(arguments) != 1:
        log.error("usage: python -m coreset_lib.training RUN_DIR")
        return 2
    paths = RunPaths(Path(arguments[0]))
    try:
        ranks = ranks_of(os.environ)
        device_of(plain_config(paths).device, ranks)
    except CoresetError as error:
        log.error("%s", error)
        return 2
    try:
        _train(paths, ranks)
    except CoresetError as error:
        log.error("%s", error)
        return 1
    return 0


def _train(paths: RunPaths, ranks: Ranks) -> None:
    """Lead the training of the run, or take part in it."""
    stop = stop_on_signals(paths)
    if ranks.world_size > 1:
        leave_with_parent()
    if not ranks.is_leader:
        train_other_rank(paths, ranks, stop=stop)
        return
    status = train_run(paths, stop=stop, ranks=ranks)
    log.info("%s after %d of %d epochs", status.state, status.epoch, status.epochs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
