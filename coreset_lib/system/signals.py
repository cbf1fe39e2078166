"""What this process does when it is asked to end, or when nobody reads it any more."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

Answer = Callable[[int, FrameType | None], object]


def on_end_request(answer: Answer) -> None:
    """Call ``answer`` when another process asks this one to end; for the main thread.

    POSIX sends SIGTERM. On Windows nobody can be asked but by Ctrl-Break in its own console;
    a stop request in the run's directory does there.
    """
    signal.signal(signal.SIGTERM, answer)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, answer)


def on_interrupt(answer: Answer) -> None:
    """Call ``answer`` at the first Ctrl-C; the second one interrupts as usual."""

    def answer_once(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        answer(signum, frame)

    signal.signal(signal.SIGINT, answer_once)


def end_with_reader() -> None:
    """End quietly once nobody reads our output, as in ``coreset-lens runs | head``."""
    if sys.platform != "win32":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
