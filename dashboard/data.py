"""Cached reads of runs and their numbers; everything is computed by the library."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export, export_coreset, export_scores
from coreset_lib.runs.store import Run, RunStore, default_cache
from coreset_lib.runs.summary import RunSummary, summarise
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.population import epoch_quantiles
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.selection.problem import Selection

Options = tuple[tuple[str, Any], ...]


def store() -> RunStore:
    """Return the runs of the cache that the dashboard was started on."""
    return RunStore(default_cache())


def run_summaries() -> list[RunSummary]:
    """Return every run as it is now, newest first."""
    return [summarise(run) for run in store().runs()]


def window_options(score: str, **windows: Any) -> Options:
    """Return those of the given windows that the score takes, ready to be a cache key."""
    return tuple((name, w) for name, w in windows.items() if name in SCORES[score].options)


@st.cache_resource(max_entries=16, show_spinner=False)
def open_dynamics(folder: str, created: str, n_epochs: int) -> TrainingDynamics:
    """Memory-map the planes of a run with as many complete epochs as were seen."""
    del created, n_epochs  # part of the key: a growing run is opened anew
    return _run(folder).dynamics()


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


@st.cache_resource(max_entries=32, show_spinner=False)
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
    return select_coreset(dynamics, config, score=score), score


@st.cache_resource(max_entries=4, show_spinner="Loading the images…")
def load_images(folder: str, created: str) -> LabeledImages | str:
    """Return the run's images, or one sentence on why they cannot be shown."""
    del created
    run = _run(folder)
    config = run.manifest.config
    try:
        dataset = load_dataset(
            config["dataset"], data_root=config["data_root"], image_size=config["image_size"]
        )
    except CoresetError as error:
        return f"The images of this run cannot be shown here: {error}"
    if dataset.fingerprint() != run.manifest.dataset.fingerprint:
        return "The images of this run cannot be shown: the dataset has changed since."
    return dataset


def selection_config(choices: Options) -> SelectionConfig:
    """Return the selection that the choices of a page stand for."""
    fields = dict(choices)
    return SelectionConfig(**fields | {"score_options": dict(fields.get("score_options", ()))})


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
