"""Coverage: one sample for each region of a class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.seeds import stream, stream_seed
from coreset_lib.selection.geometry import reduced_features, variance_option
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy

MOST_ROUNDS = 30
Chosen = tuple[Indices, dict[str, Any]]


def choose_by_coverage(problem: SelectionProblem, *, variance: float) -> Chosen:
    """Return the most central sample of each of as many k-means cells as samples are kept.

    With a class balance, the cells of each class are its quota.

    Parameters
    ----------
    problem : SelectionProblem
        With features.
    variance : float
        Share of the variance that PCA keeps.

    Returns
    -------
    indices : int array, shape (n_keep,)
        Part by part, cell by cell.
    report : dict
        Per part the mean distance of the candidates from the centres of their cells.
    """
    return cover(problem, variance, np.zeros(len(problem.parts()), dtype=np.bool_))


def cover(problem: SelectionProblem, variance: float, is_drawn: NDArray[np.bool_]) -> Chosen:
    """Keep the most central sample of each cell or, in the parts where it is drawn, any."""
    reduced, pca = reduced_features(problem, variance)
    chosen: list[Indices] = []
    report: list[dict[str, Any]] = []
    for number, (title, members, quota) in enumerate(problem.parts()):
        rows = reduced[members].astype(np.float64)
        seed = stream_seed(problem.seed, "coverage", number) % 2**31
        cells, distances = k_means_cells(rows, quota, seed=seed)
        rng = stream(problem.seed, "coverage, the rest", number)
        order = (
            rng.permutation(len(members))
            if is_drawn[number]
            else np.argsort(distances, kind="stable")
        )
        kept = order[np.unique(cells[order], return_index=True)[1]]
        chosen.append(members[_completed(kept, len(members), quota, rng)])
        report.append({"part": title, "kept": quota, "mean_distance": float(distances.mean())})
    return np.concatenate(chosen), {"pca": pca, "parts": report}


def k_means_cells(
    rows: NDArray[np.float64], n_cells: int, *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cell of each row and its distance from the cell's centre.

    Equal rows share a cell, so there may be fewer cells than asked for. One thread: sums of
    several would differ in their last bits from run to run.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    distinct, cell_of = np.unique(rows, axis=0, return_inverse=True)
    if n_cells >= len(distinct):
        return cell_of.reshape(-1).astype(np.int64), np.zeros(len(rows))
    with threadpool_limits(limits=1):
        # One start is what k-means++ has by default.
        means = KMeans(n_cells, max_iter=MOST_ROUNDS, random_state=seed)
        cells = np.asarray(means.fit_predict(rows), dtype=np.int64)
    return cells, np.linalg.norm(rows - means.cluster_centers_[cells], axis=1)


def _completed(kept: Indices, n_members: int, quota: int, rng: np.random.Generator) -> Indices:
    """Fill up with samples drawn from the rest where equal rows left fewer cells."""
    rest = np.setdiff1d(np.arange(n_members), kept)
    return np.concatenate([kept, rng.permutation(rest)[: quota - len(kept)]])


COVERAGE = Strategy(
    title="Coverage inside classes",
    summary="Cuts each class into as many regions as it may keep images; the middle one of each.",
    source="this project; k-means of the embedding",
    choose=choose_by_coverage,
    needs_score=False,
    needs_features=True,
    options={"variance": variance_option()},
)
