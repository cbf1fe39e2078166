"""Exports: scores, coresets, selected samples, clusters; and computing a CSV again."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.checks import check_choice
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export import coresets, scores
from coreset_lib.export import rebuild as rebuilding
from coreset_lib.export.clusters import ClusterTable, cluster_run
from coreset_lib.export.csv_comparison import Comparison, compare, read_exported
from coreset_lib.export.forms import NAMES
from coreset_lib.export.forms.chosen import chosen_samples
from coreset_lib.export.forms.registry import take_away as write_form
from coreset_lib.export.provenance import Export
from coreset_lib.export.repetitions import repetitions_of
from coreset_lib.export.review_status import ReviewStatuses
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import SelectionConfig
from coreset_lib.selection.class_clusters import AUTO, ClassClusters, cluster_within_classes
from coreset_lib.workflows.runs import find_run, open_store

UNCONFIRMED = rebuilding.UNCONFIRMED


def export_scores(
    run: Run,
    score: str | ScoreValues = "eva",
    *,
    options: Mapping[str, Any] | None = None,
    dynamics: TrainingDynamics | None = None,
    over_seeds: bool = False,
) -> Export:
    """Score every training sample of a run; CSV and provenance, rank 1 = hardest.

    Parameters
    ----------
    run : Run
    score : str or ScoreValues
        Key of :data:`coreset_lib.scores.SCORES`, or values computed already.
    options : mapping, optional
        Of the score, for example ``{"early": "1-10", "late": "91-100"}``.
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.
    over_seeds : bool
        Say of every sample in how many of the finished runs that differ in their seed only (of
        an ensemble: its members) it is among the hardest tenth.

    Raises
    ------
    CoresetError
        If the run lacks what the score needs, an option is not allowed, or there are no two
        such runs.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    if isinstance(score, str):
        score = compute_score(dynamics, score, dict(options or {}))
    runs = repetitions_of(run) if over_seeds else None
    stability = scores.stability_over(runs, score)
    return scores.export_scores(run, score, dynamics, stability=stability, runs=runs)


def export_coreset(
    run: Run,
    config: SelectionConfig,
    *,
    dynamics: TrainingDynamics | None = None,
    reviews: ReviewStatuses | None = None,
) -> Export:
    """Choose a coreset; CSV and provenance. ``reviews`` is by default what the cache says now.

    Raises
    ------
    CoresetError
        If the run lacks what strategy or score need.
    """
    return coresets.export_coreset(run, config, dynamics, reviews=reviews)


def lost_classes(run: Run, export: Export) -> list[str]:
    """Say which classes of the training split a coreset has no sample of.

    Parameters
    ----------
    run : Run
    export : Export
        Of a coreset of this run.

    Returns
    -------
    list of str
        A sentence for each class, in the order of the classes.
    """
    samples = run.samples()
    kept = set(pd.read_csv(io.BytesIO(export.csv), usecols=["label"])["label"].tolist())
    counts = samples["label"].value_counts()
    names = run.manifest.dataset.class_names
    return [
        f"the coreset has no image of class {names[number]}, which {counts[number]} of "
        f"{len(samples)} training images are of"
        for number in sorted(set(counts.index.tolist()) - kept)
    ]


def export_selection(
    run: Run,
    indices: NDArray[np.int64],
    *,
    score: ScoreValues | None = None,
    dynamics: TrainingDynamics | None = None,
) -> Export:
    """Export samples that a person selected; CSV and provenance.

    Parameters
    ----------
    run : Run
    indices : int64 array, shape (selected,)
        Positions in the full training split, each once.
    score : ScoreValues, optional
        Gives rank and a column of its own.
    dynamics : TrainingDynamics, optional

    Raises
    ------
    CoresetError
        If nothing is selected, or something that is not a sample of the run, or one twice.
    """
    return coresets.export_selection(run, indices, score, dynamics)


def cluster(
    run: Run,
    *,
    options: Mapping[str, Any] | None = None,
    per_class: bool = True,
    seed: int = 0,
) -> ClusterTable:
    """Cluster the embedding of a run around medoids; CSV and a record of what was found.

    Parameters
    ----------
    run : Run
    options : mapping, optional
        Of :data:`coreset_lib.export.clusters.OPTIONS`: variance, k, most_clusters, metric, engine.
    per_class : bool
        Inside each class, or over all samples at once.
    seed : int

    Raises
    ------
    CoresetError
        If the run has no embedding yet, or a class has fewer samples than clusters.
    """
    return cluster_run(run, options=dict(options or {}), per_class=per_class, seed=seed)


def cluster_class(
    run: Run, klass: int, reduced: NDArray[np.float32], *, k: int | str = AUTO
) -> ClassClusters:
    """Cluster the samples of one class around medoids, as all classes together would be.

    Parameters
    ----------
    run : Run
    klass : int
    reduced : float array, shape (samples, components)
        The run's embedding on its principal components, see
        :func:`coreset_lib.features.reduce_by_pca`.
    k : int or "auto"

    Raises
    ------
    CoresetError
        If the class has fewer samples than clusters.
    """
    labels = run.labels()
    names = run.manifest.dataset.class_names
    return cluster_within_classes(reduced, labels, names, k=k, is_member=labels == klass)


def compare_tables(first: Path, second: Path, *, rate: float = 0.1) -> Comparison:
    """Compare two CSVs of scores or coresets: overlap, rank correlation, classes.

    Parameters
    ----------
    first, second : Path
    rate : float
        Share of the hardest to take where both are tables of scores, in (0, 1].

    Raises
    ------
    CoresetError
        If a file is no such CSV, or they are of different datasets.
    """
    return compare(read_exported(first), read_exported(second), rate=rate)


def rebuild(csv: Path, *, cache: Path | None = None) -> tuple[Export, bool]:
    """Compute a CSV of any kind again from the provenance beside it.

    Returns
    -------
    Export
        What the recorded choices give now.
    bool
        Whether the file is the same, byte for byte, and all that the provenance says of it holds;
        ``UNCONFIRMED`` are the fields that nothing here can confirm.

    Raises
    ------
    CoresetError
        If the CSV, its provenance, its run or its trainings are missing or unreadable.
    """
    return rebuilding.rebuild(csv, open_store(cache))


def take_away(
    csv: Path,
    form: str,
    out: Path,
    *,
    cache: Path | None = None,
    links: bool = False,
    with_uids: bool = False,
) -> str:
    """Write a coreset in a form that another program reads; return what was written, in words.

    Parameters
    ----------
    csv : Path
        A coreset's CSV with its provenance beside it, or the ZIP of a download.
    form : str
        One of :data:`coreset_lib.export.forms.NAMES`.
    out : Path
        A file, or a folder for the forms that are several files.
    cache : Path, optional
    links : bool
        Form ``folder`` only: links to the images instead of copies.
    with_uids : bool
        Form ``dicom-kos`` only: whether UIDs of studies and images may be given away.

    Raises
    ------
    CoresetError
        If the CSV was edited, its run is missing, the form does not suit the images, or
        ``out`` cannot be written.
    """
    check_choice("form", form, NAMES)
    export = rebuilding.read_rebuildable(csv)
    run = find_run(export.provenance["run"]["run_id"], cache=cache)
    return write_form(chosen_samples(export, run), form, out, links=links, with_uids=with_uids)
