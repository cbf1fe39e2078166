"""What two windows of epochs may look like while a person moves one of them."""

from coreset_lib.checks import check_choice, check_whole
from coreset_lib.windows import Window

NAMES = ("early", "late")


def can_hold_windows(n_epochs: int) -> bool:
    """Return whether two disjoint windows exist: it takes two epochs."""
    return n_epochs >= 2


def fit_windows(
    early: Window,
    late: Window,
    *,
    n_epochs: int,
    moved: str = "early",
    lock_length: bool = True,
) -> tuple[Window, Window]:
    """Give the moved window what was asked for, and let the other one make room.

    Parameters
    ----------
    early, late : Window
        What is asked for; they may overlap or reach past the run.
    n_epochs : int
        Recorded epochs, at least 2.
    moved : {"early", "late"}
        The window that was just moved. It ends up as close as possible to what was
        asked (least sum of the two edges' displacements).
    lock_length : bool
        Give the other window the length of the moved one.

    Returns
    -------
    early, late : Window
        Disjoint, early first, within ``1..n_epochs``. The other window stays where it is
        when it can; else it keeps its outer edge, and yields outwards when it must.

    Raises
    ------
    CoresetError
        If the run has fewer than two epochs or ``moved`` is neither window.
    """
    check_whole("number of epochs", n_epochs, least=2)
    check_choice("moved", moved, NAMES)
    early, late = _clamped(early, n_epochs), _clamped(late, n_epochs)
    if moved == "early":
        return _fit_first(early, late, n_epochs, lock_length)
    # Seen from the end of the run the late window comes first: one rule serves both.
    mirrored = _fit_first(
        _mirrored(late, n_epochs), _mirrored(early, n_epochs), n_epochs, lock_length
    )
    return _mirrored(mirrored[1], n_epochs), _mirrored(mirrored[0], n_epochs)


def widen_windows(early: Window, late: Window, *, n_epochs: int) -> tuple[Window, Window]:
    """Give a window of a single epoch a second one: nothing varies within one epoch.

    Disjoint windows stay disjoint. A run of fewer than four epochs has no room for it.
    """
    if n_epochs < 4:
        return early, late
    early, late = _widen_first(early, late)
    second, first = _widen_first(_mirrored(late, n_epochs), _mirrored(early, n_epochs))
    return _mirrored(first, n_epochs), _mirrored(second, n_epochs)


def _widen_first(first: Window, other: Window) -> tuple[Window, Window]:
    """Widen the window that comes first, towards the other one if there is room."""
    if first.n_epochs > 1:
        return first, other
    if first.last + 1 < other.first:
        return Window(first.first, first.last + 1), other
    if first.first > 1:
        return Window(first.first - 1, first.last), other
    return Window(1, 2), Window(3, max(other.last, 4))


def _fit_first(
    asked: Window, other: Window, n_epochs: int, lock_length: bool
) -> tuple[Window, Window]:
    """Fit the window that comes first, then the one behind it."""
    moved = _leaving_room(asked, n_epochs, lock_length)
    room = n_epochs - moved.last
    length = moved.n_epochs if lock_length else min(other.n_epochs, room)
    last = max(other.last, moved.last + length)
    return moved, Window(last - length + 1, last)


def _leaving_room(asked: Window, n_epochs: int, lock_length: bool) -> Window:
    """Shorten ``asked`` until a window (as long, if locked) fits behind it."""
    first = min(asked.first, n_epochs - 1)
    # Locked: last + (last - first + 1) <= n_epochs.
    most = (n_epochs + first - 1) // 2 if lock_length else n_epochs - 1
    return Window(first, min(asked.last, most))


def _clamped(window: Window, n_epochs: int) -> Window:
    """Cut a window off at the last epoch."""
    return Window(min(window.first, n_epochs), min(window.last, n_epochs))


def _mirrored(window: Window, n_epochs: int) -> Window:
    """Count the epochs of a window from the end of the run."""
    return Window(n_epochs + 1 - window.last, n_epochs + 1 - window.first)
