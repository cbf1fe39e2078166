"""What moving the windows did to the coreset: how many stay, how the classes shift."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.movement import LITTLE
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import compare_tops
from coreset_lib.selection.budget import budget
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.shared.text import as_text

DEFAULT_PERCENT = 10
SMALLEST_SHIFT = 0.005


def draw_window_shares(
    summary: RunSummary, score: ScoreValues, early: Window, late: Window
) -> None:
    """Draw how much of the score comes from which window, and say where one adds next to none."""
    if score.name != "eva":
        return
    shares = reads.shares_of_windows(summary.version, early, late)
    text = f"Of the score, **{_percent(shares[0])}** comes from the early window and "
    text += f"**{_percent(shares[1])}** from the late one."
    if 0 < min(shares) < LITTLE:
        which = "early" if shares[0] < shares[1] else "late"
        text += f" The {which} window adds next to nothing: hardly any sample moves there."
    st.caption(text)


def _percent(share: float) -> str:
    """Write a share, small ones with the places that they need."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %" if share == 1 else "> 99 %"


def draw_window_effect(
    summary: RunSummary, score: ScoreValues, early: Window, late: Window
) -> None:
    """Draw one line that compares the hardest samples with those of the windows before."""
    before = _windows_before(summary.run_id, early, late)
    options = dict(score.options)
    if before is None or not {"early", "late"} <= set(options):
        return
    version = summary.version
    if before[1].last > summary.epoch:
        return
    options |= {"early": before[0], "late": before[1]}
    earlier = reads.score_values(version, score.name, tuple(options.items()))
    run = reads.open_dynamics(version)
    percent = st.session_state.get("keep", DEFAULT_PERCENT)
    n_kept = budget(percent / 100, run.n_samples)
    change = compare_tops(earlier, score, run.labels, n_kept, run.n_classes)
    shifts = [
        f"{as_text(name)} {100 * a:.0f} → {100 * b:.0f} %"
        for name, a, b in zip(run.class_names, change.share_before, change.share_after, strict=True)
        if abs(a - b) >= SMALLEST_SHIFT
    ]
    mix = f" Class mix: {', '.join(shifts)}." if shifts else " The class mix stays."
    st.caption(
        f"Against windows {before[0]} and {before[1]}: **{change.n_stay:,} of {change.n_kept:,}** "
        f"samples of the hardest {percent} % stay.{mix}"
    )


def _windows_before(run_id: str, early: Window, late: Window) -> tuple[Window, Window] | None:
    """Return the windows that were shown before the present ones, if they were others."""
    key = f"windows-shown:{run_id}"
    now, before = st.session_state.get(key, ((early, late), None))
    if now != (early, late):
        now, before = (early, late), now
    st.session_state[key] = (now, before)
    return before
