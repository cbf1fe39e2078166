"""The figures of a recorded epoch: what the planes tell, and what the author adds."""

import math
import re
from collections.abc import Mapping
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.recording.batches import Rows

OWN = ("epoch", "seconds", "samples_per_second")
LONGEST_NAME = 40


def epoch_figures(epoch: int, seconds: float, rows: Rows, targets: Any) -> dict[str, float]:
    """Return what can be told of any epoch; accuracy is that of the recorded predictions."""
    n_samples = len(targets)
    return {
        "epoch": epoch,
        "train_accuracy": float((rows["prediction"] == targets).mean()),
        "seconds": seconds,
        "samples_per_second": n_samples / max(seconds, 1e-9),
    }


def checked_figures(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return an author's figures as plain numbers.

    Raises
    ------
    CoresetError
        If one is no single finite number, or has a name that the recorder fills in.
    """
    found: dict[str, float] = {}
    for name, value in figures.items():
        if name in OWN:
            raise CoresetError(
                f"figure must have a name other than {', '.join(OWN)}, got {name}, which the "
                "recorder fills in."
            )
        if hasattr(value, "detach"):  # a loss that gradients still hang on
            value = value.detach()
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise CoresetError(f"figure {name} must be one finite number, got {value!r:.60}.")
        found[name] = number
    return found


def plain_name(title: str) -> str:
    """Return a title as a short name that is fit for a file name."""
    words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return words[:LONGEST_NAME].strip("_") or "recorded"
