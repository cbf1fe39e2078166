"""Limits that the system keeps this process to; Windows has neither."""

import sys


def limit_memory(n_bytes: int) -> None:
    """Let this process fail, instead of the computer, when it asks for more memory."""
    if sys.platform == "win32":
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_DATA, (n_bytes, n_bytes))
    except (OSError, ValueError):  # a lower limit is set already
        return


def limit_time(seconds: int) -> None:
    """End this process in so many seconds unless it is called again before."""
    if sys.platform == "win32":
        return
    import signal

    signal.alarm(seconds)
