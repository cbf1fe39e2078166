"""What the system says about processors and devices, without loading PyTorch."""

import os
import platform
import sys
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
DEVICES = Path("/dev")
WINDOWS_DRIVER = Path("System32/nvcuda.dll")


def has_nvidia_gpu() -> bool:
    """Whether there is an NVIDIA GPU, told by its device file or, on Windows, its driver."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / WINDOWS_DRIVER).exists()
    return any(DEVICES.glob("nvidia[0-9]*"))


def has_apple_gpu() -> bool:
    """Whether this is a Mac whose GPU PyTorch can use."""
    return sys.platform == "darwin" and platform.machine() == "arm64"


def processor_features() -> frozenset[str] | None:
    """Return the instruction sets that Linux names, of Intel or Arm; None where nobody says."""
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return None
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(flags.split())


def loopback_interface() -> str | None:
    """Return the network interface by which this machine reaches itself, where it has to be said.

    A laptop's own name often leads nowhere on Linux.
    """
    return "lo" if sys.platform == "linux" else None
