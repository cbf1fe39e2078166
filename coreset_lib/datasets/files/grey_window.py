"""Grey-value windows: which range of a 12- or 16-bit image becomes black to white."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError

GREY_WINDOW_PRESETS: dict[str, tuple[float, float]] = {
    "abdomen": (40, 400),
    "bone": (480, 2500),
    "brain": (40, 80),
    "liver": (60, 160),
    "lung": (-600, 1600),
    "mediastinum": (50, 350),
}
FROM_FILE = "file"
FULL_RANGE = "range"
_PAIR = re.compile(r"\s*(-?\d{1,7}(?:\.\d{1,6})?)\s*[,/]\s*(\d{1,7}(?:\.\d{1,6})?)\s*")


@dataclass(frozen=True)
class GreyWindow:
    """Centre and width in the values of the modality, for example Hounsfield units.

    ``function`` is one of LINEAR, LINEAR_EXACT and SIGMOID.
    """

    centre: float
    width: float
    function: str = "LINEAR"

    def __str__(self) -> str:
        return f"{self.centre:g},{self.width:g}"


def parse_grey_window(text: str) -> GreyWindow | None:
    """Return a window that a person chose, None for ``file`` and ``range``.

    Parameters
    ----------
    text : str
        ``file`` (the window stored in the file, else its range), ``range`` (smallest to
        largest value of each image), a name of `GREY_WINDOW_PRESETS`, or ``centre,width``.

    Raises
    ------
    CoresetError
        For anything else.
    """
    if text in (FROM_FILE, FULL_RANGE):
        return None
    if text in GREY_WINDOW_PRESETS:
        return GreyWindow(*GREY_WINDOW_PRESETS[text])
    match = _PAIR.fullmatch(text)
    if match and float(match[2]) >= 1:
        return GreyWindow(float(match[1]), float(match[2]))
    names = ", ".join((FROM_FILE, FULL_RANGE, *GREY_WINDOW_PRESETS))
    raise CoresetError(
        f"grey window must be one of {names}, or centre,width with a width of at least 1, got "
        f"{text[:50]!r}. For soft tissue in CT write 40,400."
    )


def to_grey(values: NDArray[Any], window: GreyWindow) -> NDArray[np.uint8]:
    """Map values through a window to 0 (black) to 255 (white).

    Parameters
    ----------
    values : array of numbers, any shape
        In the units of the window.
    window : GreyWindow

    Returns
    -------
    uint8 array of the same shape

    References
    ----------
    DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    """
    wide = np.asarray(values, dtype=np.float64)
    if window.function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (wide - window.centre) / window.width, -700, 700)))
    elif window.function == "LINEAR_EXACT":
        share = (wide - window.centre) / max(window.width, 1e-9) + 0.5
    else:
        share = (wide - (window.centre - 0.5)) / max(window.width - 1, 1e-9) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def range_window(low: float, high: float) -> GreyWindow:
    """Return the window that shows ``low`` as black and ``high`` as white."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("values that are no numbers")
    return GreyWindow((low + high) / 2, max(high - low, 1e-9), "LINEAR_EXACT")
