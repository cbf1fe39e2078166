"""Trajectories: how each sample is learned, with both windows under the hand."""

from typing import Any

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery
from dashboard import reads, session
from dashboard.benchmark.carried import draw_benchmark_button
from dashboard.frame import STACKED_WHEN_NARROW, chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.shared.downloads import draw_export
from dashboard.shared.messages import draw_error
from dashboard.shared.options import KEPT
from dashboard.shared.samples.sample_card import draw_sample_card
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.selection import selection
from dashboard.shared.theme import PLOTLY_CONFIG
from dashboard.shared.windows.controls import (
    choose_windows,
    current_choice,
    window_controls,
)
from dashboard.shared.windows.window_brush import Bands, Line
from dashboard.trajectories import board_data, focus
from dashboard.trajectories.board_data import N_RANKED, View
from dashboard.trajectories.card_links import draw_card_links
from dashboard.trajectories.data_map_chart import clicked_sample, data_map_figure
from dashboard.trajectories.figure_lines import figure_lines, figure_samples, ranked_lines
from dashboard.trajectories.instrument.instrument import Board, instrument_around
from dashboard.trajectories.other_run import draw_other_run
from dashboard.trajectories.ranking_table import draw_ranking_table
from dashboard.trajectories.sample_search import draw_search
from dashboard.trajectories.stability import draw_stability, stability_over_seeds
from dashboard.trajectories.window_effect import draw_window_effect, draw_window_shares

PLOT_HEIGHT = 270


def draw_page(summary: RunSummary) -> None:
    """Draw the instrument and what lies below it; one rerun of this keeps them in agreement."""
    if not has_epochs(summary):
        return
    # A tick happens in this fragment; the frame around it counts the selection.
    selection.redraw_if_changed(summary.run_id)
    name, options = draw_score_picker("trajectories", summary.epoch)
    in_window = name == "aum" and st.toggle(
        "In the early window only",
        key="aum-in-window",
        bind="query-params",
        persist_state=KEPT,
        help="As published, the mean is taken over all epochs. In a window it can be moved.",
    )
    if summary.epoch < 2:
        st.info("The plot needs two complete epochs. It appears as soon as they are there.")
        return
    key = session.windows_key(summary.run_id)
    choice = current_choice(key, session.initial_windows(summary), summary.epoch)
    used = board_data.window_options(
        name, options, choice.early, choice.late, in_window=bool(in_window)
    )
    # The parts of the run are opened first: what is damaged is no matter of windows.
    reads.open_dynamics(summary.version)
    reads.read_samples(summary.version)
    score, problem = _score(summary, name, used)
    # What is asked for below the instrument is known before it is drawn.
    place = st.container()
    row = st.container(horizontal=True, vertical_alignment="center")
    query = SampleQuery()
    if score is not None:
        with row.popover("Find samples", icon=":material/search:"):
            query = draw_search(summary, score)
    is_figure = row.toggle(
        "Fig. 1 as in the paper",
        key="figure",
        bind="query-params",
        persist_state=KEPT,
        help="Hardest, selected, random and easy samples, each in a colour of its own, with the "
        "first ten epochs boxed.",
    )
    over_seeds = reads.count_repetitions(summary.folder, summary.state) > 1 and row.toggle(
        "Other seeds",
        key="over-seeds",
        bind="query-params",
        persist_state=KEPT,
        help="In how many runs of this recipe each sample is among the hardest tenth: a column of "
        "the table and of its download.",
    )
    if score is not None:
        with row:
            _draw_benchmark_button(summary, score)
    selected = tuple(selection.selected(summary.run_id, _n_samples(summary)).tolist())
    view = View(
        summary=summary,
        name=name,
        options=used,
        early=choice.early,
        late=choice.late,
        score=score,
        problem=problem,
        query=query,
        focus=_focus(summary, score, selected, query),
        is_focus_chosen=bool(selected) or _chosen_focus(summary) is not None,
        selected=_hardest_first(score, selected),
        is_figure=bool(is_figure),
    )
    board = board_data.board_of(view)
    with place:
        _draw_instrument(view, board, key)
    session.show_in_url(
        early=str(choice.early), late=str(choice.late), **{focus.PARAMETER: str(view.focus)}
    )
    if score is None:
        st.error(problem, icon=":material/error:")
        return
    with st.container(key=STACKED_WHEN_NARROW):
        wide, narrow = st.columns([64, 36], gap="medium")
    if score.tie_note:
        st.warning(score.tie_note)
    with wide:
        if board.live is None:  # else the instrument says it, while it happens
            draw_window_shares(summary, score, choice.early, choice.late)
            draw_window_effect(summary, score, choice.early, choice.late)
        _draw_table(view, is_live=board.live is not None, over_seeds=bool(over_seeds))
        draw_stability(summary, score)
        draw_other_run(summary, score, (view.focus, *selected))
        _draw_data_map(summary, (view.focus, *selected))
    with narrow, st.container(border=True):
        draw_sample_card(summary, view.focus, score, choice.early, choice.late)
        draw_card_links(summary, view.focus)


def _draw_benchmark_button(summary: RunSummary, score: ScoreValues) -> None:
    """Draw the button that asks whether the hardest by this score beat random ones."""
    has_windows = {"early", "late"} & set(score.options)
    draw_benchmark_button(
        summary.run_id,
        (
            ("strategy", "top"),
            ("score", score.name),
            ("score_options", tuple(score.plain_options().items())),
            ("balance", "proportional"),
        ),
        label=f"Benchmark {'these windows' if has_windows else 'this ranking'}",
        about="Train networks on the hardest samples by this score, with its windows and options, "
        "and on random ones of the same size, and compare.",
    )


def _score(
    summary: RunSummary, name: str, options: reads.Options
) -> tuple[ScoreValues | None, str]:
    """Compute the chosen score with the chosen windows; else say why it cannot be."""
    try:
        return reads.score_values(summary.version, name, options), ""
    except CoresetError as error:
        return None, str(error)


def _n_samples(summary: RunSummary) -> int:
    """Return the number of training samples."""
    return len(reads.read_samples(summary.version))


def _focus(
    summary: RunSummary,
    score: ScoreValues | None,
    selected: tuple[int, ...],
    query: SampleQuery,
) -> int:
    """Return the sample to look at: the focused one, a selected one, or the hardest found."""
    chosen = _chosen_focus(summary)
    if chosen is not None:
        return chosen
    if selected:
        return selected[0]
    if score is None:
        return 0
    found = reads.find(summary, score, query)
    return int(found[0] if len(found) else score.order()[0])


def _chosen_focus(summary: RunSummary) -> int | None:
    """Return the sample that a person has focused, if any."""
    return focus.focused(summary.run_id, _n_samples(summary))


def _hardest_first(score: ScoreValues | None, selected: tuple[int, ...]) -> tuple[int, ...]:
    """Return the selection in the order of the ranking."""
    if score is None or len(selected) < 2:
        return selected
    return tuple(np.array(selected)[np.argsort(score.ranks()[list(selected)])].tolist())


def _draw_instrument(view: View, board: Board, key: str) -> None:
    """Draw plot, ranking, focused sample and coreset strip, with both windows."""
    summary = view.summary
    dynamics = reads.open_dynamics(summary.version)
    bands = reads.population_bands(summary.version).T
    lines = _lines(view)
    around = instrument_around(
        board,
        f"{key}.brush",
        on_focus=lambda sample: focus.focus_on(summary.run_id, sample),
        on_tick=lambda sample, is_on: selection.combine(
            summary.run_id, np.array([sample]), "add" if is_on else "remove"
        ),
        on_suggest=lambda: _take_suggestion(summary, key),
    )
    window_controls(
        summary.epoch,
        Bands(**dict(zip(("q05", "q25", "q50", "q75", "q95"), bands, strict=True))),
        lines,
        session.initial_windows(summary),
        key,
        height=PLOT_HEIGHT,
        y_max=_largest_error(lines, bands) if dynamics.is_multi_label else None,
        on_pick=lambda index: focus.focus_on(summary.run_id, index),
        around=around,
    )


def _lines(view: View) -> list[Line]:
    """Return the lines of the plot."""
    summary = view.summary
    dynamics = reads.open_dynamics(summary.version)
    ids = reads.read_samples(summary.version)["sample_id"].to_numpy()
    if view.is_figure and view.score is not None:
        return figure_lines(dynamics, figure_samples(view.score, view.selected, ids))
    looked_at = (view.focus,) if view.is_focus_chosen else ()
    return ranked_lines(dynamics, ids, board_data.found_samples(view), (*looked_at, *view.selected))


def _largest_error(lines: list[Line], bands: Any) -> float:
    """Return where the vertical axis ends for sets of labels, whose error has no fixed bound."""
    drawn = (np.nanmax(part, initial=0.0) for part in (*(line.values for line in lines), bands))
    return max(1.05 * float(max(drawn)), 0.1)


def _take_suggestion(summary: RunSummary, key: str) -> None:
    """Choose windows that see something, as long as the ones before."""
    before = current_choice(key, session.initial_windows(summary), summary.epoch)
    length = min(before.early.n_epochs, summary.epoch // 2)
    early, late = reads.moving_windows(summary.version, length)
    choose_windows(key, early, late, lock=before.lock_length)


def _draw_table(view: View, *, is_live: bool, over_seeds: bool) -> None:
    """Draw the ranking as a table with all columns, and its download."""
    score, summary = view.score, view.summary
    assert score is not None
    found = board_data.found_samples(view)
    if not len(found):
        st.info("No sample fits this search. Change or clear it.", icon=":material/search_off:")
        return
    of = (
        f"{len(found):,} found" if view.query != SampleQuery() else f"{len(score.values):,} samples"
    )
    title = f"**The {min(N_RANKED, len(found))} hardest of {of}** by {SCORES[score.name].title}"
    rows_wanted = True
    if is_live:
        # With the ranking above, the table may wait: it would slow down every window moved.
        box = st.expander(f"{title}, as a table", key="ranking-table-box", on_change="rerun")
        rows_wanted = bool(box.open)
    else:
        box = st.container()
        box.markdown(title)
    if rows_wanted:
        with box:
            draw_ranking_table(
                reads.ranking_rows(
                    summary,
                    score,
                    found[:N_RANKED],
                    stability=stability_over_seeds(summary, score) if over_seeds else None,
                ),
                view.selected,
                f"ranking:{summary.run_id}:{score.name}",
                score=score.name,
                alt=f"Hardest samples by {score.name}, windows {view.early} and {view.late}",
                on_select=lambda indices: session.select_samples(summary.run_id, indices),
            )
    options = reads.window_options(score.name, **score.options)
    draw_export(
        "scores",
        "Download all scores",
        lambda: reads.scores_export(summary, score.name, options, over_seeds=over_seeds),
        about="Every training sample with its score and rank, 1 = hardest.",
        is_primary=False,
    )


def _draw_data_map(summary: RunSummary, selected: tuple[int, ...]) -> None:
    """Draw where each sample lies between easy, ambiguous and hard."""
    title = "Data map: easy, ambiguous and hard samples"
    with st.expander(title, key="data-map-box", on_change="rerun") as box:
        # A chart of so many points would slow down every window that is moved.
        if not box.open:
            return
        quantities = reads.data_map_of(summary.version)
        ids = reads.read_samples(summary.version)["sample_id"]
        st.plotly_chart(
            data_map_figure(quantities, ids.tolist(), np.array(selected, dtype=np.intp)),
            config=PLOTLY_CONFIG,
            key="data-map",
            alt="Mean probability of the label against its variability, one dot per sample",
            on_select=lambda: _focus_on_dot(summary),
            selection_mode="points",
        )
        st.caption(
            "Top left: easy, always confident. Right: ambiguous, the network keeps changing its "
            "mind. Bottom left: hard, or labelled wrongly. Click a dot to look at its image above."
        )


def _focus_on_dot(summary: RunSummary) -> None:
    """Look at the sample whose dot was clicked on the data map."""
    sample = clicked_sample(st.session_state.get("data-map"), _n_samples(summary))
    if sample is not None:
        focus.focus_on(summary.run_id, sample)


draw_heading(
    "Trajectories",
    "Each line is one image; high = wrong in that epoch. What moves most inside the windows, "
    "summed over both, ranks hardest: hard or informative, not necessarily wrong.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
else:

    @st.fragment(run_every=3.0 if chosen.is_active else None)
    def draw_live() -> None:
        """Draw the page, again and again while the run trains."""
        summary = chosen_run()
        if summary is None:
            draw_no_run()
            return
        try:
            draw_page(summary)
        except CoresetError as error:
            draw_error(error)

    draw_live()
