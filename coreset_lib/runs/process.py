"""Which process wrote a status, whether it still lives, and what new ones are told."""

import os
import socket
import time
from pathlib import Path

START_TOLERANCE_SECONDS = 2.0
QUEUE_GRACE_SECONDS = 60.0
REMOTE_GRACE_SECONDS = 120.0


def host_name() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def process_start(pid: int) -> float | None:
    """Return when a process started (seconds since 1970); None if it is gone or a zombie."""
    try:
        import psutil
    except ImportError:  # a bare GPU node
        return _process_start_from_proc(pid)
    try:
        process = psutil.Process(pid)
        is_gone = process.status() == psutil.STATUS_ZOMBIE
        return None if is_gone else float(process.create_time())
    except psutil.Error:
        return None


def is_alive(pid: int | None, start: float | None) -> bool:
    """Whether the process that had this number at that time is still running here."""
    if pid is None or start is None:
        return False
    found = process_start(pid)
    return found is not None and abs(found - start) <= START_TOLERANCE_SECONDS


def background_environment() -> dict[str, str]:
    """Return the environment of a process that trains in the background.

    Threads that wait sleep instead of spinning: next to a dashboard and a browser on few
    cores, spinning makes training several times slower. The package stays importable
    from wherever it was found.
    """
    root = str(Path(__file__).parents[2])
    search_path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(search_path),
        "PYTHONUNBUFFERED": "1",
    }


def _process_start_from_proc(pid: int) -> float | None:
    """Read the start time as psutil does: boot time plus ticks since boot (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = next(
            float(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime")
        )
    except (OSError, StopIteration):
        return None
    if fields[0] in "ZX":
        return None
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def seconds_since(moment: float) -> float:
    """Return the age of a time stamp."""
    return time.time() - moment
