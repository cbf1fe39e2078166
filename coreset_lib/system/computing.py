"""How many cores a process may use, and what PyTorch is told of them before it is loaded."""

import math
import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def computing_environment() -> dict[str, str]:
    """Return what tells PyTorch, before it is loaded, how many threads to use and how they wait.

    As many as there are physical cores that this process may use; two threads on one core slow
    each other down.
    """
    n_threads = usable_cores()
    threads = {} if n_threads is None else {"OMP_NUM_THREADS": str(n_threads)}
    return {"OMP_WAIT_POLICY": "PASSIVE", **threads}


def prepare_computing() -> None:
    """Set :func:`computing_environment` in this process where nothing else was asked for.

    It has no effect once PyTorch is loaded.
    """
    for name, value in computing_environment().items():
        os.environ.setdefault(name, value)


def usable_cores() -> int | None:
    """Return the physical cores that this process may use; None where nobody can tell.

    A container's share of the processors and a Slurm job's count too.
    """
    try:
        import psutil
    except ImportError:  # a bare GPU node
        return None
    limits = [psutil.cpu_count(logical=False), _share_of_container()]
    limits.append(_affinity())
    granted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    limits.append(int(granted) if granted.isdecimal() else None)
    known = [limit for limit in limits if limit]
    return min(known) if known else None


def allowed_processors() -> int:
    """Return how many logical processors the system lets this process run on."""
    return _affinity() or os.cpu_count() or 1


def _affinity() -> int | None:
    """Return how many processors this process is bound to; None where it cannot be bound."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _share_of_container() -> int | None:
    """Return how many processors the control group grants, rounded up; None for no limit."""
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no control groups, or "max"
        return None


def background_environment() -> dict[str, str]:
    """Return the environment of a process that trains in the background.

    Threads that wait sleep instead of spinning: next to a dashboard and a browser on few
    cores, spinning makes training several times slower. The package stays importable
    from wherever it was found.
    """
    root = str(Path(__file__).parents[2])
    search_path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **computing_environment(),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(search_path),
        "PYTHONUNBUFFERED": "1",
    }
