"""What may end a training, and how to say it."""

import contextlib
import errno
import math
from collections.abc import Generator

import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.loop import EpochMetrics

EXPECTED = (CoresetError, OSError, RuntimeError, MemoryError)


def explain(error: BaseException, config: TrainingConfig) -> str:
    """Say in one or two sentences what ended a training and what to do."""
    if isinstance(error, CoresetError):
        return str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        smaller = max(config.batch_size // 2, 2)
        return (
            f"The memory of the device ran out at batch size {config.batch_size}. "
            f"Train with --batch-size {smaller}, or on another device."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full. Free some space; what was finished is kept."
    return f"Training ended unexpectedly ({type(error).__name__}: {error}). See the log."


@contextlib.contextmanager
def explained(config: TrainingConfig) -> Generator[None]:
    """Raise a CoresetError that says why, in the place of whatever ends a training."""
    try:
        yield
    except CoresetError:
        raise
    except EXPECTED as error:
        raise CoresetError(explain(error, config)) from error


def partner_reason(paths: RunPaths, n_processes: int) -> str:
    """Say what ended a training that has lost one of its processes."""
    with contextlib.suppress(OSError):
        return paths.partner_error.read_text()
    return (
        f"One of the {n_processes} training processes ended unexpectedly. See the log; the "
        "epochs recorded so far are kept."
    )


def check_finite(metrics: EpochMetrics, config: TrainingConfig) -> None:
    """Refuse to go on with a network that has lost its weights to overflow."""
    if not math.isfinite(metrics.train_loss):
        raise CoresetError(
            f"training diverged in epoch {metrics.epoch}: its loss is {metrics.train_loss}. "
            f"Choose a learning rate below {config.learning_rate:g}."
        )
