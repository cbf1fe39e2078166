"""Planes as 16-bit numbers: a quarter of the rounding of a screen, half of the bytes."""

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError

STEPS = 65_534
GAP = 65_535


@dataclass(frozen=True)
class Scale:
    """What the numbers 0 to 65,534 stand for: ``low + number * step``; 65,535 is a gap."""

    low: float
    step: float

    def as_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return asdict(self)


def scale_of(dynamics: TrainingDynamics, plane: str) -> Scale:
    """Return the scale that holds every value that a plane can have."""
    if plane == "margin":
        return Scale(-1.0, 2.0 / STEPS)
    most = sqrt(dynamics.n_outputs) if dynamics.is_multi_label else sqrt(2)
    return Scale(0.0, most / STEPS)


def quantise(rows: NDArray[np.floating[Any]], scale: Scale) -> NDArray[np.uint16]:
    """Round values to the nearest number of a scale.

    Parameters
    ----------
    rows : float array, shape (epochs, samples)
        NaN is a gap.
    scale : Scale

    Returns
    -------
    uint16 array, shape (epochs, samples), little-endian

    Raises
    ------
    CoresetError
        If a value lies outside the scale: it would be another one after rounding.
    """
    # In float32, which is twice as fast: it moves a number by less than a hundredth of a step.
    numbers = (rows.astype(np.float32) - np.float32(scale.low)) * np.float32(1 / scale.step)
    np.rint(numbers, out=numbers)
    is_gap = np.isnan(numbers)
    if ((numbers < 0) | (numbers > STEPS)).any():
        raise CoresetError(
            f"a plane must lie from {scale.low:g} to {scale.low + STEPS * scale.step:g}, got "
            "values outside. Its rows are not served; rankings come from the server."
        )
    numbers[is_gap] = GAP
    return numbers.astype("<u2")
