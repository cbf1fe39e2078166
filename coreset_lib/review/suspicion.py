"""Which labels to look at first, and why: several signs of a wrong label, combined."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.features import reduce_by_pca
from coreset_lib.review.neighbours import N_NEIGHBOURS, find_neighbours, label_disagreement
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.forgetting import find_never_learned
from coreset_lib.scores.gradients import WINDOW as VOG_WINDOW
from coreset_lib.windows import Window

Float64s = NDArray[np.float64]

SIGNS = {
    "margin": "mean margin over the first ten epochs: low is suspicious",
    "neighbours": "share of the nearest images that carry another label",
    "never_learned": "wrong in every epoch",
    "vog": "fluctuation of the gradient, where the run recorded it",
    "co_teaching": "called wrong by two networks that taught each other, where they were asked",
}
# The early margin finds injected noise best by far; a network that has learned wrong labels by
# heart has put them among their like, and VOG tells hard samples more than wrong ones. The flags
# of co-teaching add a little to the margin; with more weight they only make ties.
WEIGHTS = {"margin": 1.0, "neighbours": 0.1, "never_learned": 0.5, "vog": 0.02, "co_teaching": 0.1}
# What most labels agree on is learned first, the others by heart later.
EARLY_EPOCHS = 10


@dataclass(frozen=True, eq=False)
class SuspicionQueue:
    """The order in which labels should be looked at.

    Attributes
    ----------
    values : float64 array, shape (samples,)
        Weighted mean of the signs, in [0, 1]; higher = more suspicious.
    order : int64 array, shape (samples,)
        Samples, most suspicious first; ties by position.
    signs : mapping of name to float64 array, shape (samples,)
        Each sign as it was measured, see `SIGNS`.
    ranks : mapping of name to float64 array, shape (samples,)
        The share of samples that are less suspicious by this sign, in [0, 1].
    neighbours : int64 array, shape (samples, few), or None
        The nearest other samples, -1 where there are fewer; None without an embedding.
    dynamics : TrainingDynamics
    """

    values: Float64s
    order: NDArray[np.int64]
    signs: Mapping[str, Float64s]
    ranks: Mapping[str, Float64s]
    neighbours: NDArray[np.int64] | None
    dynamics: TrainingDynamics

    def reasons(self, index: int) -> list[str]:
        """Say in words why a sample is suspicious, the strongest reason first."""
        found = [(rank[index], name) for name, rank in self.ranks.items()]
        texts = [_WORDS[name](self, index) for _, name in sorted(found, reverse=True)]
        return [text for text in texts if text]


def suspicion_queue(
    dynamics: TrainingDynamics,
    features: NDArray[np.float32] | None = None,
    noisy_flags: NDArray[np.bool_] | None = None,
) -> SuspicionQueue:
    """Order all training samples by how much their label looks wrong.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With at least one complete epoch.
    features : float array, shape (samples, features), optional
        Where distances between samples are measured; without them the neighbours' labels
        are left out.
    noisy_flags : bool array, shape (samples,), optional
        Labels that co-teaching calls wrong, see :meth:`coreset_lib.runs.store.Run.noisy_flags`.

    Raises
    ------
    CoresetError
        If a margin or a prediction was not recorded.

    Notes
    -----
    Margin and VOG count by their rank among all samples, so that no unit dominates;
    neighbours, "never learned" and the flags are shares already. The weights are `WEIGHTS`,
    over the signs that the run has. This combination is the project's own.

    References
    ----------
    Margin: Pleiss et al., Identifying mislabeled data using the area under the margin
    ranking (2020), here over the first ten epochs: Liu et al., Early-learning regularization
    prevents memorization of noisy labels (2020). VOG: Khanal et al., Active label refinement
    (2024).
    """
    early = Window(1, min(EARLY_EPOCHS, dynamics.n_epochs))
    signs: dict[str, Float64s] = {"margin": windowed_mean(dynamics, "margin", early)}
    found = None
    if features is not None and len(features) > 1:
        found = find_neighbours(features, n_neighbours=N_NEIGHBOURS)
        signs["neighbours"] = label_disagreement(found, dynamics.labels)
    signs["never_learned"] = find_never_learned(dynamics).astype(np.float64)
    if dynamics.has("vog") and dynamics.n_epochs >= VOG_WINDOW:
        signs["vog"] = compute_score(dynamics, "vog", {}).values
    if noisy_flags is not None:
        signs["co_teaching"] = noisy_flags.astype(np.float64)
    ranks = {
        name: _ranks(-values if name == "margin" else values)
        if name in ("margin", "vog")
        else values
        for name, values in signs.items()
    }
    total = sum(WEIGHTS[name] for name in ranks)
    values = sum((WEIGHTS[n] * r for n, r in ranks.items()), np.zeros(dynamics.n_samples)) / total
    order = np.argsort(-values, kind="stable").astype(np.int64)
    return SuspicionQueue(values, order, signs, ranks, found, dynamics)


def queue_of_run(
    run: Run,
    *,
    dynamics: TrainingDynamics | None = None,
    reduced: NDArray[np.float32] | None = None,
    with_neighbours: bool = True,
) -> SuspicionQueue:
    """Return the queue of a run, with neighbours and co-teaching's flags once there are any.

    Parameters
    ----------
    run : Run
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.
    reduced : float array, shape (samples, components), optional
        The run's embedding on its principal components, where that was computed already.
    with_neighbours : bool
        Whether the labels of the nearest images count.

    Raises
    ------
    CoresetError
        If the run has recorded no epoch, or is damaged.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    if not dynamics.n_epochs:
        raise CoresetError(
            f"run {run.run_id} has recorded no epoch yet, so nothing is suspicious. Wait for it."
        )
    if not with_neighbours:
        reduced = None
    elif reduced is None:
        embedding = run.embedding()
        reduced = None if embedding is None else reduce_by_pca(embedding)[0]
    return suspicion_queue(dynamics, reduced, run.noisy_flags())


def _ranks(values: Float64s) -> Float64s:
    """Return the share of the other samples that are strictly lower, in [0, 1]."""
    lower = np.searchsorted(np.sort(values), values, side="left")
    return lower / max(len(values) - 1, 1)


def _margin_in_words(queue: SuspicionQueue, index: int) -> str:
    """Explain the margin."""
    margin, rank = queue.signs["margin"][index], queue.ranks["margin"][index]
    if margin < 0:
        text = "early in training the network preferred another class to the label"
    elif rank >= 0.5:
        text = "early in training the network was less sure of the label than of most"
    else:
        return ""
    return f"{text} (mean margin {margin:+.2f}, lower than that of {_others(rank)})"


def _neighbours_in_words(queue: SuspicionQueue, index: int) -> str:
    """Explain the labels of the neighbours."""
    assert queue.neighbours is not None
    near = queue.neighbours[index]
    labels = queue.dynamics.labels
    others = Counter(int(labels[n]) for n in near[near >= 0] if labels[n] != labels[index])
    if not others:
        return ""
    named = ", ".join(f"{n} {queue.dynamics.class_names[k]}" for k, n in others.most_common(3))
    n_near = int((near >= 0).sum())
    return f"{others.total()} of the {n_near} most alike images carry another label ({named})"


def _never_learned_in_words(queue: SuspicionQueue, index: int) -> str:
    """Explain that a sample was never right."""
    if not queue.signs["never_learned"][index]:
        return ""
    return f"never learned: taken for another class in all {queue.dynamics.n_epochs} epochs"


def _vog_in_words(queue: SuspicionQueue, index: int) -> str:
    """Explain a fluctuating gradient."""
    rank = queue.ranks["vog"][index]
    if rank < 0.5:
        return ""
    return f"what the network learns from it keeps changing (VOG above that of {_others(rank)})"


def _co_teaching_in_words(queue: SuspicionQueue, index: int) -> str:
    """Say that co-teaching calls the label wrong."""
    if not queue.signs["co_teaching"][index]:
        return ""
    return "two networks that taught each other call the label wrong (co-teaching)"


def _others(rank: float) -> str:
    """Say how many of the other samples a rank passes; 100 % only where it is all of them."""
    if rank >= 1:
        return "all other samples"
    return f"{math.floor(1000 * rank) / 10:g} % of the other samples"


_WORDS: dict[str, Callable[[SuspicionQueue, int], str]] = {
    "margin": _margin_in_words,
    "neighbours": _neighbours_in_words,
    "never_learned": _never_learned_in_words,
    "vog": _vog_in_words,
    "co_teaching": _co_teaching_in_words,
}
