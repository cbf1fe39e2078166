"""Processes: which one this is, whether another still lives, and starting one that outlives us."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
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


def process_identity(pid: int) -> str:
    """Return which process this is, whatever the clock says: boot id and start in ticks since.

    Empty if the process is gone or a zombie, or the system does not tell (only Linux does).
    """
    boot, fields = _boot_id(), _stat_fields(pid)
    return f"{boot}:{fields[19]}" if boot and fields and fields[0] not in "ZX" else ""


def machine_start() -> str:
    """Return which start of which machine this is; empty where the system does not tell.

    Machines may have one name, and containers see the processes of their own only: both are told
    apart where the system has names for them (Linux).
    """
    boot = _boot_id()
    try:
        return boot and f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def is_alive(pid: int | None, start: float | None, identity: str = "") -> bool:
    """Whether a process is still running here.

    Parameters
    ----------
    pid, start
        Its number, and when it started: a time that moves when the clock is set.
    identity : str
        See `process_identity`; where it is known, it alone decides.
    """
    if pid is None:
        return False
    if identity and _boot_id():
        return process_identity(pid) == identity
    if start is None:
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
    fields = _stat_fields(pid)
    if not fields or fields[0] in "ZX":
        return None
    try:
        boot = next(
            float(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime")
        )
    except (OSError, StopIteration):
        return None
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _stat_fields(pid: int) -> list[str]:
    """Return what Linux tells of a process, from its state on; empty if it tells nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


@cache
def _boot_id() -> str:
    """Return the name of this start of the machine; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def seconds_since(moment: float) -> float:
    """Return the age of a time stamp."""
    return time.time() - moment
