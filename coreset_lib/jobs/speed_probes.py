"""Measuring in the background how long a training will take; each measurement is kept.

``python -m coreset_lib.jobs.speed_probes CACHE KEY`` makes the measurement that a file asks for.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coreset_lib.atomic import write_json
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.system.privacy import make_private
from coreset_lib.system.processes import (
    WAIT,
    host_name,
    is_alive,
    let_go,
    process_identity,
    process_start,
    spawn,
    wait_for_starter,
)
from coreset_lib.training.time_estimate import Speed

SCHEMA_VERSION = 1
ENDED = "the measurement ended unexpectedly. Try again, or start the training without it."
# What the seconds of an update or an epoch do not depend on.
WITHOUT_EFFECT = (
    *("epochs", "seed", "learning_rate", "final_learning_rate", "momentum", "weight_decay"),
    *("probability_budget_mb", "keep_checkpoints"),
)


@dataclass(frozen=True, kw_only=True)
class SpeedProbe:
    """A measurement: under way, done (``speed``) or failed (``error``, one sentence)."""

    speed: Speed | None = None
    error: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a process is measuring."""
        return self.speed is None and self.error is None


def start_probe(cache: Path, config: TrainingConfig) -> SpeedProbe:
    """Measure in the background how fast ``config`` trains, unless that is known already.

    Raises
    ------
    CoresetError
        If the cache cannot be written or no process can be started.
    """
    known = read_probe(cache, config)
    if known is not None and known.error is None:
        return known
    path = _path(cache, config)
    command = ["-m", "coreset_lib.jobs.speed_probes", WAIT, str(cache.resolve()), path.stem]
    try:
        make_private(path.parent)
        process = spawn(command, subprocess.DEVNULL)
        _write(path, {"config": config.as_dict(), **_process(process.pid)})
    except OSError as error:
        raise CoresetError(
            f"the speed cannot be measured: {error.strerror or error}. "
            "Start the training without knowing it."
        ) from None
    let_go(process)  # it has waited for this: the request is written now
    return SpeedProbe()


def read_probe(cache: Path, config: TrainingConfig) -> SpeedProbe | None:
    """Return the measurement for ``config`` on this machine; None if there is none."""
    try:
        record = json.loads(_path(cache, config).read_bytes())
        if record["schema_version"] != SCHEMA_VERSION:
            return None
        if "speed" in record:
            return SpeedProbe(speed=_speed(record["speed"]))
        if "error" in record:
            return SpeedProbe(error=str(record["error"]))
        is_measuring = is_alive(
            record["pid"], record["process_start"], record.get("process_identity", "")
        )
        return SpeedProbe() if is_measuring else SpeedProbe(error=ENDED)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str]) -> int:
    """Make the measurement that a file asks for; 0 if it was made, 1 if not."""
    folder, key = wait_for_starter(arguments)
    cache = Path(folder)
    path = _folder(cache) / f"{key}.json"
    try:
        config = TrainingConfig.from_dict(json.loads(path.read_bytes())["config"])
        _write(path, {"speed": asdict(_measure(cache, config))})
    except (CoresetError, RuntimeError, MemoryError) as error:
        text = str(error) if isinstance(error, CoresetError) else f"{ENDED} ({error})"
        _write(path, {"error": " ".join(text.split())})
        return 1
    return 0


def _measure(cache: Path, config: TrainingConfig) -> Speed:
    """Load the dataset and measure."""
    from coreset_lib.datasets import load_configured
    from coreset_lib.training.speed import measure_speed

    return measure_speed(load_configured(config, cache=cache), config)


def _speed(record: dict[str, Any]) -> Speed:
    """Read what was measured."""
    low, high = record["batch_seconds"]
    return Speed(
        batch_seconds=(float(low), float(high)),
        n_batches=int(record["n_batches"]),
        evaluation_seconds=float(record["evaluation_seconds"]),
        device=str(record["device"]),
        n_measured=int(record["n_measured"]),
    )


def _folder(cache: Path) -> Path:
    """Folder of all measurements below a cache directory."""
    return cache / "speed"


def _path(cache: Path, config: TrainingConfig) -> Path:
    """File of a measurement, named after everything that the speed depends on."""
    deciding = {k: v for k, v in config.as_dict().items() if k not in WITHOUT_EFFECT}
    text = json.dumps([host_name(), deciding], sort_keys=True)
    return _folder(cache) / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"


def _process(pid: int) -> dict[str, Any]:
    """Name the process that measures, so that its end can be noticed."""
    return {
        "pid": pid,
        "process_start": process_start(pid),
        "process_identity": process_identity(pid),
    }


def _write(path: Path, record: dict[str, Any]) -> None:
    """Write a record."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **record})


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
