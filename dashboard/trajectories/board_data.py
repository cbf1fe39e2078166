"""What the instrument shows of a run, read and put together; nothing is drawn here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.movement import shares_of_movement
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery
from coreset_lib.selection.budget import budget
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.routes.served_run import find_run
from dashboard.routes.table import is_served, source_of
from dashboard.trajectories.instrument.instrument import (
    N_POINTS,
    NO_SAMPLES,
    Board,
    RankedSamples,
    rank_samples,
)
from dashboard.trajectories.instrument.live_scores import LIVE_SCORES, windows_read

N_RANKED = 100
DEFAULT_PERCENT = 10
BOXED_EPOCHS = 10
NOT_SERVED = (
    "The ranking follows when you let go of a window: this page was not started by "
    "coreset-lens dashboard."
)
NOT_LIVE = "This score does not depend on the windows, or is computed when you let go of one."
EL2N = (
    "EL2N is fixed to the first epochs. To move its window, rank by the mean error in one window."
)
SEARCHED = "While a search is on, the ranking follows when you let go of a window."


@dataclass(frozen=True, kw_only=True)
class View:
    """What a person has chosen to look at; ``score`` is None where it cannot be computed."""

    summary: RunSummary
    name: str
    options: reads.Options
    early: Window
    late: Window
    score: ScoreValues | None
    problem: str
    query: SampleQuery
    focus: int
    is_focus_chosen: bool
    selected: tuple[int, ...]
    is_figure: bool = False


def window_options(
    name: str, options: reads.Options, early: Window, late: Window, *, in_window: bool
) -> reads.Options:
    """Return a score's options with the page's windows; an only window is the early one."""
    windows: dict[str, Any] = {"early": early, "late": late}
    if windows_read(name) == ("early",) and (in_window or name != "aum"):
        windows = {"window": early}
    return (*reads.window_options(name, **windows), *options)


def board_of(view: View) -> Board:
    """Put together what the instrument shows."""
    summary = view.summary
    dynamics = reads.open_dynamics(summary.version)
    live, hint = _live(view)
    percent = int(st.session_state.get("keep", DEFAULT_PERCENT))
    live_score = LIVE_SCORES.get(view.name)
    images = reads.load_images(summary.version)
    return Board(
        ranking=_ranking(view, with_histories=live is None),
        problem=view.problem,
        live=live,
        hint=hint,
        n_kept=budget(percent / 100, dynamics.n_samples),
        percent=percent,
        n_samples=dynamics.n_samples,
        class_names=dynamics.class_names,
        focus=view.focus,
        follows_hardest=not view.is_focus_chosen,
        selected=view.selected[:N_RANKED],
        has_images=isinstance(images, LabeledImages),
        box=Window(1, min(BOXED_EPOCHS, summary.epoch)) if view.is_figure else None,
        movement=shares_of_movement(reads.movement_of(summary.version)),
        windows=_windows(view),
        is_variance=live_score is not None and live_score.quantity == "variance",
    )


def found_samples(view: View) -> NDArray[np.intp]:
    """Return the samples that the search fits, hardest first."""
    if view.score is None:
        return np.empty(0, np.intp)
    return reads.find(view.summary, view.score, view.query)


def _windows(view: View) -> tuple[str, ...]:
    """Return which of the page's windows the chosen score reads as it is chosen now."""
    names = {name for name, value in view.options if isinstance(value, Window)}
    return tuple(w for w in ("early", "late") if w in names or (w == "early" and "window" in names))


def _live(view: View) -> tuple[dict[str, Any] | None, str]:
    """Return what the browser's worker needs; else None and one sentence on why not."""
    live_score = LIVE_SCORES.get(view.name)
    if live_score is None or _windows(view) != live_score.windows:
        return None, EL2N if view.name == "el2n" else NOT_LIVE
    if not is_served():
        return None, NOT_SERVED
    if view.query != SampleQuery():
        return None, SEARCHED
    try:
        run = find_run(view.summary.run_id)
    except CoresetError as error:
        return None, str(error)
    dynamics = run.dynamics
    percent = st.session_state.get("keep", DEFAULT_PERCENT)
    setup = {
        "source": source_of(run),
        "n_epochs": min(view.summary.epoch, run.n_epochs),
        "score": live_score.as_dict(view.name, dict(view.options)),
        "n_kept": budget(percent / 100, dynamics.n_samples),
        "n_classes": dynamics.n_classes,
    }
    return setup, ""


def _ranking(view: View, *, with_histories: bool) -> RankedSamples:
    """Return the samples that rank first of those that are looked for."""
    if view.score is None:
        return NO_SAMPLES
    summary = view.summary
    dynamics = reads.open_dynamics(summary.version)
    found = found_samples(view)[:N_RANKED]
    ids = reads.read_samples(summary.version)["sample_id"].to_numpy()
    histories = None
    if with_histories and len(found):
        epochs = np.unique(np.linspace(0, dynamics.n_epochs - 1, N_POINTS).round().astype(int))
        histories = dynamics.histories("error_norm", found, rows=epochs).T
    return rank_samples(view.score, found, ids, dynamics.labels, histories)
