"""The shape of a sample's history: always right, learned late, forgotten and the like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics

SHAPES: dict[str, str] = {
    "always right": "right in every epoch",
    "learned early": "right for good within the first quarter of the epochs",
    "learned late": "right for good, but only after the first quarter of the epochs",
    "unstable": "right in the last epoch, but forgotten at least once on the way",
    "forgotten": "right at some time, wrong in the last epoch",
    "never learned": "wrong in every epoch",
}


@dataclass(frozen=True, eq=False)
class CurveShapes:
    """The numbers that decide the shapes, and the shapes; all of shape (samples,).

    Attributes
    ----------
    shape : int64 array
        Position in :data:`SHAPES`.
    first_correct : int64 array
        First epoch (1-based) with the right class; 0 if there is none.
    n_correct, n_forgotten : int64 arrays
        Epochs with the right class; times right and wrong in the next epoch.
    """

    shape: NDArray[np.int64]
    first_correct: NDArray[np.int64]
    n_correct: NDArray[np.int64]
    n_forgotten: NDArray[np.int64]

    def counts(self) -> dict[str, int]:
        """Return how many samples have each shape."""
        numbers = np.bincount(self.shape, minlength=len(SHAPES)).tolist()
        return dict(zip(SHAPES, numbers, strict=True))


def curve_shapes(dynamics: TrainingDynamics) -> CurveShapes:
    """Give every sample exactly one shape.

    Raises
    ------
    CoresetError
        If a prediction was not recorded.
    """
    dynamics.check_recorded("prediction")
    n_epochs, n_samples = dynamics.n_epochs, dynamics.n_samples
    columns = [np.empty(n_samples, dtype=np.int64) for _ in range(4)]
    for part, (prediction,) in dynamics.blocks(("prediction",)):
        is_correct = prediction == dynamics.targets[part]
        n_correct = is_correct.sum(axis=0)
        first = np.where(n_correct > 0, is_correct.argmax(axis=0) + 1, 0)
        n_forgotten = np.count_nonzero(is_correct[:-1] & ~is_correct[1:], axis=0)
        shape = np.select(
            [
                n_correct == n_epochs,
                n_correct == 0,
                ~is_correct[-1],
                n_forgotten > 0,
                first - 1 <= n_epochs / 4,
            ],
            [_number("always right"), _number("never learned"), _number("forgotten"),
             _number("unstable"), _number("learned early")],
            _number("learned late"),
        )  # fmt: skip
        for column, values in zip(columns, (shape, first, n_correct, n_forgotten), strict=True):
            column[part] = values
    return CurveShapes(*columns)


def _number(name: str) -> int:
    """Position of a shape."""
    return list(SHAPES).index(name)
