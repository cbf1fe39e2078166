"""What every benchmark shares: the hardware, repeated timing, and the results file."""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("torch", "torchvision", "numpy", "numba", "scikit-learn", "streamlit")


def hardware() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    found = {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system()}
    if "torch" in sys.modules:
        import torch

        found["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            found["gpu"] = torch.cuda.get_device_name()
    return found


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, quartiles and count of repeated measurements."""
    ordered = sorted(seconds)
    quartiles = statistics.quantiles(ordered, n=4) if len(ordered) > 1 else [ordered[0]] * 3
    return {
        "median": statistics.median(ordered),
        "q25": quartiles[0],
        "q75": quartiles[2],
        "n": len(ordered),
    }


def publish(name: str, results: dict[str, Any], *, folder: Path = RESULTS) -> None:
    """Print the results and write them with hardware, versions and command."""
    record = {
        "benchmark": name,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", *map(_without_folders, sys.argv)]),
        "hardware": hardware(),
        "versions": versions(),
        **results,
    }
    text = json.dumps(record, indent=2)
    sys.stdout.write(text + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(text + "\n")


def parser(description: str) -> argparse.ArgumentParser:
    """Return an argument parser with the options all benchmarks share."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--out", type=Path, default=RESULTS, help="folder for the results file")
    return made


def _without_folders(argument: str) -> str:
    """Name a folder of the machine by its last part: the rest says nothing to others."""
    return Path(argument).name if Path(argument).is_absolute() else argument
