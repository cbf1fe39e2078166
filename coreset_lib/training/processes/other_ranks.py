"""The processes that help another one to train a run; they compute and write nothing."""

import threading

from coreset_lib.atomic import write_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.resume import plain_config
from coreset_lib.training.loop import TrainingStopped
from coreset_lib.training.precision import prefer_repeatable_kernels, tiny_numbers_as_zero
from coreset_lib.training.processes.distributed import (
    agreed_stop,
    batch_hook,
    connected,
    device_of,
    settle,
)
from coreset_lib.training.processes.ranks import Ranks
from coreset_lib.training.running.failures import EXPECTED, check_finite, explain
from coreset_lib.training.running.setup import (
    load_run_dataset,
    prepare_trainer,
)


@tiny_numbers_as_zero()
def train_other_rank(paths: RunPaths, ranks: Ranks, *, stop: threading.Event) -> None:
    """Train a share of the run's batches while another process leads and writes.

    Parameters
    ----------
    paths : RunPaths
    ranks : Ranks
        The processes that train it; this one does not lead.
    stop : threading.Event
        Set it to stop the run, in all processes, after the batch under way.

    Raises
    ------
    CoresetError
        If the dataset or device cannot be had, or the training ends too early.
    """
    config = plain_config(paths)
    try:
        device = device_of(config.device, ranks)
        prefer_repeatable_kernels()
        dataset = load_run_dataset(paths, config)
        with connected(ranks, device) as group:
            trainer, start = prepare_trainer(paths, config, dataset, device, group)
            agreed = agreed_stop(stop, group)
            trainer.on_batch = batch_hook(lambda _: None, agreed)
            for metrics in trainer.epochs(start=start):
                check_finite(metrics, config)
            settle(agreed)
    except TrainingStopped:
        return
    except EXPECTED as error:
        reason = explain(error, config)
        write_bytes(paths.partner_error, reason.encode())
        raise CoresetError(reason) from error
