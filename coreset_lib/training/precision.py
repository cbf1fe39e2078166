"""Numbers of 16 bits where they are faster: always on CUDA, on a CPU only after a measurement.

And the smallest numbers of 32 bits, which a CPU had better take as 0 while it trains.

A run keeps to what was decided when it began: a resumption computes as before, and two runs
of one configuration on one machine differ only if the measurement was a close call.
"""

import contextlib
import json
import time
from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import Tensor, nn

from coreset_lib.atomic import write_json
from coreset_lib.runs.paths import RunPaths
from coreset_lib.system.hardware import processor_features

UNITS = ("amx_bf16", "avx512_bf16")
LEAST_GAIN = 1.1
REPEATS = 3
_cpu_uses_bfloat16 = False


@contextlib.contextmanager
def tiny_numbers_as_zero() -> Generator[None]:
    """Take numbers below 1e-38 as 0 on the CPU within the block, or the decorated function.

    Gradients of samples that are learned shrink that far, and processors compute with such
    numbers many times slower. Elsewhere in the process they keep their values.
    """
    # NumPy remembers its limits; found out in here, it would warn of missing small numbers.
    np.finfo(np.float16)
    np.finfo(np.float32)
    np.finfo(np.float64)
    was_on = float(torch.tensor(1e-39) * 1) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was_on)


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return bfloat16 autocast on CUDA, and on a CPU for a run that it was found faster for."""
    is_on = device.type == "cuda" or (device.type == "cpu" and _cpu_uses_bfloat16)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_on)


@contextlib.contextmanager
def cpu_precision(uses_bfloat16: bool) -> Generator[None]:
    """Compute with or without bfloat16 on the CPU within the block."""
    global _cpu_uses_bfloat16
    before, _cpu_uses_bfloat16 = _cpu_uses_bfloat16, uses_bfloat16
    try:
        yield
    finally:
        _cpu_uses_bfloat16 = before


def decide_cpu_precision(
    paths: RunPaths, make_step: Callable[[], Callable[[], None]], *, is_new: bool
) -> bool:
    """Return whether a run on the CPU computes with bfloat16, decided once for each run.

    Parameters
    ----------
    paths : RunPaths
    make_step : callable
        Makes a training step of a network that is thrown away, to be timed.
    is_new : bool
        Whether the run has no epochs yet; others go on as they began.
    """
    try:
        return bool(json.loads(paths.precision.read_bytes())["cpu_bfloat16"])
    except (OSError, ValueError, KeyError, TypeError):
        if not is_new or not has_bfloat16_units():
            return False
    decision = _is_faster(make_step())
    write_json(paths.precision, {"schema_version": 1, "cpu_bfloat16": decision})
    return decision


def has_bfloat16_units() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; others would be slower."""
    return not processor_features().isdisjoint(UNITS)


def training_step(network: nn.Module, images: Tensor) -> Callable[[], None]:
    """Return a step that computes the gradients of a network on some images."""

    def step() -> None:
        with mixed_precision(images.device):
            outputs = network(images)
        outputs.square().mean().backward()

    return step


def _is_faster(step: Callable[[], None]) -> bool:
    """Time a step both ways, in turns; whether bfloat16 gains enough."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(REPEATS + 1):  # the first ones warm up
        for uses_bfloat16, taken in seconds.items():
            with cpu_precision(uses_bfloat16):
                began = time.perf_counter()
                step()
                taken.append(time.perf_counter() - began)
    return min(seconds[False][1:]) >= LEAST_GAIN * min(seconds[True][1:])
