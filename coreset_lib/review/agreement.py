"""Agreement between readers, beyond what chance alone would give."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import ReviewError
from coreset_lib.review.records import LABELLING, Event
from coreset_lib.review.states import effective
from coreset_lib.seeds import stream

LEAST_SAMPLES = 30
N_DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well readers agree on the samples that several of them labelled.

    Attributes
    ----------
    readers : tuple of str
    n_samples : int
        Samples labelled by at least two of them.
    share_agreed : float or None
        Share of these samples on which all agree.
    kind : str
        "Cohen" for two readers, "Fleiss" for more.
    kappa : float or None
        None where it is not defined: no common sample, or only one class ever used.
    pairs : tuple of (reader, reader, samples, kappa or None)
        Cohen's kappa of every two readers.
    interval : (float, float) or None
        95 % interval of ``kappa`` from 2,000 bootstrap draws of the samples; None where kappa
        is not defined in most of them.
    """

    readers: tuple[str, ...]
    n_samples: int
    share_agreed: float | None
    kind: str
    kappa: float | None
    pairs: tuple[tuple[str, str, int, float | None], ...]
    interval: tuple[float, float] | None = None

    @property
    def is_enough(self) -> bool:
        """Whether a kappa of so many samples says anything."""
        return self.n_samples >= LEAST_SAMPLES

    def __str__(self) -> str:
        """Say how well readers agree, and kappa only where there is enough to tell it from."""
        if not self.n_samples:
            return "No sample has been labelled by two readers yet."
        n_agreed = round((self.share_agreed or 0) * self.n_samples)
        said = (
            f"All readers agree on {n_agreed:,} of the {self.n_samples:,} samples that two or "
            "more have labelled."
        )
        if not self.is_enough:
            return f"{said} Kappa is told from {LEAST_SAMPLES} such samples on."
        if self.kappa is None or self.interval is None:
            return f"{said} Kappa is not defined while they have used one class only."
        low, high = self.interval
        return (
            f"{self.kind}'s kappa {self.kappa:.2f} ({kappa_in_words(self.kappa)}; 95 % interval "
            f"{low:.2f} to {high:.2f}). {said}"
        )


def agreement(events: Iterable[Event]) -> Agreement:
    """Return how well the readers of a dataset agree.

    What counts is each reader's own last label decision; confirming or rejecting another
    reader's decision does not, because it is made with that decision in sight.
    """
    labels = labels_by_sample(events)
    shared = {sample: given for sample, given in labels.items() if len(given) > 1}
    readers = tuple(sorted({reader for given in shared.values() for reader in given}))
    pairs = tuple(_pair(shared, a, b) for a, b in combinations(readers, 2))
    kind = "Fleiss" if len(readers) > 2 else "Cohen"
    kappa = _fleiss(shared) if kind == "Fleiss" else (pairs[0][3] if pairs else None)
    agreed = [len(set(given.values())) == 1 for given in shared.values()]
    return Agreement(
        readers=readers,
        n_samples=len(shared),
        share_agreed=float(np.mean(agreed)) if agreed else None,
        kind=kind,
        kappa=kappa,
        pairs=pairs,
        interval=None if kappa is None else _interval(list(shared.values()), kind, readers),
    )


def labels_by_sample(events: Iterable[Event]) -> dict[str, dict[str, str]]:
    """Return each reader's last label of each sample."""
    labels: dict[str, dict[str, str]] = {}
    for event in effective(events):
        if event.action in LABELLING and event.new_label is not None:
            labels.setdefault(event.sample_id, {})[event.reader] = event.new_label
    return labels


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's kappa of two readers.

    Parameters
    ----------
    first, second : sequence of str
        The labels of the two readers, sample by sample.

    Returns
    -------
    float or None
        (p_o - p_e) / (1 - p_e): 1 for full agreement, 0 for what chance gives, below 0 for
        less. None if there is no sample or chance alone agrees fully.

    Raises
    ------
    ReviewError
        If the lengths differ.

    References
    ----------
    Cohen, A coefficient of agreement for nominal scales (1960), Eq. 1.
    """
    if len(first) != len(second):
        raise ReviewError(
            f"both readers must have labelled the same samples, got {len(first)} and "
            f"{len(second)} labels."
        )
    if not first:
        return None
    classes = sorted({*first, *second})
    a, b = (np.array([classes.index(label) for label in given]) for given in (first, second))
    shares = [np.bincount(c, minlength=len(classes)) / len(c) for c in (a, b)]
    return _beyond_chance(float((a == b).mean()), float(shares[0] @ shares[1]))


def fleiss_kappa(counts: NDArray[np.int64]) -> float | None:
    """Fleiss' kappa of several readers.

    Parameters
    ----------
    counts : int64 array, shape (samples, classes)
        How many readers gave each sample each label. Numbers of readers may differ between
        samples; samples with fewer than two are left out.

    Returns
    -------
    float or None
        1 for full agreement, 0 for what chance gives. None if it is not defined.

    Notes
    -----
    With n readers for every sample this is Fleiss' formula. Otherwise the share of agreeing
    pairs of a sample uses that sample's own number of readers, and the share of a class is
    taken over all labels.

    References
    ----------
    Fleiss, Measuring nominal scale agreement among many raters (1971), Eq. 1-7.
    """
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return None
    n_readers = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (n_readers * (n_readers - 1))
    shares = counts.sum(axis=0) / counts.sum()
    return _beyond_chance(float(agreeing.mean()), float(shares @ shares))


def _interval(
    given: Sequence[dict[str, str]], kind: str, readers: Sequence[str]
) -> tuple[float, float] | None:
    """Draw the samples again and again and return where 95 % of the kappas lie."""
    classes = sorted({label for labels in given for label in labels.values()})
    rows = np.zeros((len(given), len(readers)), dtype=np.int64)  # 0: no label
    for row, labels in zip(rows, given, strict=True):
        for reader, label in labels.items():
            row[readers.index(reader)] = classes.index(label) + 1
    patterns, n_times = np.unique(rows, axis=0, return_counts=True)
    one_hot = patterns[:, :, None] == np.arange(1, len(classes) + 1)
    draws = stream(0, "kappa").multinomial(len(rows), n_times / len(rows), size=N_DRAWS)
    kappas = _kappas(draws, one_hot.astype(np.float64), is_cohen=kind == "Cohen")
    kappas = kappas[np.isfinite(kappas)]
    if 2 * len(kappas) < N_DRAWS:
        return None
    low, high = np.quantile(kappas, [0.025, 0.975])
    return float(low), float(high)


def _kappas(
    draws: NDArray[np.int64], one_hot: NDArray[np.float64], *, is_cohen: bool
) -> NDArray[np.float64]:
    """Return the kappa of each draw, NaN where it is not defined.

    ``draws`` has shape (draws, patterns), ``one_hot`` (patterns, readers, classes).
    """
    counts = one_hot.sum(axis=1)
    n_readers = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (n_readers * (n_readers - 1))
    observed = draws @ agreeing / draws.sum(axis=1)
    if is_cohen:
        shares = np.einsum("dp,prc->drc", draws, one_hot) / draws.sum(axis=1)[:, None, None]
        expected = shares.prod(axis=1).sum(axis=1)
    else:
        shares = draws @ counts / (draws @ n_readers)[:, None]
        expected = (shares**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)


def kappa_in_words(kappa: float | None) -> str:
    """Return the usual word for a kappa (Landis and Koch 1977)."""
    if kappa is None:
        return "not defined"
    words = ((0.0, "poor"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
    return next((word for bound, word in words if kappa <= bound), "almost perfect")


def _pair(shared: dict[str, dict[str, str]], a: str, b: str) -> tuple[str, str, int, float | None]:
    """Return the agreement of two readers on what both labelled."""
    both = [given for given in shared.values() if a in given and b in given]
    kappa = cohen_kappa([given[a] for given in both], [given[b] for given in both])
    return a, b, len(both), kappa


def _fleiss(shared: dict[str, dict[str, str]]) -> float | None:
    """Count labels per sample and class."""
    classes = sorted({label for given in shared.values() for label in given.values()})
    counts = np.zeros((len(shared), len(classes)), dtype=np.int64)
    for row, given in enumerate(shared.values()):
        for label in given.values():
            counts[row, classes.index(label)] += 1
    return fleiss_kappa(counts)


def _beyond_chance(observed: float, expected: float) -> float | None:
    """Return how far agreement is from chance towards certainty."""
    return None if expected >= 1 else (observed - expected) / (1 - expected)
