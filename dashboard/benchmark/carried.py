"""What is on the screen of another page, carried over to be compared with random."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from coreset_lib.evaluation.plan import Arm, random_arm
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES, SelectionConfig
from dashboard.frame import go_to
from dashboard.reads import Options

STUDY = "benchmark-study"
CARRIED = "carried over"


def draw_benchmark_button(run_id: str, choices: Options, *, label: str, about: str) -> None:
    """Draw the button that takes a coreset, as it is chosen here, to the Benchmark page.

    Parameters
    ----------
    run_id : str
    choices : Options
        Fields of :class:`coreset_lib.selection.SelectionConfig`, options as pairs.
    label, about : str
        What the button says, and its tooltip.
    """
    if st.button(
        label,
        icon=":material/balance:",
        help=about,
        key=f"carry:{run_id}:{label}",
        on_click=carry_over,
        args=(run_id, choices),
    ):
        go_to("benchmark")


def carry_over(run_id: str, choices: Options) -> None:
    """Make a coreset what the Benchmark page offers first."""
    st.session_state[_key(run_id)] = selection_of(choices)
    st.session_state[STUDY] = CARRIED


def is_carried_over() -> bool:
    """Whether the page is to compare what was carried over."""
    return st.session_state.get(STUDY) == CARRIED


def carried_selection(run_id: str) -> SelectionConfig | None:
    """Return what was carried over in a run, if anything."""
    return st.session_state.get(_key(run_id))


def selection_of(choices: Options) -> SelectionConfig:
    """Return the selection that the fields of a page describe."""
    fields: dict[str, Any] = dict(choices)
    for name in ("score_options", "strategy_options"):
        given: Mapping[str, Any] = dict(fields.get(name, ()))
        fields[name] = {key: value for key, value in given.items() if value is not None}
    fields["score_options"] = {key: str(value) for key, value in fields["score_options"].items()}
    return SelectionConfig(**fields)


def arm_of(selection: SelectionConfig) -> Arm:
    """Return a carried coreset as a contestant; seeds and shares are those of the plan."""
    if selection.strategy == "random":
        return random_arm(selection.balance)
    windows = [str(selection.score_options[w]) for w in _windows(selection)]
    name = " ".join(
        [
            selection.strategy,
            *([selection.score] if selection.score else []),
            *windows,
            *_forced(selection),
        ]
    )
    usual = SelectionConfig()
    return Arm(name=name, variants=(replace(selection, rate=usual.rate, seed=usual.seed),))


def selection_in_words(selection: SelectionConfig) -> str:
    """Name everything that was carried over."""
    parts = [STRATEGIES[selection.strategy].title]
    if selection.score is not None and STRATEGIES[selection.strategy].needs_score:
        parts.append(SCORES[selection.score].title)
    parts += [f"{name} window {selection.score_options[name]}" for name in _windows(selection)]
    others = {**selection.strategy_options, **selection.score_options}
    parts += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in others.items()
        if name not in _windows(selection)
    ]
    parts.append(f"class balance {selection.balance}")
    parts.append(f"noise cut {100 * selection.noise_cut:g} %")
    parts += _forced(selection)
    return " · ".join([*parts, f"seeds from {selection.seed}"])


def _forced(selection: SelectionConfig) -> list[str]:
    """Say how many samples are forced in and kept out."""
    counts = ((len(selection.force_in), "forced in"), (len(selection.keep_out), "kept out"))
    return [f"{n} {word}" for n, word in counts if n]


def _windows(selection: SelectionConfig) -> list[str]:
    """Return the names of the windows that a selection fixes."""
    return [name for name in ("early", "late") if name in selection.score_options]


def _key(run_id: str) -> str:
    return f"benchmark-carried:{run_id}"
