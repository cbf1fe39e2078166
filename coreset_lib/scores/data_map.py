"""The data map: where each sample lies between easy, ambiguous and hard to learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics, not_recorded
from coreset_lib.errors import CoresetError

Float64s = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DataMap:
    """Three quantities per sample, for a plot; none of them is a ranking.

    Attributes
    ----------
    confidence : float64 array, shape (samples,), in [0, 1]
        Mean over epochs of the label's probability.
    variability : float64 array, shape (samples,), in [0, 1/2]
        Population standard deviation over epochs of the label's probability.
    correctness : float64 array, shape (samples,), in [0, 1]
        Share of epochs with a correct prediction.
    """

    confidence: Float64s
    variability: Float64s
    correctness: Float64s


def data_map(dynamics: TrainingDynamics) -> DataMap:
    """Compute the data map of all recorded epochs.

    Raises
    ------
    CoresetError
        If no epoch is complete or a cell was not recorded.

    References
    ----------
    Swayamdipta et al., Dataset cartography (2020), sec. 2.
    """
    if dynamics.n_epochs == 0:
        raise CoresetError("the data map needs at least one complete epoch, got 0. Wait for it.")
    found = DataMap(*(np.empty(dynamics.n_samples) for _ in range(3)))
    for part, (probability, prediction) in dynamics.blocks(("label_probability", "prediction")):
        wide = probability.astype(np.float64)
        found.confidence[part] = wide.mean(axis=0)
        found.variability[part] = wide.std(axis=0)
        if (prediction == not_recorded(prediction.dtype)).any():
            dynamics.check_recorded("prediction")
        is_correct = prediction == dynamics.targets[part]
        found.correctness[part] = is_correct.mean(axis=0)
    if np.isnan(found.confidence).any():
        dynamics.check_recorded("label_probability")
    return found
