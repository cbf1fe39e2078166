"""Wrong labels that are known to be wrong: what finds them, where they lie, who keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.runs.store import Run

MAP_NEIGHBOURS = 10

Indices = Sequence[int] | NDArray[np.int64] | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class KnownErrors:
    """The labels that a run was trained on, and the true ones.

    Attributes
    ----------
    labels, true_labels : int64 arrays, shape (samples,)
    """

    labels: NDArray[np.int64]
    true_labels: NDArray[np.int64]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """Whether each label is known to be wrong, shape (samples,)."""
        return self.labels != self.true_labels

    @property
    def rows(self) -> NDArray[np.intp]:
        """The samples with a wrong label."""
        return np.flatnonzero(self.is_wrong)

    def among(self, samples: Indices) -> int:
        """Return how many of some samples carry a wrong label."""
        return int(self.is_wrong[np.asarray(samples, dtype=np.intp)].sum())

    def expected_among(self, n_drawn: int) -> float:
        """Return how many wrong labels a random draw of so many samples holds in the mean."""
        return n_drawn * float(self.is_wrong.mean())

    def looked_through(self, order: Indices) -> list[tuple[int, int]]:
        """Return how many of the first N samples of an order are wrong.

        Returns
        -------
        list of (N, wrong among them)
            For N of 10 and 100 and the number of wrong labels, as far as there are so many
            samples; the last is precision and sensitivity at once.
        """
        sizes = sorted({n for n in (10, 100, len(self.rows)) if 0 < n <= len(self.labels)})
        return [(n, self.among(order[:n])) for n in sizes]


def known_errors(run: Run) -> KnownErrors | None:
    """Return the known wrong labels of a run; None where the truth is not known or all is right.

    Raises
    ------
    DamagedRunError
        If the run cannot be read.
    """
    true_labels = run.true_labels()
    if true_labels is None:
        return None
    found = KnownErrors(run.labels(), np.asarray(true_labels))
    return found if len(found.rows) else None


def lies_among_others(
    places: NDArray[np.floating[Any]], labels: NDArray[np.int64], *, k: int = MAP_NEIGHBOURS
) -> NDArray[np.bool_]:
    """Whether each sample lies among another class on a map.

    Parameters
    ----------
    places : float array, shape (samples, dimensions)
        Map coordinates; a sample without finite ones lies nowhere.
    labels : int64 array, shape (samples,)
    k : int
        Neighbours that are asked.

    Returns
    -------
    bool array, shape (samples,)
        True where more than half of the ``k`` nearest other samples, or of all others where
        there are fewer, carry another label than the sample.
    """
    from scipy.spatial import KDTree

    placed = np.flatnonzero(np.isfinite(places).all(axis=1))
    found = np.zeros(len(labels), dtype=np.bool_)
    k = min(k, len(placed) - 1)
    if k < 1:
        return found
    near = np.asarray(KDTree(places[placed]).query(places[placed], k=k + 1)[1])
    # Of samples at one place the tree may name any as the nearest: leave out oneself wherever.
    is_self = near == np.arange(len(placed))[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    others = near[~is_self].reshape(len(placed), k)
    own = labels[placed]
    found[placed] = (own[others] != own[:, None]).sum(axis=1) > k / 2
    return found
