"""What can be known of a device without loading PyTorch: its name, and who uses it."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreset_lib.system.hardware import has_apple_gpu, has_nvidia_gpu

GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class GpuProcess:
    """A process that computes on a GPU; ``bytes_used`` is None where the driver hides it."""

    pid: int
    name: str
    bytes_used: int | None

    def __str__(self) -> str:
        used = "" if self.bytes_used is None else f", {self.bytes_used / GIB:.1f} GiB"
        return f"{self.name} (process {self.pid}{used})"


def queue_name(device: str) -> str:
    """Return the device that runs take turns on: ``cpu``, ``mps`` or ``cuda:N``.

    The number counts the machine's GPUs, whatever ``CUDA_VISIBLE_DEVICES`` shows of them.
    """
    if device == "auto":
        device = _best_device()
    if not device.startswith("cuda"):
        return device
    number = int(device.partition(":")[2] or 0)
    visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    shown = visible[number] if number < len(visible) and visible[number] else str(number)
    return f"cuda:{shown}"


def queue_names(device: str, n_processes: int) -> tuple[str, ...]:
    """Return the devices of processes that train together, in the order to wait for them.

    On the CPU that is one for all, else one GPU for each.
    """
    first = queue_name(device)
    if n_processes == 1 or not first.startswith("cuda"):
        return (first,)
    return tuple(queue_name(f"cuda:{number}") for number in range(n_processes))


def busy_note(device: str) -> str | None:
    """Return a sentence that names who else uses a GPU, or None if nobody does."""
    name = queue_name(device)
    others = [process for process in gpu_processes(name) if process.pid != os.getpid()]
    if not others:
        return None
    return f"{name} is also used by {', '.join(map(str, others))}; training may be slow."


def gpu_processes(device: str) -> list[GpuProcess]:
    """Return the processes that compute on a GPU now; empty where NVML is not installed."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return []
    try:
        import pynvml  # pyright: ignore[reportMissingImports]
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handle = _gpu_handle(pynvml, number)
        found = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        return [_describe(pynvml, process) for process in found]
    except pynvml.NVMLError:
        return []
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _gpu_handle(nvml: Any, number: str) -> Any:
    """Return NVML's handle for a number, or for a UUID as CUDA_VISIBLE_DEVICES may hold."""
    if number.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(number))
    return nvml.nvmlDeviceGetHandleByUUID(number)


def _describe(nvml: Any, process: Any) -> GpuProcess:
    """Name a process."""
    try:
        command = nvml.nvmlSystemGetProcessName(process.pid)
    except nvml.NVMLError:
        command = ""
    text = command.decode(errors="replace") if isinstance(command, bytes) else str(command)
    words = text.split()
    used = process.usedGpuMemory
    return GpuProcess(
        pid=int(process.pid),
        name=Path(words[0]).name if words else "another program",
        bytes_used=None if used is None else int(used),
    )


def _best_device() -> str:
    """Guess what PyTorch will choose."""
    if has_nvidia_gpu() and os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        return "cuda:0"
    return "mps" if has_apple_gpu() else "cpu"
