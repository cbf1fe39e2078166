"""Processes: which one this is, whether another still lives, and starting one that outlives us."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from coreset_lib.system.computing import background_environment

START_TOLERANCE_SECONDS = 2.0
QUEUE_GRACE_SECONDS = 60.0
REMOTE_GRACE_SECONDS = 120.0
WAIT = "--wait"


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


def spawn(arguments: Sequence[str], output: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """Run Python with some arguments in a process that outlives us; raises OSError.

    With ``--wait`` among them it begins once :func:`let_go` is called.
    """
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=background_environment(),
        start_new_session=True,  # POSIX; Windows takes the flags
        creationflags=_creation_flags(),
    )


def _creation_flags() -> int:
    """Return what keeps a child alive on Windows when its starter's console is closed."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def become(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program in the place of this process, so that whoever ends this one ends that.

    Returns
    -------
    int
        Its exit status, on Windows, which cannot replace a process; elsewhere never.
    """
    if sys.platform != "win32":
        os.execve(command[0], list(command), dict(environment))
    try:
        return subprocess.run(command, env=dict(environment), check=False).returncode
    except KeyboardInterrupt:  # Ctrl-C reaches both
        return 0


def wait_for_orphanhood(poll_seconds: float) -> None:
    """Return once the process that started this one is gone."""
    parent = os.getppid()
    start = process_start(parent)
    # On Windows the number of a parent stays what it was.
    while os.getppid() == parent and (sys.platform != "win32" or is_alive(parent, start)):
        time.sleep(poll_seconds)


def let_go(process: "subprocess.Popen[bytes]") -> None:
    """Let a process begin that was spawned to wait, and have nothing to do with it any more."""
    assert process.stdin is not None
    process.stdin.close()
    process.returncode = 0  # keeps Popen from warning that the child still runs


def wait_for_starter(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without ``--wait``; with it, once standard input was closed.

    By then whoever started this process has noted its number, and nobody overwrites its status
    any more.
    """
    others = [argument for argument in arguments if argument != WAIT]
    if len(others) < len(arguments):
        sys.stdin.read()
    return others


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
