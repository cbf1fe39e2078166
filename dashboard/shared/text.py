"""Texts from data, shown as they are: names of samples and classes are not markup."""

import html
import re

from coreset_lib.training.time_estimate import time_in_words as time_in_words

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~:$-])")


def as_text(value: object) -> str:
    """Return a value so that Markdown shows its characters and nothing else."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def as_figure_text(value: object, *, most: int = 28) -> str:
    """Return a value so that Plotly shows its characters, cut to ``most`` of them."""
    text = " ".join(str(value).split())
    return html.escape(text if len(text) <= most else f"{text[: most - 1]}…", quote=False)
