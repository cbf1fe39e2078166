"""Features of the samples: principal components and the two-dimensional map."""

import contextlib
import sys
import warnings
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array, write_json
from coreset_lib.runs.paths import RunPaths

PCA_VARIANCE = 0.95
PCA_MOST_COMPONENTS = 50
LEAST_SAMPLES = 4
UMAP_NEIGHBOURS = 15
UMAP_MIN_DISTANCE = 0.1
Features = NDArray[np.float32]


def reduce_by_pca(
    features: Features, *, variance: float = PCA_VARIANCE, seed: int = 0
) -> tuple[Features, dict[str, Any]]:
    """Project features on the principal components that keep a share of their variance.

    Parameters
    ----------
    features : float32 array, shape (samples, features)
    variance : float
        Share to keep, in (0, 1).
    seed : int

    Returns
    -------
    float32 array, shape (samples, components)
        At least one component; zeros for constant features.
    dict
        Number of components, share of variance kept, seed.
    """
    from sklearn.decomposition import PCA

    features64 = features.astype(np.float64)
    spread = features64.std(axis=0).max() if len(features) else 0.0
    if not spread > 0:
        info = {"components": 1, "explained_variance": 0.0, "seed": seed}
        return np.zeros((len(features), 1), np.float32), info
    pca = PCA(n_components=variance, svd_solver="full", random_state=seed)
    reduced = pca.fit_transform(features64).astype(np.float32)
    info = {
        "components": int(reduced.shape[1]),
        "explained_variance": float(pca.explained_variance_ratio_.sum()),
        "variance_asked": variance,
        "seed": seed,
    }
    return reduced, info


def make_map(paths: RunPaths, embedding: Features, *, seed: int) -> str:
    """Write the run's PCA parameters and UMAP coordinates, (samples, 2).

    Returns
    -------
    str
        Empty, or one sentence on why there is no map.
    """
    if len(embedding) < LEAST_SAMPLES:
        return f"No map: UMAP needs at least {LEAST_SAMPLES} samples, got {len(embedding)}."
    if not np.isfinite(embedding).all():
        return "No map: the embedding holds numbers that are not finite. The run has no use for it."
    try:
        import umap

        reduced, info = reduce_by_pca(embedding, seed=seed)
    except ImportError as error:
        missing = "umap-learn" if error.name == "umap" else error.name
        return f"No map: {missing} is not installed here. The run is complete without it."
    write_json(paths.pca, info)
    options: dict[str, Any] = {
        "n_neighbors": min(UMAP_NEIGHBOURS, len(embedding) - 1),
        "min_dist": UMAP_MIN_DISTANCE,
        "metric": "euclidean",
        "random_state": seed,
    }
    try:
        with warnings.catch_warnings(), _threads_of_torch_kept():
            warnings.simplefilter("ignore")  # a fixed seed means one thread; UMAP warns of it
            coordinates = umap.UMAP(n_components=2, n_jobs=1, **options).fit_transform(
                reduced[:, :PCA_MOST_COMPONENTS]
            )
    except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        return f"No map: UMAP failed ({error}). The run is complete without it."
    write_array(paths.umap, np.asarray(coordinates, dtype=np.float32))
    write_json(paths.umap_info, options | {"umap-learn": umap.__version__})
    return ""


@contextlib.contextmanager
def _threads_of_torch_kept() -> Generator[None]:
    """Give PyTorch back its number of threads, which numba's OpenMP changes for all.

    Else a training that follows in the same process would have other bits, and crawl where
    other processes keep the added cores busy.
    """
    torch = sys.modules.get("torch")
    n_threads = None if torch is None else torch.get_num_threads()
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(n_threads)
