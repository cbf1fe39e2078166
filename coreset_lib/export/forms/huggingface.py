"""Rows of a coreset for Hugging Face ``datasets``."""

import json
import math
from typing import Any

from coreset_lib.export.forms.chosen import ChosenSamples


def huggingface_file(chosen: ChosenSamples) -> bytes:
    """Return the table as JSON Lines, one chosen sample a line, in the order of the split.

    Use it as::

        rows = datasets.load_dataset("json", data_files="coreset.jsonl", split="train")
        coreset = train_set.select(rows["index"])

    where ``train_set`` is the full training split in the order that was scored;
    ``sample_id`` lets you check it.
    """
    lines = (json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) for row in chosen.rows)
    return "".join(f"{line}\n" for line in lines).encode()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without NaN, which JSON does not know."""
    is_missing = {k for k, v in row.items() if isinstance(v, float) and not math.isfinite(v)}
    return {name: None if name in is_missing else value for name, value in row.items()}
