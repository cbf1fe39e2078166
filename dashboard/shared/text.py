"""Texts from data, shown as they are: names of samples and classes are not markup."""

import html
import re

import numpy as np
from numpy.typing import NDArray

from coreset_lib.training.time_estimate import time_in_words as time_in_words

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~:$-])")


def as_text(value: object) -> str:
    """Return a value so that Markdown shows its characters and nothing else."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def as_figure_text(value: object, *, most: int = 28) -> str:
    """Return a value so that Plotly shows its characters, cut to ``most`` of them."""
    text = " ".join(str(value).split())
    return html.escape(text if len(text) <= most else f"{text[: most - 1]}…", quote=False)


def range_in_percent(shares: NDArray[np.float64]) -> str:
    """Write the mean of some shares, with the lowest and highest where they differ."""
    low, high = 100 * shares.min(), 100 * shares.max()
    span = f" ({low:.0f} to {high:.0f})" if round(low) != round(high) else ""
    return f"{100 * shares.mean():.0f} %{span}"


def bytes_in_words(n_bytes: int) -> str:
    """Return a size on disk in the unit that people read."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit != "MB" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
