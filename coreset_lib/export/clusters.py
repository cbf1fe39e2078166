"""Clusters of a run's embedding as a table, with what the clustering found."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coreset_lib.atomic import csv_bytes
from coreset_lib.features import reduce_by_pca
from coreset_lib.outputs import write_outputs
from coreset_lib.runs.create import library_versions
from coreset_lib.runs.store import Run
from coreset_lib.scores.score import read_options
from coreset_lib.selection.class_clusters import cluster_options, cluster_within_classes
from coreset_lib.selection.geometry import read_features, variance_option
from coreset_lib.spreadsheets import disarm_formulas

SCHEMA_VERSION = 1
OPTIONS = {"variance": variance_option(), **cluster_options()}


@dataclass(frozen=True)
class ClusterTable:
    """A CSV of clusters and a record of how they came about.

    Attributes
    ----------
    csv : bytes
        index, sample_id, label, class_name, cluster, is_medoid (yes or empty).
    record : dict
        Run, options, PCA and per class k, silhouette, inertia, sizes, medoids and K curve.
    """

    csv: bytes
    record: dict[str, Any]

    def write(self, path: Path) -> Path:
        """Write the CSV and, beside it, ``<name>.clusters.json``; return where that is.

        Raises
        ------
        CoresetError
            If either cannot be written.
        """
        beside = path.with_name(f"{path.stem}.clusters.json")
        text = json.dumps(self.record, indent=2, ensure_ascii=False) + "\n"
        write_outputs({path: self.csv, beside: text.encode()})
        return beside


def cluster_run(
    run: Run, *, options: dict[str, Any] | None = None, per_class: bool = True, seed: int = 0
) -> ClusterTable:
    """Cluster the embedding of a run around medoids.

    Parameters
    ----------
    run : Run
    options : dict, optional
        Of :data:`OPTIONS`: variance, k, most_clusters, metric, engine.
    per_class : bool
        Inside each class, or over all samples at once.
    seed : int

    Raises
    ------
    CoresetError
        If the run has no embedding yet, or a class has fewer samples than clusters.
    """
    used = read_options("cluster", OPTIONS, options or {}, n_epochs=0)
    labels = run.labels()
    features = read_features(run.embedding, needed_by="clustering", n_samples=len(labels))
    reduced, pca = reduce_by_pca(features, variance=used["variance"])
    found = cluster_within_classes(
        reduced,
        labels if per_class else np.zeros_like(labels),
        run.manifest.dataset.class_names if per_class else ("all classes",),
        seed=seed,
        **{name: value for name, value in used.items() if name != "variance"},
    )
    table = pd.DataFrame(run.samples()[["index", "sample_id", "label", "class_name"]])
    table["cluster"] = found.labels
    table["is_medoid"] = np.where(np.isin(np.arange(len(labels)), found.medoids), "yes", "")
    csv = csv_bytes(disarm_formulas(table))
    record = {
        "schema_version": SCHEMA_VERSION,
        "sha256": hashlib.sha256(csv).hexdigest(),
        "run_id": run.run_id,
        "dataset": run.manifest.dataset.fingerprint,
        "options": {**used, "per_class": per_class, "seed": seed},
        "pca": pca,
        "classes": list(found.records),
        "versions": library_versions(),
    }
    return ClusterTable(csv, record)
