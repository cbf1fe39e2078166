"""The candidates of ``recommended_second.py``: whom to leave out, where to cover, which to keep."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from coreset_lib.features import reduce_by_pca
from coreset_lib.runs.store import Run
from coreset_lib.seeds import stream_seed
from coreset_lib.selection.agreement import NEIGHBOURS, neighbour_votes
from coreset_lib.selection.budget import budget, class_quotas
from coreset_lib.selection.coverage import k_means_cells
from coreset_lib.selection.herding import herd
from coreset_lib.selection.recommended import early_margin

MOST_OUT = 0.25
Rows = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Known:
    """What a surrogate knows of its samples."""

    run: Run

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the training split."""
        return np.asarray(self.run.dynamics().labels)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Samples of each class."""
        return np.bincount(self.labels, minlength=self.run.dynamics().n_classes)

    @cached_property
    def embeddings(self) -> dict[str, Rows]:
        """Principal components of the final and the early embedding."""
        kinds = {"final": self.run.features("surrogate"), "early": self.run.features("early")}
        return {k: reduce_by_pca(np.asarray(v))[0].astype(np.float64) for k, v in kinds.items()}

    @cached_property
    def shares(self) -> Rows:
        """Share of each class among the early neighbours of each sample, (samples, classes)."""
        early, others = (
            np.asarray(self.run.features("early")),
            np.tile(self.sizes, (len(self.labels), 1)),
        )
        others[np.arange(len(others)), self.labels] -= 1
        votes = neighbour_votes(early, self.labels, len(self.sizes), n_neighbours=NEIGHBOURS)
        counts = votes * np.maximum(others, 1)  # votes are divided by the sizes of the classes
        return counts / counts.sum(axis=1, keepdims=True)

    @cached_property
    def agreement(self) -> Rows:
        """Share of the early neighbours with the same label."""
        return np.round(self.shares[np.arange(len(self.labels)), self.labels], 6)

    @cached_property
    def margin(self) -> Rows:
        """Mean margin over the first tenth of the epochs."""
        return early_margin(self.run.dynamics(), 0.1).values

    def place_in_class(self, values: Rows) -> Rows:
        """Return the place of each value in its class, from 0 to 1."""
        places = np.empty(len(values))
        for label in range(len(self.sizes)):
            members = np.flatnonzero(self.labels == label)
            order = np.argsort(values[members], kind="stable")
            places[members[order]] = np.arange(len(members)) / max(len(members), 1)
        return places

    def trust(self, rule: str) -> tuple[Rows, NDArray[np.bool_]]:
        """Return what a rule sorts the samples of a class by, and whom it suspects."""
        everybody = np.ones(len(self.labels), dtype=np.bool_)
        if rule == "agree":
            return self.agreement + 1e-6 * self.place_in_class(self.margin), everybody
        if rule == "margin":
            return self.margin, everybody
        if rule == "union":
            both = self.place_in_class(self.agreement), self.place_in_class(self.margin)
            return np.minimum(*both), everybody
        if rule == "v1":
            return self.margin, self.margin < 0
        # Screened with sizes that count the sample itself; the landed rule leaves it out.
        votes = self.shares / np.maximum(self.sizes, 1)
        votes /= votes.sum(axis=1, keepdims=True)
        own = votes[np.arange(len(self.labels)), self.labels]
        return own, (votes.argmax(axis=1) != self.labels) & (rule == "adaptive")


def trusted(known: Known, rule: str, quotas: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Leave out a quarter of each class at most, and never so many that its quota is lost."""
    trust, is_suspect = known.trust(rule)
    is_candidate = np.ones(len(known.labels), dtype=np.bool_)
    for label, quota in enumerate(quotas):
        members = np.flatnonzero(known.labels == label)
        members = members[np.argsort(trust[members], kind="stable")]
        suspects = members[is_suspect[members]]
        most = len(members) if rule == "v1" else int(MOST_OUT * len(members))
        n_out = min(len(suspects), most, len(members) - int(quota))
        is_candidate[suspects[:n_out]] = False
    return is_candidate


def facility_location(rows: Rows, n_keep: int) -> Indices:
    """Choose greedily so that the sum of distances to the nearest kept sample falls fastest."""
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt((squares[:, None] + squares - 2 * rows @ rows.T).clip(0))
    likeness = (distances.max() - distances).astype(np.float32)
    best = np.zeros(len(rows), dtype=np.float32)
    chosen: list[int] = []
    for _ in range(n_keep):
        gains = np.maximum(likeness - best[:, None], 0).sum(axis=0)
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        best = np.maximum(best, likeness[:, chosen[-1]])
    return np.array(chosen, dtype=np.intp)


def density(rows: Rows) -> Rows:
    """Return one over the mean distance from the 20 nearest others."""
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt((squares[:, None] + squares - 2 * rows @ rows.T).clip(0))
    return 1 / (1e-9 + np.sort(distances, axis=1)[:, 1:21].mean(axis=1))


def herding_then_facility_location(rows: Rows, n_keep: int) -> Indices:
    """Herd up to 10 samples, half of up to 20, none of more; the rest by facility location."""
    n_herded = n_keep if n_keep <= 10 else n_keep // 2 if n_keep <= 20 else 0
    herded = herd(rows, n_herded)[0] if n_herded else np.empty(0, dtype=np.intp)
    others = facility_location(rows, n_keep) if n_herded < n_keep else herded
    rest = others[~np.isin(others, herded)][: n_keep - n_herded]
    return np.concatenate([herded, rest]).astype(np.intp)


def from_cells(rows: Rows, n_keep: int, pick: str, seed: int) -> Indices:
    """Keep one sample of each k-means cell."""
    cells, distances = k_means_cells(rows, n_keep, seed=seed)
    costs = distances if pick == "centre" else np.random.default_rng(seed).random(len(rows))
    if pick == "typical":
        costs = -density(rows)
    if pick == "near":  # any of the half nearest to the centre
        medians = {cell: np.median(distances[cells == cell]) for cell in np.unique(cells)}
        costs = costs + (distances > np.array([medians[cell] for cell in cells]))
    order = np.argsort(costs, kind="stable")
    kept = order[np.unique(cells[order], return_index=True)[1]]
    rest = np.setdiff1d(np.arange(len(rows)), kept)
    return np.concatenate([kept, rest[: n_keep - len(kept)]])


def kept_of(rows: Rows, n_keep: int, pick: str, seed: int) -> Indices:
    """Keep samples of one class."""
    ways: dict[str, Callable[[], Indices]] = {
        "random": lambda: np.random.default_rng(seed).permutation(len(rows))[:n_keep],
        "fl": lambda: facility_location(rows, n_keep),
        "mix": lambda: herding_then_facility_location(rows, n_keep),
    }
    return ways[pick]() if pick in ways else from_cells(rows, n_keep, pick, seed)


def screened(known: Known, arm: str, rate: float, draw: int) -> Indices:
    """Return the coreset of a candidate."""
    rule, embedding, pick = ("none", "final", "random") if arm == "random" else arm.split("|")
    quotas = class_quotas(
        budget(rate, len(known.labels)),
        class_counts=known.sizes,
        available=known.sizes,
        balance="proportional",
    )
    is_candidate = trusted(known, rule, quotas)
    chosen: list[Indices] = []
    for label in np.flatnonzero(quotas):
        members = np.flatnonzero((known.labels == label) & is_candidate)
        seed = stream_seed(draw, "screen", int(label)) % 2**31
        rows = known.embeddings[embedding][members]
        chosen.append(members[kept_of(rows, int(quotas[label]), pick, seed)])
    return np.concatenate(chosen)
