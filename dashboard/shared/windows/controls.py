"""Choose an early and a late window of epochs, on the plot or with sliders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from coreset_lib.windows import Window
from dashboard.shared.windows.window_brush import (
    Bands,
    Line,
    Surroundings,
    Windows,
    window_brush,
)
from dashboard.shared.windows.window_rules import NAMES, can_hold_windows, fit_windows

_SHOWN = "window controls.shown"
_MOST_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class WindowChoice:
    """The two windows a person chose, and whether they keep equal length."""

    early: Window
    late: Window
    lock_length: bool = True


def window_controls(
    n_epochs: int,
    bands: Bands,
    lines: Sequence[Line],
    default: Windows,
    key: str,
    *,
    alt: str = "",
    title: str = "",
    y_label: str = "error score",
    y_max: float | None = None,
    height: int = 380,
    on_pick: Callable[[int], None] | None = None,
    around: Surroundings | None = None,
) -> Windows | None:
    """Draw the window brush with its sliders and lock, all in step.

    Parameters
    ----------
    n_epochs : int
        Recorded epochs; may grow from one run of the page to the next.
    bands, lines, title, y_label, y_max, height, on_pick, around
        As for ``window_brush``.
    default : tuple of Window
        Early and late window until a person moves one; fitted to the run.
    key : str
        Names the choice in the session. One per run of training keeps choices apart.
    alt : str
        What the plot shows, in words; a plain description by default.

    Returns
    -------
    early, late : Window, or None
        None if the run is too short for two windows; the page then says so.

    Notes
    -----
    The choice is one entry of the session. Brush, sliders and lock change it in callbacks,
    before the script reruns, so one rerun shows all of them in agreement. Works inside a
    fragment.
    """
    if not can_hold_windows(n_epochs):
        recorded = "no epoch yet" if n_epochs < 1 else "one epoch"
        st.info(
            f"This run has recorded {recorded}. Two separate windows need at least two epochs; "
            "they appear here as soon as the run has them."
        )
        return None
    choice = current_choice(key, default, n_epochs)
    window_brush(
        n_epochs=n_epochs,
        bands=bands,
        lines=lines,
        early=choice.early,
        late=choice.late,
        lock_length=choice.lock_length,
        key=f"{key}.brush",
        height=height,
        alt=alt or _description(n_epochs, len(lines)),
        title=title,
        y_label=y_label,
        y_max=y_max,
        on_windows=lambda early, late: choose_windows(key, early, late, lock=_lock(key)),
        on_pick=on_pick,
        around=around,
    )
    _twin_controls(choice, default, n_epochs, key)
    return choice.early, choice.late


def current_choice(key: str, default: Windows, n_epochs: int) -> WindowChoice:
    """Return what was chosen, or the default, fitted to the epochs there are now."""
    choice = st.session_state.get(key)
    if choice is None:
        choice = WindowChoice(early=default[0], late=default[1])
    return _fitted(choice, "early", n_epochs)


def choose_windows(key: str, early: Window, late: Window, *, lock: bool = True) -> None:
    """Set the windows from the page, for example from the URL, before the controls are drawn."""
    st.session_state[key] = WindowChoice(early=early, late=late, lock_length=lock)


def _lock(key: str) -> bool:
    """Return whether the windows are to keep equal length."""
    choice = st.session_state.get(key)
    return choice is None or choice.lock_length


def _twin_controls(choice: WindowChoice, default: Windows, n_epochs: int, key: str) -> None:
    """Draw a range slider for each window and the lock."""
    columns = st.columns([5, 5, 4], gap="medium", vertical_alignment="bottom")
    for column, name in zip(columns, NAMES, strict=False):
        window = getattr(choice, name)
        # Streamlit forgets a slider's value when its range grows: a longer run, a new slider.
        slider = _widget(f"{key}.{name}.{n_epochs}", (window.first, window.last))
        column.slider(
            f"{name.capitalize()} window (epochs)",
            min_value=1,
            max_value=n_epochs,
            key=slider,
            on_change=_slider_moved,
            args=(slider, name, default, n_epochs, key),
        )
    lock = _widget(f"{key}.lock", choice.lock_length)
    columns[2].checkbox(
        "Equal length",
        key=lock,
        on_change=_lock_changed,
        args=(lock, default, n_epochs, key),
        help="Changing the length of one window changes the other one likewise.",
    )


def _widget(name: str, value: object) -> str:
    """Return the key of a widget that shows ``value``: a new one if its present one does not.

    Setting the value of the present widget would be a race: until the browser has it, any
    rerun sends the old value back, which reads as a person's change and undoes the new one.
    """
    generation = st.session_state.get(f"{name}.generation", 0)
    if st.session_state.get(f"{name}.{generation}", value) != value:
        generation += 1
        st.session_state[f"{name}.generation"] = generation
    widget = f"{name}.{generation}"
    if widget not in st.session_state:
        st.session_state[widget] = value
    _remember_shown(widget, value)
    return widget


def _remember_shown(widget: str, value: object) -> None:
    """Note what a widget shows; the oldest notes go."""
    shown = st.session_state.setdefault(_SHOWN, {})
    shown.pop(widget, None)
    shown[widget] = value
    for oldest in list(shown)[:-_MOST_SHOWN]:
        del shown[oldest]


def _asked(widget: str) -> Any:
    """Return what a person set a widget to, None if it only says what it showed before.

    Streamlit also calls back for a widget that is new to it, or gone from the page while the
    browser still sends its value.
    """
    value = st.session_state[widget]
    if value == st.session_state.get(_SHOWN, {}).get(widget):
        return None
    _remember_shown(widget, value)
    return value


def _slider_moved(slider: str, name: str, default: Windows, n_epochs: int, key: str) -> None:
    """Give the moved slider what it asks for; the other window makes room."""
    asked = _asked(slider)
    if asked is None:
        return
    choice = replace(current_choice(key, default, n_epochs), **{name: Window(*asked)})
    choice = st.session_state[key] = _fitted(choice, name, n_epochs)
    got = getattr(choice, name)
    # In the hand, so it keeps its key and focus; sent back, the same request fits the same.
    st.session_state[slider] = (got.first, got.last)


def _lock_changed(lock: str, default: Windows, n_epochs: int, key: str) -> None:
    """Turning the lock on gives the late window the length of the early one."""
    asked = _asked(lock)
    if asked is None:
        return
    choice = replace(current_choice(key, default, n_epochs), lock_length=asked)
    st.session_state[key] = _fitted(choice, "early", n_epochs)


def _fitted(choice: WindowChoice, moved: str, n_epochs: int) -> WindowChoice:
    """Return the choice with windows that are valid for the run."""
    early, late = fit_windows(
        choice.early, choice.late, n_epochs=n_epochs, moved=moved, lock_length=choice.lock_length
    )
    return replace(choice, early=early, late=late)


def _description(n_epochs: int, n_lines: int) -> str:
    """Say in words what the plot shows."""
    return (
        f"Error score against epoch, 1 to {n_epochs}: median and spread of all samples, "
        f"with {n_lines} highlighted samples and an early and a late window."
    )
