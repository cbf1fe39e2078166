"""Clusters inside classes for the map, cached class by class."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.features import reduce_by_pca
from coreset_lib.runs.summary import RunSummary, RunVersion
from coreset_lib.selection.class_clusters import AUTO, ClassClusters, join_clusters
from coreset_lib.selection.geometry import read_features
from dashboard import reads

# Distances of more would take minutes and gigabytes; one class at a time is what people look at.
MOST_CLUSTERED = 60_000


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """The class whose samples are clustered (None: every class) and the number of clusters."""

    class_name: str | None
    k: int | None = None

    @property
    def library_k(self) -> int | str:
        """The number as the library takes it."""
        return AUTO if self.k is None else self.k


@st.cache_resource(
    max_entries=2, show_spinner="Reducing the embedding…", hash_funcs=reads.ANY_EPOCH
)
def reduced_embedding(version: RunVersion) -> NDArray[np.float32]:
    """Return the principal components that clustering measures distances in."""
    return reduce_by_pca(embedding(version.folder))[0]


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def _one_class(version: RunVersion, klass: int, k: int | str) -> ClassClusters:
    """Cluster the samples of one class, as the strategies of the library do."""
    run = reads.store().at(version.folder)
    return workflows.cluster_class(run, klass, reduced_embedding(version), k=k)


def clusters(
    summary: RunSummary, clustering: Clustering, tell: Callable[[float, str], None]
) -> ClassClusters:
    """Cluster inside one class or each, class by class.

    Parameters
    ----------
    summary : RunSummary
    clustering : Clustering
    tell : callable
        Told the share done and what comes next.

    Raises
    ------
    CoresetError
        If there are more samples than the page clusters, or a class has too few for ``k``.
    """
    run = reads.store().at(summary.folder)
    names = run.manifest.dataset.class_names
    sizes = np.bincount(run.labels(), minlength=len(names))
    chosen = [k for k, name in enumerate(names) if clustering.class_name in (None, name)]
    chosen = [k for k in chosen if sizes[k]]
    n_samples = int(sizes[chosen].sum())
    if n_samples > MOST_CLUSTERED:
        raise CoresetError(
            f"{n_samples:,} samples are too many to cluster here (at most {MOST_CLUSTERED:,}). "
            "Choose one class, or use: coreset-lens cluster"
        )
    parts: list[ClassClusters] = []
    for number, klass in enumerate(chosen):
        tell(number / len(chosen), f"Clustering {names[klass]}: {sizes[klass]:,} samples…")
        parts.append(_one_class(summary.version, klass, clustering.library_k))
    return join_clusters(parts, len(run.labels()))


def k_curve(summary: RunSummary, klass: int) -> list[tuple[int, float | None]]:
    """Return the mean silhouette of every number of clusters tried for a class."""
    found = _one_class(summary.version, klass, AUTO)
    return [(int(k), silhouette) for k, _, silhouette in found.records[0]["k_curve"]]


def embedding(folder: str) -> NDArray[np.float32]:
    """Return the embedding of a run, or say that there is none yet."""
    run = reads.store().at(folder)
    n_samples = run.manifest.dataset.n_train
    return read_features(run.embedding, needed_by="the map", n_samples=n_samples)


def medoid_texts(found: ClassClusters) -> dict[int, str]:
    """Say of every medoid what it stands for."""
    texts: dict[int, str] = {}
    for record in found.records:
        for number, (medoid, size) in enumerate(
            zip(record["medoids"], record["sizes"], strict=True)
        ):
            texts[int(medoid)] = f"medoid of {record['class']} · {number + 1}, {size:,} samples"
    return texts
