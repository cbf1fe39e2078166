"""Cached reads of runs and their numbers; everything is computed by the library."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from coreset_lib import workflows
from coreset_lib.cache import allowed_roots, default_cache
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import DatasetInfo, LabeledImages, list_datasets
from coreset_lib.datasets.checking.suggestion import may_have_gpu
from coreset_lib.datasets.dataset_list import dataset_paths, folder_itself
from coreset_lib.datasets.sources.listing import check_within, is_within
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.arms import make_arms as make_arms
from coreset_lib.evaluation.cost import Cost
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import FIGURES, Cells, read_cells
from coreset_lib.evaluation.standings import Standing, standings
from coreset_lib.evaluation.tied_scores import tied_scores as find_tied_scores
from coreset_lib.evaluation.window_grid import window_grid as find_window_grid
from coreset_lib.export.forms.chosen import chosen_samples
from coreset_lib.export.forms.registry import FORMS
from coreset_lib.export.provenance import Export
from coreset_lib.export.repetitions import repetitions_of
from coreset_lib.export.review_status import current_statuses
from coreset_lib.jobs import speed_probes
from coreset_lib.jobs.device_queue import queue
from coreset_lib.jobs.device_queue.queue import QueueEntry
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.jobs.quick_checks import QuickCheck
from coreset_lib.jobs.speed_probes import SpeedProbe
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.naming import ARCHIVED, Naming, read_naming, write_naming
from coreset_lib.runs.paths import RunPaths, folder_bytes, runs_folder
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.runs.summary import DAMAGED, RunSummary, RunVersion, summarise
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.confusion import (
    ConfusedPair,
    confusion_per_epoch,
    most_confused_pairs,
    samples_taken_for,
)
from coreset_lib.scores.curve_shapes import CurveShapes, curve_shapes
from coreset_lib.scores.data_map import DataMap, data_map
from coreset_lib.scores.eva import windowed_variance
from coreset_lib.scores.forgetting import (
    count_forgetting_events,
    find_never_learned,
    find_not_learned_early,
)
from coreset_lib.scores.movement import mean_movement, shares_of_sums, suggest_windows
from coreset_lib.scores.population import epoch_quantiles
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery, find_samples
from coreset_lib.scores.slices import Slices, slices_of
from coreset_lib.scores.stability import (
    RankStability,
    average_scores,
    overlaps,
    rank_stability,
)
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.selection.problem import Coreset
from coreset_lib.windows import Window
from coreset_lib.workflows.permission import check_permission

Options = tuple[tuple[str, Any], ...]
HARDEST_TENTH = "in the hardest tenth in"


def run_of(version: RunVersion) -> tuple[str, str]:
    """Return what names a run, however far it is recorded."""
    return version.folder, version.created


# For ``hash_funcs`` of reads that no further epoch changes.
ANY_EPOCH: dict[str | type[Any], Any] = {RunVersion: run_of}


def store() -> RunStore:
    """Return the runs of the cache that the dashboard was started on."""
    return workflows.open_store(default_cache())


def run_summaries() -> list[RunSummary]:
    """Return every run as it is now, newest first."""
    return [summarise(run) for run in store().runs()]


def run_summary(run_id: str) -> RunSummary | None:
    """Return one run as it is now, None if there is none of this name."""
    paths = RunPaths(runs_folder(default_cache()) / run_id)
    return summarise(store().at(paths.root)) if paths.root.is_dir() else None


def runs_of_the_same_samples(summary: RunSummary) -> list[RunSummary]:
    """Return the other runs with recorded epochs on samples of the same names, newest first.

    Their labels may differ, as where one was trained with corrected labels.
    """
    others = (
        other
        for other in run_summaries()
        if other.run_id != summary.run_id
        and other.state != DAMAGED
        and other.epoch > 0
        and other.n_train == summary.n_train
    )
    return [
        other
        for other in others
        if _sample_names(other.version).equals(_sample_names(summary.version))
    ]


def _sample_names(version: RunVersion) -> "pd.Series[str]":
    """Return the names of the training samples."""
    return read_samples(version)["sample_id"]


def window_options(score: str, **windows: Any) -> Options:
    """Return those of the given windows that the score takes, ready to be a cache key."""
    return tuple((name, w) for name, w in windows.items() if name in SCORES[score].options)


def open_dynamics(version: RunVersion) -> TrainingDynamics:
    """Memory-map the planes of a run, as far as it was when its status was read."""
    return _open_dynamics(version, _stamp_of_additions(version))


def _stamp_of_additions(version: RunVersion) -> float | None:
    """Tell what was added to a run after its training from what was there before."""
    added_later = _run(version.folder).paths.vog_pixel
    return added_later.stat().st_mtime if added_later.exists() else None


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_dynamics(version: RunVersion, stamp: float | None) -> TrainingDynamics:
    """Open the planes; another stamp means that something was added to the run."""
    del stamp  # part of the key
    return replace(_run(version.folder).dynamics(), n_epochs=version.n_epochs)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=ANY_EPOCH)
def read_samples(version: RunVersion) -> pd.DataFrame:
    """Return the table of training samples."""
    return _run(version.folder).samples()


@st.cache_data(max_entries=16, show_spinner="Summarising the population…")
def population_bands(version: RunVersion) -> NDArray[np.float64]:
    """Return quantiles of the error score, shape (epochs, 5)."""
    return epoch_quantiles(open_dynamics(version), "error_norm")


def score_values(version: RunVersion, name: str, options: Options) -> ScoreValues:
    """Return one score of every training sample."""
    return _score_values(version, name, options, _stamp_of_additions(version))


@st.cache_resource(max_entries=64, show_spinner=False)
def _score_values(
    version: RunVersion, name: str, options: Options, stamp: float | None
) -> ScoreValues:
    """Compute a score once for each state of the run."""
    del stamp  # part of the key
    return compute_score(open_dynamics(version), name, dict(options))


def chosen_coreset(version: RunVersion, choices: Options) -> tuple[Coreset, ScoreValues | None]:
    """Return a coreset and the score it was chosen by."""
    averaged = _averaged_versions(version.folder, choices)
    return _chosen_coreset(version, choices, _stamp_of_additions(version), averaged)


def _averaged_versions(folder: str, choices: Options) -> tuple[RunVersion, ...]:
    """Return the runs over which the choices average scores; none where they do not."""
    if dict(choices).get("average") != "scores":
        return ()
    return tuple(summarise(run).version for run in repetitions_of(_run(folder)))


@st.cache_resource(max_entries=64, show_spinner="Choosing the coreset…")
def _chosen_coreset(
    version: RunVersion,
    choices: Options,
    stamp: float | None,
    averaged: tuple[RunVersion, ...],
) -> tuple[Coreset, ScoreValues | None]:
    """Choose a coreset once for each state of the run, or of those that are averaged."""
    del stamp  # part of the key
    config = selection_config(choices)
    dynamics = open_dynamics(version)
    score = None
    if config.score is not None:
        options = tuple(config.score_options.items())
        found = [score_values(each, config.score, options) for each in averaged or (version,)]
        score = average_scores(found) if averaged else found[0]
    coreset = select_coreset(
        dynamics,
        config,
        score=score,
        features=lambda: _run(version.folder).features(config.features),
        early_features=_run(version.folder).early_features,
        sample_ids=lambda: read_samples(version)["sample_id"].tolist(),
    )
    return coreset, score


@st.cache_resource(max_entries=4, show_spinner="Loading the images…", hash_funcs=ANY_EPOCH)
def load_images(version: RunVersion) -> LabeledImages | str:
    """Return the run's images, or one sentence on why they cannot be shown."""
    run = _run(version.folder)
    try:
        dataset = load_run_images(run)
    except CoresetError as error:
        return f"The images of this run cannot be shown here: {error}"
    if dataset.fingerprint() != run.manifest.dataset.fingerprint:
        return "The images of this run cannot be shown: the dataset has changed since."
    return dataset


def selection_config(choices: Options) -> SelectionConfig:
    """Return the selection that the choices of a page stand for."""
    fields: dict[str, Any] = dict(choices)
    for name in ("score_options", "strategy_options"):
        fields[name] = dict(fields.get(name, ()))
    return SelectionConfig(**fields)


def hardest_first(score: ScoreValues, indices: NDArray[Any]) -> NDArray[np.intp]:
    """Return samples in the order of the ranking."""
    found = np.asarray(indices, dtype=np.intp)
    return found[np.argsort(score.ranks()[found], kind="stable")]


def scores_export(
    summary: RunSummary, name: str, options: Options, *, over_seeds: bool = False
) -> Export:
    """Return the CSV of one score with provenance, as the command line writes it."""
    dynamics = open_dynamics(summary.version)
    score = score_values(summary.version, name, options)
    return workflows.export_scores(
        _run(summary.folder), score, dynamics=dynamics, over_seeds=over_seeds
    )


def coreset_export(summary: RunSummary, choices: Options) -> Export:
    """Return the CSV of a coreset with provenance, as the command line writes it."""
    reviews = current_statuses(_run(summary.folder))
    stamp = (reviews.last_event, reviews.second_reading)
    averaged = _averaged_versions(summary.folder, choices)
    return _coreset_export(summary.version, summary.folder, choices, (stamp, averaged), reviews)


@st.cache_resource(max_entries=8, show_spinner="Writing the table…")
def _coreset_export(
    version: RunVersion, folder: str, choices: Options, stamp: tuple[Any, ...], _reviews: Any
) -> Export:
    """Write the table once for each state of the review, and of the runs that are averaged."""
    del stamp
    return workflows.export_coreset(
        _run(folder),
        selection_config(choices),
        dynamics=open_dynamics(version),
        reviews=_reviews,
    )


def _run(folder: str) -> Run:
    """Open the run in a folder."""
    return store().at(folder)


def read_metrics(folder: str) -> list[dict[str, Any]]:
    """Return one record per complete epoch."""
    return _run(folder).metrics()


def read_log(folder: str) -> str:
    """Return the end of the training log."""
    return _run(folder).log_tail(100)


@st.cache_data(ttl=5, show_spinner=False)
def list_present_datasets(root: str) -> list[DatasetInfo]:
    """Return the datasets that need no download."""
    if root:
        check_within(Path(root), allowed_roots())
        if not Path(root).is_dir():
            raise CoresetError(f"folder {root} was not found. Give a folder that exists.")
    found = list_datasets(root or None)
    itself = folder_itself(Path(root)) if root else None
    if itself is not None and itself.name not in {info.name for info in found}:
        found.append(itself)
    return [info for info in found if info.is_present and not info.problem]


@st.cache_data(show_spinner=False)
def has_gpu() -> bool:
    """Return whether training may use a GPU."""
    return may_have_gpu()


def find_datasets(root: str) -> list[str]:
    """Return the names of the datasets in an allowed folder."""
    check_within(Path(root), allowed_roots())
    found = dataset_paths(Path(root))
    return [path.name for path in found if is_within(path, allowed_roots())]


def start_run(config: TrainingConfig, *, n_runs: int = 1, with_event_files: bool = False) -> str:
    """Start a training in the background, with so many seeds; return the id of the first run."""
    configs = [replace(config, seed=config.seed + number) for number in range(n_runs)]
    runs, _ = workflows.create_runs(
        configs, cache=default_cache(), event_files=with_event_files, roots=allowed_roots()
    )
    workflows.start_runs(runs)
    return runs[0].run_id


def keep_label_table(content: bytes, name: str) -> tuple[str, str]:
    """Keep a table of labels for trainings; its name for them, and which rows count."""
    return workflows.keep_label_table(content, name, cache=default_cache())


def train_corrected(folder: str, labels: Export) -> str:
    """Start a training like a run's with corrected labels, and return its id."""
    return workflows.train_corrected(
        _run(folder), labels, cache=default_cache(), roots=allowed_roots()
    ).run_id


def run_report(folder: str, *, with_images: bool) -> bytes:
    """Return a run's report as one HTML page."""
    return workflows.run_report(
        _run(folder), cache=default_cache(), with_images=with_images, roots=allowed_roots()
    )


def prepare_run(config: TrainingConfig) -> str:
    """Create a run that somebody will train elsewhere, and return its id."""
    return workflows.prepare(config, cache=default_cache(), roots=allowed_roots()).run_id


def slurm_script(folder: str) -> str:
    """Return the script that trains a run in Slurm, with the options of the settings file."""
    return workflows.slurm_script(_run(folder))


def evaluation_script(evaluation: Evaluation) -> str:
    """Return the script whose tasks share the open trainings of a comparison in Slurm."""
    return workflows.evaluation_script(evaluation.plan, cache=default_cache())


def start_speed_probe(config: TrainingConfig) -> SpeedProbe:
    """Measure in the background how long a training will take, unless that is known."""
    if config.data_root:
        check_within(Path(config.data_root), allowed_roots())
    return speed_probes.start_probe(default_cache(), config)


def start_target_probe(config: TrainingConfig) -> SpeedProbe:
    """Measure how fast networks train on the dataset that a run names, as a comparison would."""
    return speed_probes.start_probe(default_cache(), config)


def speed_probe(config: TrainingConfig) -> SpeedProbe | None:
    """Return what is known of the speed of a training."""
    return speed_probes.read_probe(default_cache(), config)


def stop_run(folder: str) -> None:
    """Stop a run; its complete epochs are kept."""
    workflows.stop(_run(folder))


def resume_run(folder: str) -> None:
    """Go on with a run from its last checkpoint, in the background."""
    workflows.resume(_run(folder), roots=allowed_roots())


def name_run(folder: str, name: str, tags: str, note: str = "") -> None:
    """Call a run by a name, by tags that commas separate, and put down a note."""
    check_permission("change runs")
    write_naming(_run(folder).paths, Naming(name=name, tags=tuple(tags.split(",")), note=note))


def archive_run(folder: str, *, is_archived: bool) -> None:
    """Take a run out of the lists, or put it back; its files stay where they are."""
    check_permission("change runs")
    paths = _run(folder).paths
    naming = read_naming(paths)
    others = tuple(tag for tag in naming.tags if tag != ARCHIVED)
    write_naming(paths, replace(naming, tags=(*others, ARCHIVED) if is_archived else others))


def what_depends_on(run_id: str) -> list[str]:
    """Say what would lose its run: comparisons, refinements and ensembles of it."""
    cache = default_cache()
    n_comparisons = len(workflows.evaluations(run_id, cache=cache))
    n_refinements = len(workflows.refinements(run_id, cache=cache))
    ensembles = [
        run.run_id
        for run in store().runs()
        if summarise(run).state != DAMAGED and run_id in run.manifest.members
    ]
    found = [
        f"{n} {what if n > 1 else what[:-1]}"
        for n, what in ((n_comparisons, "comparisons"), (n_refinements, "refinements"))
        if n
    ]
    return [*found, *(f"the ensemble {name}" for name in ensembles)]


@st.cache_data(ttl=60, max_entries=500, show_spinner=False)
def disk_use(version: RunVersion) -> int:
    """Return the bytes of a run's files, as they were at most a minute ago."""
    return folder_bytes(Path(version.folder))


@st.cache_data(max_entries=500, show_spinner=False)
def last_accuracy(version: RunVersion) -> float | None:
    """Return the validation accuracy of the last recorded epoch, 0 to 1, where it is known."""
    metrics = _run(version.folder).metrics()
    return metrics[-1].get("val_accuracy") if metrics else None


def waiting_runs() -> list[QueueEntry]:
    """Return the runs that wait for a device, in their order."""
    return queue.queue(default_cache())


def move_run(folder: str, position: int) -> None:
    """Give a waiting run another place in the queue."""
    queue.move(_run(folder), position)


def repetitions(summary: RunSummary) -> list[Run]:
    """Return the finished runs that differ from a run in their seed only, and the run itself."""
    if summary.state != "finished":
        return []
    return workflows.repetitions(_run(summary.folder), cache=default_cache())


@st.cache_data(ttl=5, show_spinner=False)
def count_repetitions(folder: str, state: str) -> int:
    """Return how many finished runs there are of a run's recipe, itself among them."""
    if state != "finished":
        return 0
    return len(workflows.repetitions(_run(folder), cache=default_cache()))


def is_averaged(runs: Sequence[Run]) -> bool:
    """Whether an ensemble of just these runs is there already."""
    wanted = {run.run_id for run in runs}
    members = [_members(summary) for summary in run_summaries() if summary.state == "finished"]
    return any(set(found) == wanted for found in members)


def _members(summary: RunSummary) -> tuple[str, ...]:
    """Return the runs that an ensemble is the average of."""
    return manifest_of(summary.folder).members


def average(runs: Sequence[Run]) -> str:
    """Average runs into an ensemble and return its id."""
    return workflows.average(runs, cache=default_cache()).run_id


def stability(runs: Sequence[Run], name: str, options: Options) -> RankStability:
    """Compare a score over runs that differ in their seed only."""
    versions = tuple(summarise(run).version for run in runs)
    return _stability(versions, name, options)


@st.cache_resource(max_entries=8, show_spinner="Comparing the runs…")
def _stability(versions: tuple[RunVersion, ...], name: str, options: Options) -> RankStability:
    """Compare a score over runs, each read once."""
    return rank_stability([score_values(version, name, options) for version in versions])


def coreset_overlaps(runs: Sequence[Run], choices: Options) -> NDArray[np.float64]:
    """Return what each two of the coresets share that runs give by the same choices."""
    versions = [summarise(run).version for run in runs]
    return overlaps([chosen_coreset(version, choices)[0].indices for version in versions])


def delete_run(folder: str) -> None:
    """Remove a run from the disk."""
    check_permission("delete runs")
    store().delete(_run(folder))


@st.cache_resource(max_entries=32, show_spinner=False)
def window_variances(
    version: RunVersion, early: Window, late: Window
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two parts of EVA of every sample: early and late variance."""
    dynamics = open_dynamics(version)
    return windowed_variance(dynamics, early), windowed_variance(dynamics, late)


@st.cache_data(max_entries=32, show_spinner=False)
def movement_of(version: RunVersion) -> NDArray[np.float64]:
    """Return how far the population moves in each epoch."""
    return mean_movement(open_dynamics(version))


def moving_windows(version: RunVersion, length: int | None = None) -> tuple[Window, Window]:
    """Return an early and a late window where the population still moves."""
    return suggest_windows(movement_of(version), length)


@st.cache_resource(max_entries=8, show_spinner=False)
def not_learned_early(version: RunVersion) -> NDArray[np.bool_]:
    """Return which samples were wrong in most of the first ten epochs."""
    return find_not_learned_early(open_dynamics(version))


def shares_of_windows(version: RunVersion, early: Window, late: Window) -> tuple[float, float]:
    """Return the share of each window in the EVA score of all samples together."""
    return shares_of_sums(*window_variances(version, early, late))


@st.cache_resource(max_entries=8, show_spinner=False)
def forgetting_events(version: RunVersion) -> NDArray[np.int64]:
    """Return the forgetting events of every sample."""
    return count_forgetting_events(open_dynamics(version))


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=ANY_EPOCH)
def column_slices(version: RunVersion, column: str) -> Slices:
    """Return the slices that a column of the person's own table makes."""
    return slices_of(read_samples(version)[column])


def find(summary: RunSummary, score: ScoreValues, query: SampleQuery) -> NDArray[np.intp]:
    """Return the samples that a query fits, hardest first."""
    order = score.order()
    if query == SampleQuery():
        return order
    version = summary.version
    samples = read_samples(summary.version)
    wanted = shapes(version).shape if query.shape is not None else None
    return order[find_samples(query, samples, score, wanted)[order]]


def ranking_rows(
    summary: RunSummary,
    score: ScoreValues,
    found: NDArray[np.intp],
    *,
    n_points: int = 40,
    stability: RankStability | None = None,
) -> pd.DataFrame:
    """Return some samples with rank and trajectory, thinned for a sparkline.

    With ``stability`` also in how many of the runs each is among the hardest tenth.
    """
    version = summary.version
    dynamics = open_dynamics(version)
    order = found
    samples = read_samples(summary.version).iloc[order]
    epochs = np.unique(np.linspace(0, dynamics.n_epochs - 1, n_points).round().astype(int))
    history = np.nan_to_num(dynamics.histories("error_norm", order, rows=epochs).T)
    often = (
        {} if stability is None else {HARDEST_TENTH: [stability.in_words(int(i)) for i in order]}
    )
    return pd.DataFrame(
        {
            "rank": score.ranks()[order],
            "sample": samples["sample_id"].to_numpy(),
            "class": samples["class_name"].to_numpy(),
            score.name: score.values[order],
            **often,
            "forgotten": forgetting_events(version)[order],
            "error over time": list(history.round(3)),
            "index": order,
        }
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def never_learned(version: RunVersion) -> NDArray[np.bool_]:
    """Return which samples were wrong in every epoch."""
    return find_never_learned(open_dynamics(version))


def coreset_form(
    summary: RunSummary, export: Export, form: str, *, with_uids: bool = False
) -> dict[str, bytes]:
    """Return a coreset in the form of another program: file names and contents."""
    return FORMS[form].make(chosen_samples(export, _run(summary.folder)), with_uids)


@st.cache_resource(max_entries=8, show_spinner=False)
def shapes(version: RunVersion) -> CurveShapes:
    """Return the shape of every sample's history."""
    return curve_shapes(open_dynamics(version))


@st.cache_resource(max_entries=8, show_spinner=False)
def confused_pairs(version: RunVersion) -> list[ConfusedPair]:
    """Return the classes most often taken for one another."""
    return most_confused_pairs(open_dynamics(version))


@st.cache_resource(max_entries=8, show_spinner=False)
def confusion(version: RunVersion) -> NDArray[np.float64]:
    """Return how many samples of each class (rows) were taken for each (columns) per epoch."""
    return confusion_per_epoch(open_dynamics(version))


@st.cache_resource(max_entries=64, show_spinner=False)
def taken_for(version: RunVersion, label: int, predicted: int) -> NDArray[np.intp]:
    """Return the samples of a class that were taken for another, most often first."""
    return samples_taken_for(open_dynamics(version), label, predicted)[0]


@st.cache_resource(max_entries=8, show_spinner=False)
def data_map_of(version: RunVersion) -> DataMap:
    """Return confidence, variability and correctness of every sample."""
    return data_map(open_dynamics(version))


def has_embedding(folder: str) -> bool:
    """Whether the run has the features that strategies measure distances in."""
    return _run(folder).paths.embedding.exists()


def manifest_of(folder: str) -> Manifest:
    """Return what was run."""
    return _run(folder).manifest


def quick_check(summary: RunSummary, indices: NDArray[np.intp]) -> QuickCheck | None:
    """Return the quick check of a coreset as it is now; None if it was never started."""
    return workflows.quick_check(_run(summary.folder), indices, cache=default_cache())


def start_quick_check(summary: RunSummary, indices: NDArray[np.intp]) -> None:
    """Start the quick check of a coreset in the background, or go on with it."""
    workflows.start_quick_check(_run(summary.folder), indices, cache=default_cache())


def stop_quick_check(check: QuickCheck) -> None:
    """End a quick check; its finished trainings are kept."""
    workflows.stop_quick_check(check)


def evaluations(run_id: str) -> list[Evaluation]:
    """Return the comparisons of a run as they are now, newest first."""
    return workflows.evaluations(run_id, cache=default_cache())


def comparison_cost(plan: EvaluationPlan) -> Cost:
    """Return what a comparison would still train."""
    return workflows.comparison_cost(plan, cache=default_cache())


def start_evaluation(plan: EvaluationPlan) -> None:
    """Start a comparison in the background, or go on with it."""
    workflows.start_evaluation(plan, cache=default_cache())


def stop_evaluation(evaluation: Evaluation) -> None:
    """End a comparison; its finished trainings are kept."""
    workflows.stop_evaluation(evaluation)


def evaluation_standings(evaluation: Evaluation, figure: str) -> list[Standing]:
    """Return how the strategies stand whose trainings are finished."""
    paths, plan = evaluation.paths, evaluation.plan
    cells = read_cells(paths, plan)
    # The seconds of a training tell it from one that takes its place.
    stamp = tuple((cell.key, float(record["seconds"])) for cell, record in cells.items())
    return _evaluation_standings(str(paths.root), stamp, figure, evaluation, cells)


@st.cache_data(max_entries=16, show_spinner="Computing intervals…")
def _evaluation_standings(
    root: str,
    stamp: tuple[tuple[str, float], ...],
    figure: str,
    _evaluation: Evaluation,
    _cells: Cells,
) -> list[Standing]:
    """Judge anew once more is finished: predictions of many networks are read for it."""
    del root, stamp  # parts of the key
    return standings(_evaluation.paths, _evaluation.plan, _cells, figure=figure)


@st.cache_data(max_entries=16, show_spinner=False)
def tied_scores(version: RunVersion, evaluation_id: str, _plan: EvaluationPlan) -> list[str]:
    """Say which scores of a comparison tie most samples."""
    del evaluation_id
    return find_tied_scores(open_dynamics(version), _plan)


def window_grid(evaluation: Evaluation, arm: Arm, rate: float) -> pd.DataFrame:
    """Return what every pair of windows reached on validation."""
    cells = read_cells(evaluation.paths, evaluation.plan)
    return find_window_grid(evaluation.plan, cells, arm, rate)


def evaluation_export(evaluation: Evaluation, figure: str = FIGURES[0]) -> Export:
    """Return the results with provenance, as the command line writes them."""
    return workflows.export_evaluation(evaluation, figure=figure)


def folder_of(run_id: str) -> str:
    """Return the folder of a run."""
    return str(store().find(run_id).paths.root)
