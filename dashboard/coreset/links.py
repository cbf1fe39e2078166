"""The classes of a coreset as bars, and the samples behind each; nothing is drawn here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dashboard.shared.links.link_bars import Bar


def composition_bars(
    class_names: Sequence[str], full_counts: Sequence[int], coreset_counts: Sequence[int]
) -> list[Bar]:
    """Return the share of each class in the coreset, with that in the full training set.

    Parameters
    ----------
    class_names : sequence of str
    full_counts, coreset_counts : sequence of int
        Samples of each class.

    Returns
    -------
    list of Bar
        Lengths are shares, the largest one is full.
    """
    full, kept = _shares(full_counts), _shares(coreset_counts)
    longest = max([*full, *kept, 0.0]) or 1.0
    return [
        Bar(
            label=name,
            text=f"{n:,} ({100 * share:.0f} %, all {100 * of_all:.0f} %)",
            hint=f"{name}: show {n:,} images of the coreset"
            if n
            else f"{name}: none in the coreset",
            share=share / longest,
            reference=of_all / longest,
            can_open=n > 0,
        )
        for name, n, share, of_all in zip(class_names, coreset_counts, kept, full, strict=True)
    ]


def of_class(indices: NDArray[np.intp], labels: NDArray[np.int64], klass: int) -> NDArray[np.intp]:
    """Return those samples of a class, in their order."""
    return indices[labels[indices] == klass]


def _shares(counts: Sequence[int]) -> list[float]:
    """Return each count as a share of all, 0 where there are none."""
    total = max(sum(counts), 1)
    return [count / total for count in counts]
