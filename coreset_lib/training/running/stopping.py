"""Ways to ask a training for its end: signals, and a file in the run directory."""

import threading

from coreset_lib.runs.paths import RunPaths
from coreset_lib.system.signals import is_main_thread, on_end_request, on_interrupt

POLL_SECONDS = 1.0


class Stop(threading.Event):
    """Set it to end a training after the batch under way.

    Attributes
    ----------
    state, step : str
        What the status says of the run then.
    """

    state = "stopped"
    step = ""


def stop_on_signals(paths: RunPaths) -> Stop:
    """Return an event that SIGTERM, SIGINT or a stop request in the directory sets.

    A second SIGINT ends the process at once, as Ctrl-C usually does. Threads other than the
    main one hear of no signals: there only the request in the directory counts.
    """
    stop = Stop()

    def ask(_: int, __: object) -> None:
        if not stop.is_set():
            stop.set()

    if is_main_thread():
        on_end_request(ask)
        on_interrupt(ask)
    threading.Thread(target=_watch_stop_file, args=(paths, stop), daemon=True).start()
    return stop


def _watch_stop_file(paths: RunPaths, stop: threading.Event) -> None:
    """Set the event once somebody, perhaps on another host, left a stop request."""
    while not stop.wait(POLL_SECONDS):
        if paths.stop_request.exists():
            stop.set()
