"""Texts from data, shown as they are: names of samples and classes are not markup."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~:$-])")


def as_text(value: object) -> str:
    """Return a value so that Markdown shows its characters and nothing else."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))
