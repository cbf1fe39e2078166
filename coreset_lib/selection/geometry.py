"""Features that strategies measure distances in: checked, then reduced by PCA."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.features import PCA_VARIANCE, reduce_by_pca
from coreset_lib.scores.score import Option
from coreset_lib.selection.problem import Features, SelectionProblem

FeatureSource = NDArray[Any] | Callable[[], NDArray[Any] | None] | None


def read_features(source: FeatureSource, *, needed_by: str, n_samples: int) -> Features:
    """Return the features that something needs, shape (samples, features).

    Raises
    ------
    CoresetError
        If there are none yet, or they are not finite numbers, one row per sample.
    """
    found = source() if callable(source) else source
    if found is None:
        raise CoresetError(
            f"{needed_by} needs an embedding of the samples, which this run does not have yet. "
            "Let the run finish, or use a strategy that needs no features."
        )
    features = np.asarray(found)
    if features.ndim != 2 or len(features) != n_samples or features.shape[1] == 0:
        raise CoresetError(
            f"features must have one row for each of the {n_samples} samples and at least one "
            f"column, got shape {features.shape}. Embed the training samples again."
        )
    if not np.isfinite(features).all():
        raise CoresetError(
            "features must be finite, got NaN or infinity. Embed the training samples again."
        )
    return features.astype(np.float32, copy=False)


def reduced_features(problem: SelectionProblem, variance: float) -> tuple[Features, dict[str, Any]]:
    """Return the problem's features on the principal components that keep ``variance``."""
    assert problem.features is not None
    return reduce_by_pca(problem.features, variance=variance)


def variance_option() -> Option:
    """The share of variance that PCA keeps."""
    return Option(
        kind="real",
        default=PCA_VARIANCE,
        least=0.01,
        most=0.9999,
        help="share of the variance that PCA keeps",
    )


def squared_distances(points: NDArray[np.float64], point: NDArray[np.float64]) -> Any:
    """Squared Euclidean distance of each row of ``points`` from ``point``."""
    differences = points - point
    return np.einsum("sf,sf->s", differences, differences)
