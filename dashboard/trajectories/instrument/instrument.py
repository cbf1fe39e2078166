"""Plot, live ranking, focused sample and coreset strip as one component, and what it reports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.components.v2 import component

from coreset_lib.scores.score import ScoreValues
from coreset_lib.windows import Window
from dashboard.shared.windows.window_brush import BRUSH_SCRIPTS, Surroundings, brush_source

N_POINTS = 42


@dataclass(frozen=True, kw_only=True)
class RankedSamples:
    """The samples that rank first, as the server has computed it.

    Attributes
    ----------
    samples : int array, shape (few,)
        Hardest first.
    ranks : int array, shape (few,)
        Among all samples; they have gaps where a search leaves some out.
    values : float array, shape (few,)
    names : sequence of str
    labels : int array, shape (few,)
    histories : float array, shape (few, points), or None
        Thinned; None where the browser finds the rows itself.
    """

    samples: NDArray[np.intp]
    ranks: NDArray[np.int64]
    values: NDArray[np.float64]
    names: Sequence[str]
    labels: NDArray[np.int64]
    histories: NDArray[np.floating[Any]] | None

    def as_dict(self) -> dict[str, Any]:
        """Return what the browser reads; None where nothing was recorded."""
        found = () if self.histories is None else np.round(self.histories.astype(float), 3)
        histories = [[v if np.isfinite(v) else None for v in history] for history in found]
        return {
            "top": self.samples.tolist(),
            "ranks": self.ranks.tolist(),
            "scores": self.values.tolist(),
            "names": list(self.names),
            "labels": self.labels.tolist(),
            "histories": histories,
        }


@dataclass(frozen=True, kw_only=True)
class Board:
    """What the instrument shows beside the plot.

    Attributes
    ----------
    ranking : RankedSamples
    problem : str
        Why there is no ranking; empty if there is one.
    live : mapping, optional
        What the browser's worker needs; None where rankings follow after the release only.
    hint : str
        One sentence under the ranking.
    n_kept, percent : int
        Samples in the coreset, and the share they are of all.
    n_samples : int
    class_names : sequence of str
    focus : int
    follows_hardest : bool
        Whether nobody has focused a sample: then the hardest one is looked at.
    selected : sequence of int
    has_images : bool
    box : Window, optional
        Epochs that are boxed; given only where the lines are fixed, as in the paper's figure.
    movement : float array, shape (epochs,)
        As :func:`coreset_lib.scores.movement.shares_of_movement` gives it.
    windows : sequence of str
        Windows of the page that the score reads.
    is_variance : bool
        Whether the score is built of variances, not means.
    """

    ranking: RankedSamples
    problem: str
    live: Mapping[str, Any] | None
    hint: str
    n_kept: int
    percent: int
    n_samples: int
    class_names: Sequence[str]
    focus: int
    follows_hardest: bool
    selected: Sequence[int]
    has_images: bool
    box: Window | None
    movement: NDArray[np.float64]
    windows: Sequence[str]
    is_variance: bool

    def as_dict(self) -> dict[str, Any]:
        """Return what the browser reads."""
        return {
            "ranking": self.ranking.as_dict(),
            "problem": self.problem,
            "live": self.live,
            "hint": self.hint,
            "coreset": {"kept": self.n_kept, "percent": self.percent},
            "n_samples": self.n_samples,
            "class_names": list(self.class_names),
            "focus": self.focus,
            "follows_hardest": self.follows_hardest,
            "selected": list(self.selected),
            "has_images": self.has_images,
            "box": None if self.box is None else [self.box.first, self.box.last],
            "is_figure": self.box is not None,
            "movement": [round(float(share), 6) for share in self.movement],
            "score": {"windows": list(self.windows), "is_variance": self.is_variance},
        }


def instrument_around(
    board: Board,
    key: str,
    *,
    on_focus: Callable[[int], None],
    on_tick: Callable[[int, bool], None],
    on_suggest: Callable[[], None],
) -> Surroundings:
    """Return what draws the instrument around the plot.

    Parameters
    ----------
    board : Board
    key : str
        Key of the brush.
    on_focus : callable
        Called with the sample that a person looks at.
    on_tick : callable
        Called with a sample and whether it is selected now.
    on_suggest : callable
        Called when a person asks for windows.
    """

    def focused() -> None:
        sample = _reported(key, "focused")
        if _is_sample(sample, board.n_samples):
            on_focus(sample)

    def ticked() -> None:
        report = _reported(key, "ticked")
        if not isinstance(report, Mapping) or type(report.get("is_on")) is not bool:
            return
        if _is_sample(report.get("sample"), board.n_samples):
            on_tick(report["sample"], report["is_on"])

    return Surroundings(
        component=_INSTRUMENT,
        data=board.as_dict(),
        callbacks={
            "on_focused_change": focused,
            "on_ticked_change": ticked,
            "on_suggested_change": on_suggest,
        },
    )


def rank_samples(
    score: ScoreValues,
    found: NDArray[np.intp],
    ids: NDArray[Any],
    labels: NDArray[np.int64],
    histories: NDArray[Any] | None,
) -> RankedSamples:
    """Return the samples of ``found`` with what the instrument says of them."""
    return RankedSamples(
        samples=found,
        ranks=score.ranks()[found],
        values=score.values[found],
        names=[str(name) for name in ids[found]],
        labels=labels[found],
        histories=histories,
    )


NO_SAMPLES = RankedSamples(
    samples=np.empty(0, np.intp),
    ranks=np.empty(0, np.int64),
    values=np.empty(0),
    names=(),
    labels=np.empty(0, np.int64),
    histories=None,
)


def _reported(key: str, name: str) -> Any:
    """Return what the browser reported under a name."""
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def _is_sample(value: Any, n_samples: int) -> bool:
    """Whether a report names a sample."""
    return type(value) is int and 0 <= value < n_samples


def _source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


# The files that ``live_ranking.js`` and the rest of the worker are made of are a script of their
# own, see ``dashboard.routes.answers``.
_SCRIPTS = (
    "instrument_link.js",
    "instrument_ranking.js",
    "instrument_card.js",
    "instrument_strip.js",
    "instrument_movement.js",
    "instrument_export.js",
    "instrument_board.js",
    "instrument_mount.js",
)

# Registered once, at import; a fresh runtime registers it again by itself.
_INSTRUMENT = component(
    "coreset_lens_instrument",
    html='<div class="instrument"><div class="brush"></div></div>',
    css=brush_source("window_brush.css") + _source("instrument.css"),
    js="\n".join([*map(brush_source, BRUSH_SCRIPTS), *map(_source, _SCRIPTS)]),
)
