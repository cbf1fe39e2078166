"""Which scores a browser can compute while a window moves, and which window each of them reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coreset_lib.scores import SCORES


@dataclass(frozen=True, kw_only=True)
class LiveScore:
    """A score as sums over the epochs of windows: variances or means of one plane.

    ``windows`` are those of the page that it reads.
    """

    plane: str
    quantity: str
    windows: tuple[str, ...]

    def as_dict(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the browser's worker reads."""
        return {
            "plane": self.plane,
            "quantity": self.quantity,
            "windows": self.windows,
            "aggregation": str(options.get("aggregation", "sum")),
            "direction": SCORES[name].direction,
        }


BOTH = ("early", "late")
LIVE_SCORES: dict[str, LiveScore] = {
    "eva": LiveScore(plane="error_norm", quantity="variance", windows=BOTH),
    "eva_single": LiveScore(plane="error_norm", quantity="variance", windows=("early",)),
    "expectation_single": LiveScore(plane="error_norm", quantity="mean", windows=("early",)),
    "expectation_dual": LiveScore(plane="error_norm", quantity="mean", windows=BOTH),
    "aum": LiveScore(plane="margin", quantity="mean", windows=("early",)),
}


def windows_read(name: str) -> tuple[str, ...]:
    """Return which of the page's windows a score reads; the early one stands for an only one."""
    options = SCORES[name].options
    if "window" in options and options["window"].kind == "window":
        return ("early",)
    return tuple(window for window in BOTH if window in options)
