"""Coverage: one sample for each region of a class; and the strategy that we recommend."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.score import Option, ScoreValues
from coreset_lib.seeds import stream, stream_seed
from coreset_lib.selection.geometry import reduced_features, variance_option
from coreset_lib.selection.problem import Indices, SelectionProblem, Strategy
from coreset_lib.windows import Window

MOST_ROUNDS = 30
EARLY_SHARE = 0.1
DRAW_ABOVE = 0.25
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
    return _cover(problem, variance, np.zeros(len(problem.parts()), dtype=np.bool_))


def _cover(problem: SelectionProblem, variance: float, is_drawn: NDArray[np.bool_]) -> Chosen:
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


def early_margin(dynamics: TrainingDynamics, early_share: float) -> ScoreValues:
    """Return the mean margin over the first share of the epochs, at least one.

    Networks fit what most labels agree on first and memorise the others later: early on, a
    negative margin says that another class fits better than the label.

    References
    ----------
    Liu et al. (2020), Early-learning regularization prevents memorization of noisy labels.
    """
    last = max(round(early_share * dynamics.n_epochs), 1)
    values = windowed_mean(dynamics, "margin", Window(1, last))
    return ScoreValues("early_margin", values, "easier")


def choose_recommended(
    problem: SelectionProblem, *, variance: float, early_share: float, draw_above: float
) -> Chosen:
    """Return :func:`choose_by_coverage` after leaving out the suspects of each class.

    Suspects have a negative :func:`early_margin`. How many there are follows from the data: next to
    none where labels are clean and classes apart, a third where they are not. A class is never cut
    below its quota. Without a class balance the classes keep their shares.

    A few central samples stand for a class better than as many random ones; with many of them the
    outskirts of the class would be missing. A class that keeps more than a share of its candidates
    has the sample of each cell drawn at random: stratified sampling.

    Parameters
    ----------
    problem : SelectionProblem
        With features, and the early margin as its score.
    variance : float
        Share of the variance that PCA keeps.
    early_share : float
        Share of the epochs; it has been used for the score.
    draw_above : float
        Share of the candidates of a class.

    Returns
    -------
    indices : int array, shape (n_keep,)
    report : dict
        As of coverage, and per class how many suspects were left out and whether the samples
        were drawn.
    """
    assert problem.score is not None
    margins = problem.score.values
    if problem.balance == "global":
        problem = replace(problem, balance="proportional")
    is_candidate = problem.is_candidate.copy()
    parts = problem.parts()
    is_drawn = np.array([part.quota > draw_above * len(part.members) for part in parts])
    left_out: list[dict[str, Any]] = []
    for part, drawn in zip(parts, is_drawn, strict=True):
        members = part.members[np.argsort(margins[part.members], kind="stable")]
        n_suspects = int((margins[members] < 0).sum())
        n_out = min(n_suspects, len(members) - part.quota)
        is_candidate[members[:n_out]] = False
        counts = {"suspects": n_suspects, "left_out": n_out}
        left_out.append({"part": part.title} | counts | {"drawn": bool(drawn)})
    indices, report = _cover(replace(problem, is_candidate=is_candidate), variance, is_drawn)
    details = {"balance": problem.balance, "early_share": early_share, "suspects": left_out}
    return indices, details | report


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
RECOMMENDED = Strategy(
    title="Recommended",
    summary="Leaves out images whose label looks wrong early on, then covers each class evenly.",
    source="this project, docs/recommended.md",
    choose=choose_recommended,
    needs_score=False,
    own_score=lambda dynamics, options: early_margin(dynamics, options["early_share"]),
    needs_features=True,
    options={
        "variance": variance_option(),
        "early_share": Option(
            kind="real",
            default=EARLY_SHARE,
            least=0.01,
            most=1.0,
            help="share of the epochs, from the first, whose mean margin makes a suspect",
        ),
        "draw_above": Option(
            kind="real",
            default=DRAW_ABOVE,
            least=0.0,
            most=1.0,
            help="a class that keeps more than this share has the image of each region drawn at "
            "random, not the middle one",
        ),
    },
)
