"""Bars and cells of the Reliability page, and the samples behind each; nothing is drawn here."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from coreset_lib.scores.curve_shapes import SHAPES
from dashboard.shared.links.groups import Group
from dashboard.shared.links.link_bars import Bar, Cell, Matrix

MOST_BARS = 24
UNRELIABLE_SHAPES = ("forgotten", "never learned")


def forgetting_groups(
    events: NDArray[np.int64], never_learned: NDArray[np.bool_]
) -> list[tuple[str, Group]]:
    """Return the samples by how often they were forgotten, with the names of the bars.

    Parameters
    ----------
    events : int array, shape (samples,)
    never_learned : bool array, shape (samples,)
        These stand apart, last.

    Returns
    -------
    list of (str, Group)
        Counts beyond the 23rd are one group. Counts that no sample has are there too, so that
        the bars keep their places.
    """
    learned = events[~never_learned]
    last = int(learned.max(initial=0))
    shown = min(last, MOST_BARS - 1)
    groups: list[tuple[str, Group]] = []
    for times in range(shown + 1):
        is_rest = times == shown < last
        is_in = ~never_learned & ((events >= times) if is_rest else (events == times))
        label = f"{times} or more" if is_rest else str(times)
        noun = "time" if times == 1 and not is_rest else "times"
        title = "Never forgotten" if times == 0 and not is_rest else f"Forgotten {label} {noun}"
        groups.append((f"{label} {noun}", Group(title, np.flatnonzero(is_in))))
    groups.append(("never learned", Group("Never learned", np.flatnonzero(never_learned))))
    return groups


def forgetting_bars(groups: Sequence[tuple[str, Group]]) -> list[Bar]:
    """Return a bar for each count; the longest is full."""
    most = max((len(group.indices) for _, group in groups), default=1) or 1
    return [
        Bar(
            label=label,
            text=f"{len(group.indices):,}",
            hint=_hint(group),
            share=len(group.indices) / most,
            tone="late" if k == len(groups) - 1 else "early",
            can_open=len(group.indices) > 0,
        )
        for k, (label, group) in enumerate(groups)
    ]


def shape_bars(counts: Mapping[str, int]) -> list[Bar]:
    """Return a bar for each shape of history: its share of all samples."""
    total = max(sum(counts.values()), 1)
    return [
        Bar(
            label=name,
            text=f"{n:,} ({100 * n / total:.0f} %)",
            hint=f"{SHAPES[name]}: show {n:,} images" if n else f"{SHAPES[name]}: no image",
            share=n / total,
            tone="late" if name in UNRELIABLE_SHAPES else "early",
            can_open=n > 0,
        )
        for name, n in counts.items()
    ]


def confusion_matrix(confusion: NDArray[np.float64], class_names: Sequence[str]) -> Matrix:
    """Return how many samples of a class (rows) were taken for another (columns) per epoch.

    Parameters
    ----------
    confusion : float array, shape (classes, classes)
        Samples per epoch.
    class_names : sequence of str

    Returns
    -------
    Matrix
        The diagonal, where a sample is right, and what never happened are no links.
    """
    wrong = confusion * (1 - np.eye(len(confusion)))
    most = float(wrong.max(initial=0.0)) or 1.0
    cells = [
        [
            Cell(
                text="–" if a == b else _per_epoch(wrong[a, b]),
                hint=_pair_hint(class_names[a], class_names[b], float(wrong[a, b]), a == b),
                share=float(wrong[a, b]) / most,
                can_open=a != b and bool(wrong[a, b] > 0),
            )
            for b in range(len(class_names))
        ]
        for a in range(len(class_names))
    ]
    return Matrix(corner="label ↓ taken for →", rows=class_names, columns=class_names, cells=cells)


def pair_title(label: str, predicted: str) -> str:
    """Name a confusion."""
    return f"{label} taken for {predicted}"


def _per_epoch(count: float) -> str:
    """Return a mean count with as many places as say something; empty for none."""
    if count == 0:
        return ""
    return f"{count:,.0f}" if count >= 9.95 else f"{count:.1f}" if count >= 0.05 else "<0.1"


def _pair_hint(label: str, predicted: str, count: float, is_right: bool) -> str:
    """Say what a cell shows when it is pressed."""
    if is_right:
        return f"{label}: right"
    if not count:
        return f"{label} was never taken for {predicted}"
    return f"{pair_title(label, predicted)}: {count:.2g} samples per epoch; show the images"


def _hint(group: Group) -> str:
    """Say what a bar shows when it is pressed."""
    n = len(group.indices)
    return f"{group.title}: show {n:,} image{'' if n == 1 else 's'}" if n else "no image"
