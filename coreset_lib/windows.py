"""Windows of epochs, as people write them: 1-based and inclusive."""

import re
from dataclasses import dataclass

from coreset_lib.errors import CoresetError


@dataclass(frozen=True)
class Window:
    """Epochs ``first`` to ``last``, 1-based and inclusive, as people write them."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.first < 1 or self.last < self.first:
            raise CoresetError(
                f"window must hold at least one epoch and start at 1 or later, got {self}. "
                "Write it as first-last, for example 1-10."
            )

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the window."""
        return self.last - self.first + 1

    @property
    def rows(self) -> slice:
        """The same epochs as 0-based half-open rows of a plane: the one conversion."""
        return slice(self.first - 1, self.last)

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read ``first-last``; raises CoresetError for anything else."""
        match = re.fullmatch(r"\s*(\d{1,9})\s*[-–:]\s*(\d{1,9})\s*", text)
        if match is None:
            raise CoresetError(f"window must look like first-last, got {text!r}. For example 1-10.")
        return cls(int(match[1]), int(match[2]))


def check_varying(window: Window, *, argument: str = "window") -> None:
    """Raise CoresetError for a window of one epoch, in which nothing can vary."""
    if window.n_epochs < 2:
        raise CoresetError(
            f"{argument} must hold at least two epochs, got {window}: the variance of one epoch "
            "is 0 for every sample. Choose a longer window, or train for at least 4 epochs."
        )


def check_windows(early: Window, late: Window, *, n_epochs: int) -> None:
    """Raise CoresetError unless ``early`` ends before ``late`` and both lie in the run."""
    for name, window in (("early", early), ("late", late)):
        check_window(window, n_epochs=n_epochs, argument=f"{name} window")
    if early.last >= late.first:
        raise CoresetError(
            f"early window must end before the late window begins, got early {early} "
            f"and late {late}. Move one of them."
        )


def default_windows(n_epochs: int, length: int | None = None) -> tuple[Window, Window]:
    """Return an early and a late window of equal length, by default at most ten epochs.

    The early one starts the run; the late one ends in its middle, because a cosine
    schedule leaves the last epochs almost constant. A ``length`` is at most half of the run.
    """
    if n_epochs < 2:
        raise CoresetError(
            f"two windows need at least 2 recorded epochs, got {n_epochs}. Train for longer."
        )
    length = length or min(10, n_epochs // 2)
    last = max(n_epochs // 2, 2 * length)
    return Window(1, length), Window(last - length + 1, last)


def check_window(window: Window, *, n_epochs: int, argument: str = "window") -> None:
    """Raise CoresetError if ``window`` reaches past the recorded epochs."""
    if window.last > n_epochs:
        raise CoresetError(
            f"{argument} must lie within the {n_epochs} recorded epochs, got {window}. "
            f"Choose epochs from 1 to {n_epochs}."
        )
