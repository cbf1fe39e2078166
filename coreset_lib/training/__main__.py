"""``python -m coreset_lib.training RUN_DIR``: train a run directory in this process."""

import logging
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.loop import EpochMetrics
from coreset_lib.training.worker import stop_on_signals, train_run

log = logging.getLogger("coreset_lib.training")


def main(arguments: list[str]) -> int:
    """Train the run in the given directory; 0 if finished or stopped, 1 if it failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if len(arguments) != 1:
        log.error("usage: python -m coreset_lib.training RUN_DIR")
        return 2
    paths = RunPaths(Path(arguments[0]))
    try:
        status = train_run(paths, on_epoch=_log_epoch, stop=stop_on_signals(paths))
    except CoresetError as error:
        log.error("%s", error)
        return 1
    log.info("%s after %d of %d epochs", status.state, status.epoch, status.epochs)
    return 0


def _log_epoch(metrics: EpochMetrics) -> None:
    """Log one line per epoch."""
    log.info(
        "epoch %d: train loss %.4f accuracy %.4f, val loss %.4f accuracy %.4f, %.0f samples/s",
        metrics.epoch,
        metrics.train_loss,
        metrics.train_accuracy,
        metrics.val_loss,
        metrics.val_accuracy,
        metrics.samples_per_second,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
