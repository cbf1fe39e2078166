"""What K-Medoids clustering returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class KCurvePoint(NamedTuple):
    """What one number of clusters reached: loss (falls with k) and mean silhouette."""

    k: int
    inertia: float
    silhouette: float | None


@dataclass(frozen=True)
class KMedoidsResult:
    """Medoids of a set of samples, and which cluster each sample belongs to.

    Attributes
    ----------
    medoids : int64 array, shape (k,)
        Row number of each cluster's medoid, ascending: cluster c has medoid ``medoids[c]``.
    labels : int64 array, shape (samples,)
        Cluster of each sample, 0 to k - 1; no cluster is empty.
    inertia : float
        Sum over samples of the distance to their medoid, in units of the metric.
    silhouette : float or None
        Mean silhouette in [-1, 1], higher = better separated. None for one cluster.
    k : int
        Number of clusters.
    engine : str
        The engine that searched, a key of ``ENGINES``.
    n_iterations : int
        Rounds over all candidates (FasterPAM) or iterations (scikit-learn-extra) of the start
        that won.
    is_sampled : bool
        True where the distance matrix would pass ``max_memory_mb``: the medoids were searched
        in samples (every sample still is assigned and counted in ``inertia``), and the
        silhouette is that of a seeded random sample.
    k_curve : tuple of KCurvePoint or None
        One point per k tried by `choose_k`; None for a fixed k.
    """

    medoids: NDArray[np.int64]
    labels: NDArray[np.int64]
    inertia: float
    silhouette: float | None
    k: int
    engine: str
    n_iterations: int
    is_sampled: bool
    k_curve: tuple[KCurvePoint, ...] | None = None
