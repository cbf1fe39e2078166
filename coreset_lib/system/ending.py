"""Ending processes, on POSIX by signals to their group, on Windows by their tree."""

import contextlib
import os
import signal
import sys


def ask_to_end(pid: int) -> None:
    """Ask a process and those it started to end; whoever is gone already has done so.

    Windows cannot ask: there a process ends by the stop request in its directory, if it looks
    for one, or by :func:`kill`.
    """
    if sys.platform != "win32":
        _signal_group(pid, signal.SIGTERM)


def kill(pid: int) -> None:
    """End a process and those it started at once."""
    if sys.platform == "win32":
        _kill_tree(pid)
    else:
        _signal_group(pid, signal.SIGKILL)


def reap(pid: int) -> None:
    """Collect the exit of a child of ours, so that it does not stay as a zombie."""
    if sys.platform != "win32":
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def lower_priority(pid: int, niceness: int) -> None:
    """Let a process give way to others; Windows knows one such step only."""
    if sys.platform == "win32":
        import psutil

        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, pid, niceness)


def _signal_group(pid: int, signum: int) -> None:
    """Signal the process group that a process leads, or the process where it leads none."""
    assert sys.platform != "win32"
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signum)
        else:  # a foreground training shares its group with the shell
            os.kill(pid, signum)


def _kill_tree(pid: int) -> None:
    """Kill a process and its descendants, the eldest first, so that it starts no more."""
    import psutil

    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
