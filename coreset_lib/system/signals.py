"""What this process does when it is asked to end, or when nobody reads it any more."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Generator
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


@contextlib.contextmanager
def answers_restored() -> Generator[None]:
    """Let whoever called have Ctrl-C and SIGTERM back after the block, a notebook say."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(each) for each in signals]
    try:
        yield
    finally:
        if is_main_thread():
            for each, answer in zip(signals, before, strict=True):
                signal.signal(each, answer)


def is_main_thread() -> bool:
    """Whether this thread may say what signals do."""
    return threading.current_thread() is threading.main_thread()


def end_with_reader() -> None:
    """End quietly once nobody reads our output, as in ``coreset-lens runs | head``."""
    if sys.platform != "win32":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
