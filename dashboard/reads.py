"""Cached reads of runs and their numbers; everything is computed by the library."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.cache import allowed_roots, default_cache
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import DatasetInfo, LabeledImages, list_datasets, load_configured
from coreset_lib.datasets.checking.suggestion import may_have_gpu
from coreset_lib.datasets.dataset_list import dataset_paths
from coreset_lib.datasets.sources.listing import check_within, is_within
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.arms import make_arms as make_arms
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.probe import LinearProbe, ProbeResult
from coreset_lib.evaluation.report import export_results
from coreset_lib.evaluation.results import read_cells, summary_table
from coreset_lib.evaluation.window_grid import window_grid as find_window_grid
from coreset_lib.export.other_tools import fiftyone_file, indices_file
from coreset_lib.export.provenance import Export, export_coreset, export_scores
from coreset_lib.jobs import evaluations as evaluation_jobs
from coreset_lib.jobs import speed_probes
from coreset_lib.jobs.device_queue import queue
from coreset_lib.jobs.device_queue.queue import QueueEntry
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.jobs.executor import executor_of
from coreset_lib.jobs.processes import local
from coreset_lib.jobs.slurm import evaluations as slurm_evaluations
from coreset_lib.jobs.slurm.executor import sbatch_script
from coreset_lib.jobs.slurm.options import slurm_options
from coreset_lib.jobs.speed_probes import SpeedProbe
from coreset_lib.jobs.states import open_store
from coreset_lib.runs.create import create_run
from coreset_lib.runs.naming import Naming, write_naming
from coreset_lib.runs.paths import RunPaths, runs_folder
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.resume import check_resumable, check_same_dataset, plain_config
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.runs.summary import RunSummary, summarise
from coreset_lib.runs.tensorboard import check_tensorboard, request_event_files
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.confusion import ConfusedPair, most_confused_pairs
from coreset_lib.scores.curve_shapes import CurveShapes, curve_shapes
from coreset_lib.scores.data_map import DataMap, data_map
from coreset_lib.scores.eva import windowed_variance
from coreset_lib.scores.forgetting import (
    count_forgetting_events,
    find_never_learned,
    find_not_learned_early,
)
from coreset_lib.scores.movement import moving_windows as find_moving_windows
from coreset_lib.scores.movement import shares_of_sums
from coreset_lib.scores.population import epoch_quantiles
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery, find_samples
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.selection.problem import Selection
from coreset_lib.windows import Window

Options = tuple[tuple[str, Any], ...]
SLURM_TASKS = 8


def store() -> RunStore:
    """Return the runs of the cache that the dashboard was started on."""
    return open_store(default_cache())


def run_summaries() -> list[RunSummary]:
    """Return every run as it is now, newest first."""
    return [summarise(run) for run in store().runs()]


def run_summary(run_id: str) -> RunSummary | None:
    """Return one run as it is now, None if there is none of this name."""
    paths = RunPaths(runs_folder(default_cache()) / run_id)
    return summarise(store().at(paths.root)) if paths.root.is_dir() else None


def window_options(score: str, **windows: Any) -> Options:
    """Return those of the given windows that the score takes, ready to be a cache key."""
    return tuple((name, w) for name, w in windows.items() if name in SCORES[score].options)


def open_dynamics(folder: str, created: str, n_epochs: int) -> TrainingDynamics:
    """Memory-map the planes of a run, as far as it was when its status was read."""
    added_later = _run(folder).paths.vog_pixel
    stamp = added_later.stat().st_mtime if added_later.exists() else None
    return _open_dynamics(folder, created, n_epochs, stamp)


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_dynamics(
    folder: str, created: str, n_epochs: int, stamp: float | None
) -> TrainingDynamics:
    """Open the planes; another stamp means that something was added to the run."""
    del created, stamp  # parts of the key: another run may take the folder's name
    return replace(_run(folder).dynamics(), n_epochs=n_epochs)


@st.cache_resource(max_entries=8, show_spinner=False)
def read_samples(folder: str, created: str) -> pd.DataFrame:
    """Return the table of training samples."""
    del created
    return _run(folder).samples()


@st.cache_data(max_entries=16, show_spinner="Summarising the population…")
def population_bands(folder: str, created: str, n_epochs: int) -> NDArray[np.float64]:
    """Return quantiles of the error score, shape (epochs, 5)."""
    return epoch_quantiles(open_dynamics(folder, created, n_epochs), "error_norm")


@st.cache_resource(max_entries=64, show_spinner=False)
def score_values(
    folder: str, created: str, n_epochs: int, name: str, options: Options
) -> ScoreValues:
    """Return one score of every training sample."""
    return compute_score(open_dynamics(folder, created, n_epochs), name, dict(options))


@st.cache_resource(max_entries=64, show_spinner="Choosing the coreset…")
def chosen_coreset(
    folder: str, created: str, n_epochs: int, choices: Options
) -> tuple[Selection, ScoreValues | None]:
    """Return a coreset and the score it was chosen by."""
    config = selection_config(choices)
    dynamics = open_dynamics(folder, created, n_epochs)
    score = None
    if config.score is not None:
        options = tuple(config.score_options.items())
        score = score_values(folder, created, n_epochs, config.score, options)
    selection = select_coreset(
        dynamics, config, score=score, features=lambda: _run(folder).features(config.features)
    )
    return selection, score


@st.cache_resource(max_entries=4, show_spinner="Loading the images…")
def load_images(folder: str, created: str) -> LabeledImages | str:
    """Return the run's images, or one sentence on why they cannot be shown."""
    del created
    run = _run(folder)
    try:
        dataset = load_configured(plain_config(run.paths), cache=run.paths.cache)
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


def scores_export(summary: RunSummary, name: str, options: Options) -> Export:
    """Return the CSV of one score with provenance, as the command line writes it."""
    run = _run(summary.folder)
    dynamics = open_dynamics(summary.folder, summary.created, summary.epoch)
    score = score_values(summary.folder, summary.created, summary.epoch, name, options)
    return export_scores(run, score, dynamics)


def coreset_export(summary: RunSummary, choices: Options) -> Export:
    """Return the CSV of a coreset with provenance, as the command line writes it."""
    dynamics = open_dynamics(summary.folder, summary.created, summary.epoch)
    return export_coreset(_run(summary.folder), selection_config(choices), dynamics)


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
    return [info for info in list_datasets(root or None) if info.is_present and not info.problem]


@st.cache_data(show_spinner=False)
def has_gpu() -> bool:
    """Return whether training may use a GPU."""
    return may_have_gpu()


def find_datasets(root: str) -> list[str]:
    """Return the names of the datasets in an allowed folder."""
    check_within(Path(root), allowed_roots())
    found = dataset_paths(Path(root))
    return [path.name for path in found if is_within(path, allowed_roots())]


def start_run(config: TrainingConfig, *, with_event_files: bool = False) -> str:
    """Start a training run in the background and return its id."""
    if with_event_files:
        check_tensorboard()
    dataset = load_configured(config, cache=default_cache(), roots=allowed_roots())
    paths = create_run(default_cache(), config, dataset)
    if with_event_files:
        request_event_files(paths)
    local.start(paths)
    return paths.root.name


def prepare_run(config: TrainingConfig) -> str:
    """Create a run that somebody will train elsewhere, and return its id."""
    dataset = load_configured(config, cache=default_cache(), roots=allowed_roots())
    paths = create_run(default_cache(), config, dataset)
    write_status(paths, replace(Run(paths).status(), state="stopped"))
    return paths.root.name


def slurm_script(folder: str) -> str:
    """Return the script that trains a run in Slurm, with the options of the settings file."""
    run = _run(folder)
    return sbatch_script([run.paths], slurm_options(run.paths.cache))


def evaluation_script(evaluation: Evaluation) -> str:
    """Return the script whose tasks share the open trainings of a comparison in Slurm."""
    cache = default_cache()
    options = slurm_options(cache)
    return slurm_evaluations.evaluation_script(
        cache, evaluation.plan, evaluation.paths, options, n_tasks=SLURM_TASKS
    )


def start_speed_probe(config: TrainingConfig) -> SpeedProbe:
    """Measure in the background how long a training will take, unless that is known."""
    if config.data_root:
        check_within(Path(config.data_root), allowed_roots())
    return speed_probes.start_probe(default_cache(), config)


def speed_probe(config: TrainingConfig) -> SpeedProbe | None:
    """Return what is known of the speed of a training."""
    return speed_probes.read_probe(default_cache(), config)


def stop_run(folder: str) -> None:
    """Stop a run; its complete epochs are kept."""
    run = _run(folder)
    executor_of(run).stop(run)


def resume_run(folder: str) -> None:
    """Go on with a run from its last checkpoint, in the background."""
    run = _run(folder)
    check_resumable(run)
    config = plain_config(run.paths)
    dataset = load_configured(config, cache=run.paths.cache, roots=allowed_roots())
    check_same_dataset(run, dataset.fingerprint())
    executor_of(run).start(run.paths)


def name_run(folder: str, name: str, tags: str) -> None:
    """Call a run by a name, and by tags that commas separate."""
    write_naming(_run(folder).paths, Naming(name=name, tags=tuple(tags.split(","))))


def waiting_runs() -> list[QueueEntry]:
    """Return the runs that wait for a device, in their order."""
    return queue.queue(default_cache())


def move_run(folder: str, position: int) -> None:
    """Give a waiting run another place in the queue."""
    queue.move(_run(folder), position)


def delete_run(folder: str) -> None:
    """Remove a run from the disk."""
    store().delete(_run(folder))


@st.cache_resource(max_entries=32, show_spinner=False)
def window_variances(
    folder: str, created: str, n_epochs: int, early: Window, late: Window
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two parts of EVA of every sample: early and late variance."""
    dynamics = open_dynamics(folder, created, n_epochs)
    return windowed_variance(dynamics, early), windowed_variance(dynamics, late)


@st.cache_data(max_entries=32, show_spinner=False)
def moving_windows(folder: str, created: str, n_epochs: int) -> tuple[Window, Window]:
    """Return an early and a late window where the population still moves."""
    return find_moving_windows(open_dynamics(folder, created, n_epochs))


@st.cache_resource(max_entries=8, show_spinner=False)
def not_learned_early(folder: str, created: str, n_epochs: int) -> NDArray[np.bool_]:
    """Return which samples were wrong in most of the first ten epochs."""
    return find_not_learned_early(open_dynamics(folder, created, n_epochs))


def shares_of_windows(
    folder: str, created: str, n_epochs: int, early: Window, late: Window
) -> tuple[float, float]:
    """Return the share of each window in the EVA score of all samples together."""
    return shares_of_sums(*window_variances(folder, created, n_epochs, early, late))


@st.cache_resource(max_entries=8, show_spinner=False)
def forgetting_events(folder: str, created: str, n_epochs: int) -> NDArray[np.int64]:
    """Return the forgetting events of every sample."""
    return count_forgetting_events(open_dynamics(folder, created, n_epochs))


def find(summary: RunSummary, score: ScoreValues, query: SampleQuery) -> NDArray[np.intp]:
    """Return the samples that a query fits, hardest first."""
    order = score.order()
    if query == SampleQuery():
        return order
    key = (summary.folder, summary.created, summary.epoch)
    samples = read_samples(summary.folder, summary.created)
    wanted = shapes(*key).shape if query.shape is not None else None
    return order[find_samples(query, samples, score, wanted)[order]]


def ranking_rows(
    summary: RunSummary, score: ScoreValues, found: NDArray[np.intp], *, n_points: int = 40
) -> pd.DataFrame:
    """Return some samples with rank and trajectory, thinned for a sparkline."""
    key = (summary.folder, summary.created, summary.epoch)
    dynamics = open_dynamics(*key)
    order = found
    samples = read_samples(summary.folder, summary.created).iloc[order]
    epochs = np.unique(np.linspace(0, dynamics.n_epochs - 1, n_points).round().astype(int))
    history = np.nan_to_num(dynamics.histories("error_norm", order, rows=epochs).T)
    return pd.DataFrame(
        {
            "rank": score.ranks()[order],
            "sample": samples["sample_id"].to_numpy(),
            "class": samples["class_name"].to_numpy(),
            score.name: score.values[order],
            "forgotten": forgetting_events(*key)[order],
            "error over time": list(history.round(3)),
            "index": order,
        }
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def never_learned(folder: str, created: str, n_epochs: int) -> NDArray[np.bool_]:
    """Return which samples were wrong in every epoch."""
    return find_never_learned(open_dynamics(folder, created, n_epochs))


@st.cache_resource(max_entries=4, show_spinner=False)
def _linear_probe(folder: str, created: str, is_there: tuple[bool, ...]) -> LinearProbe | None:
    """Return the run's probe; None while its embedding is not there."""
    del created, is_there
    run = _run(folder)
    embedding, validation = run.features("surrogate"), run.validation()
    if embedding is None or validation is None:
        return None
    return LinearProbe.prepare(
        embedding,
        run.labels(),
        *validation,
        len(run.manifest.dataset.class_names),
        multi_hot=run.multi_hot(),
        val_multi_hot=run.val_multi_hot(),
    )


def probe_coreset(folder: str, created: str, n_epochs: int, choices: Options) -> ProbeResult | None:
    """Judge a coreset quickly beside random ones; None without an embedding."""
    paths = _run(folder).paths
    parts = (paths.embedding, paths.val_embedding, paths.val_labels)
    is_there = tuple(part.exists() for part in parts)  # "not yet" is asked again
    return _probe_coreset(folder, created, n_epochs, choices, is_there)


@st.cache_data(max_entries=64, show_spinner="Probing…")
def _probe_coreset(
    folder: str, created: str, n_epochs: int, choices: Options, is_there: tuple[bool, ...]
) -> ProbeResult | None:
    """Judge a coreset with what is there."""
    probe = _linear_probe(folder, created, is_there)
    if probe is None:
        return None
    selection, _ = chosen_coreset(folder, created, n_epochs, choices)
    return probe.compare_with_random(selection.indices)


def coreset_indices(summary: RunSummary, choices: Options) -> bytes:
    """Return the chosen indices as a ``.npy`` file, for ``torch.utils.data.Subset``."""
    key = (summary.folder, summary.created, summary.epoch)
    return indices_file(chosen_coreset(*key, choices)[0].indices)


def coreset_for_fiftyone(summary: RunSummary, choices: Options) -> bytes:
    """Return the coreset in the form that FiftyOne imports."""
    key = (summary.folder, summary.created, summary.epoch)
    samples = read_samples(summary.folder, summary.created)
    return fiftyone_file(samples, *chosen_coreset(*key, choices))


@st.cache_resource(max_entries=8, show_spinner=False)
def shapes(folder: str, created: str, n_epochs: int) -> CurveShapes:
    """Return the shape of every sample's history."""
    return curve_shapes(open_dynamics(folder, created, n_epochs))


@st.cache_resource(max_entries=8, show_spinner=False)
def confused_pairs(folder: str, created: str, n_epochs: int) -> list[ConfusedPair]:
    """Return the classes most often taken for one another."""
    return most_confused_pairs(open_dynamics(folder, created, n_epochs))


@st.cache_resource(max_entries=8, show_spinner=False)
def data_map_of(folder: str, created: str, n_epochs: int) -> DataMap:
    """Return confidence, variability and correctness of every sample."""
    return data_map(open_dynamics(folder, created, n_epochs))


def has_embedding(folder: str) -> bool:
    """Whether the run has the features that strategies measure distances in."""
    return _run(folder).paths.embedding.exists()


def manifest_of(folder: str) -> Manifest:
    """Return what was run."""
    return _run(folder).manifest


def evaluations(run_id: str) -> list[Evaluation]:
    """Return the comparisons of a run as they are now, newest first."""
    return evaluation_jobs.evaluations_of(default_cache(), run_id)


def start_evaluation(plan: EvaluationPlan) -> None:
    """Start a comparison in the background, or go on with it."""
    evaluation_jobs.start(default_cache(), plan)


def stop_evaluation(evaluation: Evaluation) -> None:
    """End a comparison; its finished trainings are kept."""
    evaluation_jobs.stop(evaluation.paths, evaluation.plan)


def evaluation_table(evaluation: Evaluation, figure: str) -> pd.DataFrame:
    """Return the results of the finished cells."""
    cells = read_cells(evaluation.paths, evaluation.plan)
    return summary_table(evaluation.plan, cells, figure=figure)


def window_grid(evaluation: Evaluation, arm: Arm, rate: float) -> pd.DataFrame:
    """Return what every pair of windows reached on validation."""
    cells = read_cells(evaluation.paths, evaluation.plan)
    return find_window_grid(evaluation.plan, cells, arm, rate)


def evaluation_export(evaluation: Evaluation) -> Export:
    """Return the results with provenance, as the command line writes them."""
    return export_results(evaluation.paths, evaluation.plan, store().find(evaluation.plan.run_id))


def folder_of(run_id: str) -> str:
    """Return the folder of a run."""
    return str(store().find(run_id).paths.root)
