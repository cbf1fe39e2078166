"""Trajectories: how each sample is learned, with both windows under the hand."""

from typing import Any

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery
from coreset_lib.windows import Window
from dashboard import reads, session
from dashboard.frame import STACKED_WHEN_NARROW, chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.shared.downloads import draw_export
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.sample_card import draw_sample_card
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.selection import selection
from dashboard.shared.theme import CLASS_COLOURS, PLOTLY_CONFIG
from dashboard.shared.windows.controls import current_choice, window_controls
from dashboard.shared.windows.window_brush import Bands, Line
from dashboard.trajectories.data_map_chart import data_map_figure
from dashboard.trajectories.ranking_table import draw_ranking_table
from dashboard.trajectories.sample_search import draw_search
from dashboard.trajectories.window_effect import draw_window_effect

N_RANKED = 100
N_LINES = 10
MOST_PINNED = 8


def draw_page(summary: RunSummary) -> None:
    """Draw plot, ranking and sample; one rerun of this keeps them in agreement."""
    if not has_epochs(summary):
        return
    # A pick happens in this fragment; the frame around it counts the selection.
    selection.redraw_if_changed(summary.run_id)
    name, options = draw_score_picker("trajectories", summary.epoch)
    with st.container(key=STACKED_WHEN_NARROW):
        wide, narrow = st.columns([64, 36], gap="medium")
    key = session.windows_key(summary.run_id)
    if summary.epoch < 2:
        with wide:
            st.info("The plot needs two complete epochs. It appears as soon as they are there.")
        return
    choice = current_choice(key, session.initial_windows(summary.epoch), summary.epoch)
    score = _score(summary, name, options, choice.early, choice.late)
    if score.tie_note:
        st.warning(score.tie_note)
    selected = _selected(summary, score)
    with wide:
        _draw_plot(summary, score, selected, key)
        draw_window_effect(summary, score, choice.early, choice.late)
        _draw_ranking(summary, score, selected, choice.early, choice.late)
        _draw_data_map(summary, selected)
    with narrow, st.container(border=True):
        draw_sample_card(summary, selected[0], score, choice.early, choice.late)
    session.show_in_url(early=str(choice.early), late=str(choice.late), sample=str(selected[0]))


def _score(
    summary: RunSummary, name: str, options: reads.Options, early: Window, late: Window
) -> ScoreValues:
    """Compute the chosen score with the chosen windows."""
    windows = reads.window_options(name, early=early, late=late)
    return reads.score_values(summary.version, name, (*windows, *options))


def _selected(summary: RunSummary, score: ScoreValues) -> tuple[int, ...]:
    """Return the selected samples; the hardest one where none is selected."""
    chosen = tuple(selection.selected(summary.run_id, len(score.values)).tolist())
    return chosen or (int(score.order()[0]),)


def _draw_plot(
    summary: RunSummary, score: ScoreValues, selected: tuple[int, ...], key: str
) -> None:
    """Draw the population's band, the hardest samples and the two windows."""
    dynamics = reads.open_dynamics(summary.version)
    bands = reads.population_bands(summary.version).T
    ids = reads.read_samples(summary.version)["sample_id"]
    pinned = selected[:MOST_PINNED]
    hardest = [int(i) for i in score.order()[:N_LINES] if int(i) not in pinned]
    histories = dynamics.histories("error_norm", [*hardest, *pinned]).T
    lines = [
        Line(index=i, label=str(ids[i]), values=values)
        for i, values in zip(hardest, histories, strict=False)
    ]
    lines += [
        Line(
            index=i,
            label=str(ids[i]),
            values=values,
            colour=CLASS_COLOURS[(number + 3) % len(CLASS_COLOURS)],
            is_pinned=True,
        )
        for number, (i, values) in enumerate(zip(pinned, histories[len(hardest) :], strict=True))
    ]
    window_controls(
        summary.epoch,
        Bands(**dict(zip(("q05", "q25", "q50", "q75", "q95"), bands, strict=True))),
        lines,
        session.initial_windows(summary.epoch),
        key,
        height=340,
        y_max=_largest_error(histories, bands) if dynamics.is_multi_label else None,
        on_pick=lambda index: session.select_samples(summary.run_id, [index]),
    )


def _largest_error(histories: Any, bands: Any) -> float:
    """Return where the vertical axis ends for sets of labels, whose error has no fixed bound."""
    drawn = (np.nanmax(part, initial=0.0) for part in (histories, bands))
    return max(1.05 * float(max(drawn)), 0.1)


def _draw_ranking(
    summary: RunSummary,
    score: ScoreValues,
    selected: tuple[int, ...],
    early: Window,
    late: Window,
) -> None:
    """Draw the hardest samples; clicking a row selects it."""
    query = draw_search(summary, score)
    found = reads.find(summary, score, query)
    rows = reads.ranking_rows(summary, score, found[:N_RANKED])
    by = SCORES[score.name].title
    if not len(found):
        st.info("No sample fits this search. Change or clear it.", icon=":material/search_off:")
        return
    of = f"{len(found):,} found" if query != SampleQuery() else f"{len(score.values):,} samples"
    st.markdown(f"**The {len(rows)} hardest of {of}** by {by}")
    draw_ranking_table(
        rows,
        selected,
        f"ranking:{summary.run_id}:{score.name}",
        score=score.name,
        alt=f"Hardest samples by {score.name}, windows {early} and {late}",
        on_select=lambda indices: session.select_samples(summary.run_id, indices),
    )
    options = reads.window_options(score.name, **score.options)
    draw_export(
        "scores",
        "Download all scores",
        lambda: reads.scores_export(summary, score.name, options),
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
        )
        st.caption(
            "Top left: easy, always confident. Right: ambiguous, the network keeps changing its "
            "mind. Bottom left: hard, or labelled wrongly."
        )


draw_heading(
    "Trajectories",
    "Each line is one image: high = the network gets it wrong in that epoch. Images whose error "
    "keeps moving inside both windows rank hardest: they are hard or informative, not "
    "necessarily wrong. Drag the windows, or use the sliders.",
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
