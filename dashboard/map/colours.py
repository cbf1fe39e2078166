"""What the colours of the map stand for, cached: recolouring is then a matter of drawing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.dynamics import not_recorded
from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary, RunVersion
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.class_clusters import ClassClusters
from dashboard import reads
from dashboard.map.clusters import Clustering
from dashboard.map.component.sample_map import Categories, Numbers
from dashboard.shared.marks import Mark, mark_of
from dashboard.shared.samples.suspicion import evidence_stamps, suspicion
from dashboard.shared.theme import RIGHT, WRONG

Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Coloured:
    """Colours of all samples, and a key that names them in a cache."""

    colour: Categories | Numbers
    key: Key


def by_record(summary: RunSummary, what: str) -> Coloured:
    """Colour by what the run recorded: class, prediction, correctness or forgetting."""
    stamps = evidence_stamps(summary.folder) if what in _FROM_EVIDENCE else ()
    key = (summary.version, what, *stamps)
    return Coloured(colour=_kept(key, lambda: _RECORDED[what](summary)), key=key)


def by_score(summary: RunSummary, score: ScoreValues, title: str) -> Coloured:
    """Colour by a score; samples that it refuses to rank have no value."""
    key = (summary.version, "score", score.name, repr(score.plain_options()))
    return Coloured(colour=_kept(key, lambda: _score(score, title)), key=key)


def by_cluster(summary: RunSummary, clustering: Clustering, found: ClassClusters) -> Coloured:
    """Colour by cluster: hue tells clusters of a class apart, shape tells classes apart."""
    key = (summary.version, "cluster", clustering.class_name, clustering.k)
    return Coloured(colour=_kept(key, lambda: _cluster(summary, found)), key=key)


def by_epoch(summary: RunSummary, what: str, epoch: int) -> Coloured:
    """Colour by what the network called the samples in an epoch (1-based): class, or right."""
    key = (summary.version, what, epoch)
    return Coloured(colour=_kept(key, lambda: OF_AN_EPOCH[what](summary, epoch)), key=key)


def predictions(summary: RunSummary, epoch: int | None = None) -> NDArray[np.int64]:
    """Return what the network names in an epoch, by default the last; a class or set, -1: none."""
    return _predictions_of(summary.version, epoch or summary.epoch)


@st.cache_resource(max_entries=12, show_spinner=False)
def _kept(key: Key, _make: Callable[[], Categories | Numbers]) -> Categories | Numbers:
    """Make colours once; ``key`` names them."""
    del key
    return _make()


@st.cache_resource(max_entries=8, show_spinner=False)
def _predictions_of(version: RunVersion, epoch: int) -> NDArray[np.int64]:
    """Return what is named in an epoch (1-based), -1 where not recorded."""
    last = np.array(reads.open_dynamics(version).plane("prediction")[epoch - 1])
    codes = last.astype(np.int64)
    codes[last == not_recorded(last.dtype)] = -1
    return codes


def _class(summary: RunSummary) -> Categories:
    """Colour by class."""
    dynamics = reads.open_dynamics(summary.version)
    return Categories(title="Class", names=dynamics.class_names, codes=dynamics.labels)


def _prediction(summary: RunSummary, epoch: int) -> Categories:
    """Colour by the class that the network names in an epoch."""
    dynamics = reads.open_dynamics(summary.version)
    recorded = predictions(summary, epoch)
    codes = np.where(recorded < 0, -1, dynamics.predicted_class(np.maximum(recorded, 0)))
    title = f"Prediction, epoch {epoch}"
    return Categories(title=title, names=dynamics.class_names, codes=codes)


def _correctness(summary: RunSummary, epoch: int) -> Categories:
    """Colour by whether the prediction of an epoch agrees with the label."""
    targets = reads.open_dynamics(summary.version).targets
    predicted = predictions(summary, epoch)
    codes = np.where(predicted < 0, -1, (predicted != targets).astype(np.int64))
    marks = (Mark(RIGHT, "circle"), Mark(WRONG, "cross"))
    title = f"Epoch {epoch}"
    return Categories(title=title, names=("right", "wrong"), codes=codes, marks=marks)


def _forgetting(summary: RunSummary) -> Numbers:
    """Colour by the number of forgetting events."""
    events = reads.forgetting_events(summary.version).astype(np.float64)
    hint = "times right, then wrong again"
    return Numbers(title="Forgetting events", values=events, hint=hint, is_whole=True)


def _disagreement(summary: RunSummary) -> Numbers:
    """Colour by the share of the neighbours early in training that carry another label."""
    signs = suspicion(summary.version).signs
    if "neighbours" not in signs:
        raise CoresetError(
            "this run has neither an early embedding nor probabilities to find neighbours by. "
            "Choose another colour."
        )
    hint = "share of the 50 most alike that carry another label"
    return Numbers(title="Disagreement with neighbours", values=signs["neighbours"], hint=hint)


def _early_margin(summary: RunSummary) -> Numbers:
    """Colour by the mean margin of the first ten epochs."""
    values = suspicion(summary.version).signs["margin"]
    return Numbers(title="Early margin", values=values, hint="below 0: took it for another class")


def _suggested(summary: RunSummary) -> Categories:
    """Colour by the class that most speaks for where that is not the label."""
    found = suspicion(summary.version)
    codes = np.where(found.suggested == found.dynamics.labels, -1, found.suggested)
    return Categories(title="Suggested class", names=found.dynamics.class_names, codes=codes)


def _score(score: ScoreValues, title: str) -> Numbers:
    """Colour by a score."""
    values = score.values
    if score.is_excluded is not None:
        values = np.where(score.is_excluded, np.nan, values)
    hint = "high = hard" if score.direction == "harder" else "low = hard"
    return Numbers(title=title, values=values, hint=hint)


def _cluster(summary: RunSummary, found: ClassClusters) -> Categories:
    """Colour by cluster."""
    names = reads.open_dynamics(summary.version).class_names
    titles: list[str] = []
    marks: list[Mark] = []
    for record in found.records:
        klass = names.index(record["class"])
        for number in range(record["k"]):
            titles.append(f"{record['class']} · {number + 1}")
            shape = mark_of(number if len(found.records) == 1 else klass).shape
            marks.append(Mark(mark_of(number + klass).colour, shape))
    return Categories(title="Cluster", names=titles, codes=found.labels, marks=marks)


_RECORDED: dict[str, Callable[[RunSummary], Categories | Numbers]] = {
    "class": _class,
    "forgetting": _forgetting,
    "disagreement": _disagreement,
    "early_margin": _early_margin,
    "suggested": _suggested,
}
_FROM_EVIDENCE = ("disagreement", "early_margin", "suggested")
OF_AN_EPOCH: dict[str, Callable[[RunSummary, int], Categories]] = {
    "prediction": _prediction,
    "correctness": _correctness,
}
