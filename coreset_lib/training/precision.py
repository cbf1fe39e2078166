"""In how many bits a network computes: as its options say, on any machine the same.

Nothing is measured here: two runs of one command compute the same on a busy and on an idle
machine, on a processor with units for bfloat16 and on one without.

And the smallest numbers of 32 bits, which a CPU had better take as 0 while it trains.
"""

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.system.hardware import processor_features

FIRST_WITH_UNITS = 8  # compute capability of NVIDIA's GPUs
UNITS = ("amx_bf16", "avx512_bf16", "bf16")


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


def mixed_precision(device: torch.device, precision: str) -> torch.autocast:
    """Return bfloat16 autocast if asked for; with ``auto``, on a GPU that has units for it."""
    is_on = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_on)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether a device is a GPU that multiplies bfloat16 numbers itself (Ampere and later).

    PyTorch's own answer counts emulation, which is slower than float32.
    """
    if device.type != "cuda":
        return False
    if torch.version.hip is not None:
        return torch.cuda.is_bf16_supported()
    return torch.cuda.get_device_capability(device)[0] >= FIRST_WITH_UNITS


@contextlib.contextmanager
def whole_float32() -> Generator[None]:
    """Compute float32 with all of its 23 bits on GPUs inside the block, not as TF32."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def prefer_repeatable_kernels() -> None:
    """Ask for the same numbers from the same seed on the same device, and for whole float32."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def check_precision(precision: str, device: torch.device) -> None:
    """Raise CoresetError unless a device computes in the precision that was asked for."""
    if precision == "bfloat16" and device.type not in ("cpu", "cuda"):
        raise CoresetError(
            f"precision bfloat16 needs the device cpu or cuda, got {device.type}. "
            "Choose --precision auto."
        )


def precision_note(precision: str, device: torch.device) -> str | None:
    """Return a warning if bfloat16 was asked for on a processor that has no units for it."""
    if precision != "bfloat16" or device.type != "cpu" or has_bfloat16_units() is not False:
        return None
    return "This processor has no units for bfloat16; it computes faster with --precision float32."


def as_begun(
    paths: RunPaths, manifest: Mapping[str, Any], config: TrainingConfig
) -> TrainingConfig:
    """Return a run's options with the precision in which it began on a CPU.

    Before ``precision`` was an option, a run measured which one was faster, and kept its
    decision beside the manifest; it goes on with that. Others are left as they are.
    """
    if "precision" in manifest["config"]:
        return config
    try:
        began_with_bfloat16 = json.loads(paths.precision.read_bytes())["cpu_bfloat16"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return config
    return replace(config, precision="bfloat16") if began_with_bfloat16 else config


def has_bfloat16_units() -> bool | None:
    """Whether the processor multiplies bfloat16 numbers itself; None where it does not say."""
    features = processor_features()
    return None if features is None else not features.isdisjoint(UNITS)
