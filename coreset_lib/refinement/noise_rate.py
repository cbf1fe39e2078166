"""How many labels are wrong, estimated from the first epochs of a run."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.windows import Window

EARLY_EPOCHS = 5
LARGEST_RATE = 0.9
Float64s = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NoiseRateEstimate:
    """An estimated share of wrong labels, in [0, 0.9], and the epochs it rests on."""

    rate: float
    epochs: str


def estimate_noise_rate(dynamics: TrainingDynamics) -> NoiseRateEstimate:
    """Estimate the share of wrong labels by confident learning on early probabilities.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With the plane ``probabilities``.

    Returns
    -------
    NoiseRateEstimate

    Raises
    ------
    CoresetError
        If no probabilities were recorded.

    Notes
    -----
    Confident learning asks for predictions of networks that have not seen the sample. Here
    the mean over the first five epochs stands in for them: networks learn the common pattern
    before they learn single wrong labels by heart (Arpit et al. 2017), and the recorded
    probabilities are those before the sample's own update. The longer the window, the more is
    known by heart and the lower the estimate.

    References
    ----------
    Northcutt, Jiang and Chuang, Confident learning (2021), Eq. 1-3.
    """
    if not dynamics.has("probabilities"):
        raise CoresetError(
            "the noise rate can be estimated only from a run that recorded all probabilities, "
            "got one that did not. Give it with --noise-rate."
        )
    window = Window(1, min(EARLY_EPOCHS, dynamics.n_epochs))
    mean = np.mean(dynamics.plane("probabilities", window), axis=0, dtype=np.float64)
    joint = confident_joint(mean, dynamics.labels)
    rate = 1.0 - float(np.trace(joint) / joint.sum())
    return NoiseRateEstimate(rate=min(max(rate, 0.0), LARGEST_RATE), epochs=str(window))


def confident_joint(probabilities: Float64s, labels: NDArray[np.int64]) -> Float64s:
    """Estimate how many samples have each pair of given and true class.

    Parameters
    ----------
    probabilities : float64 array, shape (samples, classes)
    labels : int64 array, shape (samples,)
        As given.

    Returns
    -------
    float64 array, shape (given classes, true classes)
        Rows sum to the number of samples with that label.

    Notes
    -----
    A sample counts for the class with the largest probability among those that reach their
    threshold, the mean probability of the class over the samples labelled so; a sample that
    reaches none does not count. Rows are then scaled to the label counts. A label without any
    counted sample is taken for right.

    References
    ----------
    Northcutt, Jiang and Chuang, Confident learning (2021), Eq. 1-3.
    """
    n_classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=n_classes)
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, weights=own, minlength=n_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    reaches = probabilities >= thresholds
    is_counted = reaches.any(axis=1)
    suggested = np.where(reaches, probabilities, -1.0).argmax(axis=1)
    joint = np.zeros((n_classes, n_classes))
    np.add.at(joint, (labels[is_counted], suggested[is_counted]), 1.0)
    empty = joint.sum(axis=1) == 0
    joint[empty, empty] = 1.0
    return joint / joint.sum(axis=1, keepdims=True) * counts[:, None]
