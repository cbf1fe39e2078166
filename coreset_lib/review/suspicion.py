"""Which labels to look at first, and why: several signs of a wrong label, combined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.review.evidence import EARLY_EPOCHS, ClassEvidence, class_evidence
from coreset_lib.review.neighbours import N_NEIGHBOURS
from coreset_lib.review.reasons import EVIDENCE_WORDS, WORDS
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.forgetting import find_never_learned
from coreset_lib.scores.gradients import WINDOW as VOG_WINDOW
from coreset_lib.windows import Window

Float64s = NDArray[np.float64]

SIGNS = {
    "margin": "mean margin over the first ten epochs: low is suspicious",
    "neighbours": "share of the 50 images most alike early in training that carry another label",
    "pixels": "share of the other classes by a linear model of the pixels, out of fold",
    "held_out": "share of the other classes by networks that had not seen the image",
    "never_learned": "wrong in every epoch",
    "vog": "fluctuation of the gradient, where the run recorded it",
    "co_teaching": "called wrong by two networks that taught each other, where they were asked",
}
# The sources of evidence count alike; docs/embeddings.md compares them. The others tell hard
# samples more than wrong ones: they decide between samples that are about as suspicious.
WEIGHTS = {
    "early": 1.0, "neighbours": 1.0, "pixels": 1.0, "held_out": 1.0,
    "never_learned": 0.1, "vog": 0.02, "co_teaching": 0.1,
}  # fmt: skip
LARGE_SHARE = 0.25
# Half would do if all that speaks for another class were independent; hard classes pay for that.
SUSPECT_ABOVE = 0.55
# Fitted by benchmarks/suspicion.py --fit to 20 trainings with known wrong labels (seed 0).
CHANCE_SLOPE, CHANCE_OFFSET = 2.36, -0.45
CLIPPED = 1e-4


class ClassSuspects(NamedTuple):
    """How many samples of a class are called suspect."""

    class_name: str
    n_suspects: int
    n_samples: int

    def __str__(self) -> str:
        return f"{self.n_suspects:,} of {self.n_samples:,} {self.class_name}"


@dataclass(frozen=True, eq=False)
class SuspicionQueue:
    """The order in which labels should be looked at.

    Attributes
    ----------
    values : float64 array, shape (samples,)
        Weighted mean of what speaks against the label, in [0, 1]; higher = more suspicious.
    order : int64 array, shape (samples,)
        Samples, most suspicious first; ties by position.
    signs : mapping of name to float64 array, shape (samples,)
        Each sign as it was measured, see `SIGNS`.
    ranks : mapping of name to float64 array, shape (samples,)
        How strong each sign is among all samples, in [0, 1].
    neighbours : int64 array, shape (samples, few), or None
        The nearest other samples, -1 where there are fewer; None without an embedding.
    dynamics : TrainingDynamics
    evidence : ClassEvidence
        What speaks for which class.
    suggested : int64 array, shape (samples,)
        The class that most speaks for; the label itself where that is no other one.
    """

    values: Float64s
    order: NDArray[np.int64]
    signs: Mapping[str, Float64s]
    ranks: Mapping[str, Float64s]
    neighbours: NDArray[np.int64] | None
    dynamics: TrainingDynamics
    evidence: ClassEvidence
    suggested: NDArray[np.int64]

    @cached_property
    def is_suspect(self) -> NDArray[np.bool_]:
        """Whether clearly more speaks for another class than for the label, shape (samples,).

        Its `share_of_other` is above 0.55.
        """
        return self.share_of_other > SUSPECT_ABOVE

    def class_suspects(self) -> list[ClassSuspects]:
        """Count the suspects of each class that has samples."""
        labels, names = self.dynamics.labels, self.dynamics.class_names
        n_samples = np.bincount(labels, minlength=len(names))
        n_suspects = np.bincount(labels[self.is_suspect], minlength=len(names))
        return [
            ClassSuspects(name, int(n_suspects[k]), int(n_samples[k]))
            for k, name in enumerate(names)
            if n_samples[k]
        ]

    def warnings(self) -> list[str]:
        """Say of which classes more than a quarter is suspect."""
        return [
            f"{found}: more than a quarter of the class. Its images may be hard rather than "
            "wrongly labelled; look at some before you leave any out."
            for found in self.class_suspects()
            if found.n_suspects > LARGE_SHARE * found.n_samples
        ]

    def order_by_class(self) -> NDArray[np.int64]:
        """Return samples so that the classes take turns, the most suspicious of each first."""
        labels = self.dynamics.labels[self.order]
        place = np.empty(len(labels), dtype=np.int64)
        for klass in np.unique(labels):
            is_here = labels == klass
            place[is_here] = np.arange(is_here.sum())
        return self.order[np.argsort(place, kind="stable")]

    def expected_wrong(self, indices: Sequence[int] | NDArray[np.int64]) -> float:
        """Return about how many labels of some samples are wrong, a sum of `chance_wrong`."""
        return float(self.chance_wrong[np.asarray(indices, dtype=np.intp)].sum())

    @cached_property
    def share_of_other(self) -> Float64s:
        """Share of the likeliest other class in what speaks for it or the label, (samples,)."""
        combined = self.evidence.combined()
        rows = np.arange(len(combined))
        own = combined[rows, self.dynamics.labels]
        others = combined.copy()
        others[rows, self.dynamics.labels] = 0
        best = others.max(axis=1)
        return best / np.maximum(best + own, np.finfo(float).tiny)

    @cached_property
    def chance_wrong(self) -> Float64s:
        """About how likely each label is wrong, shape (samples,), in [0, 1].

        A logistic function of `values`, so that it falls along the queue; 0 where nothing speaks
        for another class. Its slope and offset were fitted to known wrong labels of other data
        (docs/label-noise.md), so that it is right on the average of such data only.
        """
        inside = np.clip(self.values, CLIPPED, 1 - CLIPPED)
        odds = CHANCE_SLOPE * np.log(inside / (1 - inside)) + CHANCE_OFFSET
        return np.where(self.share_of_other > 0, 1 / (1 + np.exp(-odds)), 0.0)

    def suggestion(self, index: int) -> str:
        """Say which class is suggested and what speaks for it; empty for the label itself.

        Nothing is suggested for samples with any number of labels: they count under one of them.
        """
        if self.dynamics.is_multi_label:
            return ""
        if self.suggested[index] == self.dynamics.labels[index]:
            return ""
        klass = int(self.suggested[index])
        name = self.dynamics.class_names[klass]
        said = [EVIDENCE_WORDS[source](self, index, klass) for source in self.evidence.sources]
        return f"{name} ({'; '.join(said)})"

    def reasons(self, index: int) -> list[str]:
        """Say in words why a sample is suspicious, the strongest reason first."""
        found = [(rank[index], name) for name, rank in self.ranks.items()]
        texts = [WORDS[name](self, index) for _, name in sorted(found, reverse=True)]
        return [text for text in texts if text]


def suspicion_queue(
    dynamics: TrainingDynamics,
    features: NDArray[np.float32] | None = None,
    noisy_flags: NDArray[np.bool_] | None = None,
    *,
    pixels: NDArray[np.float32] | None = None,
    held_out: NDArray[np.float32] | None = None,
) -> SuspicionQueue:
    """Order all training samples by how much their label looks wrong.

    Parameters
    ----------
    dynamics : TrainingDynamics
        With at least one complete epoch.
    features : float array, shape (samples, features), optional
        An embedding that has not learned the labels by heart, in which angles between samples
        are measured; without it the neighbours' labels are left out.
    noisy_flags : bool array, shape (samples,), optional
        Labels that co-teaching calls wrong, see :meth:`coreset_lib.runs.store.Run.noisy_flags`.
    pixels : float array, shape (samples, components), optional
        Principal components of the images.
    held_out : float array, shape (samples, classes), optional
        Probabilities by networks that had not seen the sample.

    Raises
    ------
    CoresetError
        If a margin or a prediction was not recorded.

    Notes
    -----
    Early probabilities, neighbours, pixels and held-out networks each give the other classes a
    share. The value is the mean of these with the rank of VOG, "never learned" and the flags;
    weights are `WEIGHTS`, over what the run has. It orders labels over all. Which are called
    suspect, and which class is suggested, is judged inside each class as well, see
    :meth:`coreset_lib.review.evidence.ClassEvidence.combined`. All this is the project's own.

    References
    ----------
    Early epochs: Liu et al., Early-learning regularization prevents memorization of noisy
    labels (2020). Margin: Pleiss et al., Identifying mislabeled data using the area under the
    margin ranking (2020). VOG: Khanal et al., Active label refinement (2024).
    """
    early = Window(1, min(EARLY_EPOCHS, dynamics.n_epochs))
    signs: dict[str, Float64s] = {"margin": windowed_mean(dynamics, "margin", early)}
    evidence = class_evidence(dynamics, early_features=features, pixels=pixels, held_out=held_out)
    parts = {name: evidence.against(name) for name in evidence.sources}
    signs |= {name: part for name, part in parts.items() if name != "early"}
    signs |= _other_signs(dynamics, noisy_flags)
    ranks = {
        name: _ranks(-values if name == "margin" else values)
        if name in ("margin", "vog")
        else values
        for name, values in signs.items()
    }
    parts |= {
        name: ranks[name] for name in ("never_learned", "vog", "co_teaching") if name in ranks
    }
    total = sum(WEIGHTS[name] for name in parts)
    values = (
        sum((WEIGHTS[n] * part for n, part in parts.items()), np.zeros(dynamics.n_samples)) / total
    )
    order = np.argsort(-values, kind="stable").astype(np.int64)
    near = None if evidence.neighbours is None else evidence.neighbours[:, :N_NEIGHBOURS]
    return SuspicionQueue(
        values, order, signs, ranks, near, dynamics, evidence, evidence.suggested()
    )


def _other_signs(
    dynamics: TrainingDynamics, noisy_flags: NDArray[np.bool_] | None
) -> dict[str, Float64s]:
    """Return the signs that name no class."""
    signs = {"never_learned": find_never_learned(dynamics).astype(np.float64)}
    if dynamics.has("vog") and dynamics.n_epochs >= VOG_WINDOW:
        signs["vog"] = compute_score(dynamics, "vog", {}).values
    if noisy_flags is not None:
        signs["co_teaching"] = noisy_flags.astype(np.float64)
    return signs


def queue_of_run(
    run: Run,
    *,
    dynamics: TrainingDynamics | None = None,
) -> SuspicionQueue:
    """Return the queue of a run, with neighbours and co-teaching's flags once there are any.

    Parameters
    ----------
    run : Run
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.

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
    return suspicion_queue(
        dynamics, noisy_flags=run.noisy_flags(), **evidence_of_run(run, dynamics)
    )


class RunEvidence(TypedDict):
    """What a run has beside its dynamics to judge labels by."""

    features: NDArray[np.float32] | None
    pixels: NDArray[np.float32] | None
    held_out: NDArray[np.float32] | None


def evidence_of_run(run: Run, dynamics: TrainingDynamics) -> RunEvidence:
    """Return early embedding, pixels and held-out probabilities, as far as a run has them."""
    has_early = run.paths.embedding_of("early").exists() or (
        dynamics.has("probabilities") and not dynamics.is_multi_label
    )
    has_pixels = run.paths.embedding_of("pixels").exists()
    return {
        "features": run.features("early") if has_early else run.embedding(),
        "pixels": run.features("pixels") if has_pixels else None,
        "held_out": run.held_out_probabilities(),
    }


def _ranks(values: Float64s) -> Float64s:
    """Return the share of the other samples that are strictly lower, in [0, 1]."""
    lower = np.searchsorted(np.sort(values), values, side="left")
    return lower / max(len(values) - 1, 1)
