"""Refinement: judge labels, ask an expert about the doubtful ones in rounds, see if it pays."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.refinements import Refinement
from coreset_lib.refinement.sentences import StrategyFinding
from coreset_lib.runs.summary import RunSummary
from dashboard.frame import (
    PAGES,
    STACKED_WHEN_NARROW,
    chosen_run,
    draw_heading,
    draw_no_run,
    has_epochs,
)
from dashboard.refinement import data as refinement_data
from dashboard.refinement.asked_labels import draw_asked
from dashboard.refinement.chart import refinement_curves
from dashboard.refinement.data import Asked, Findings
from dashboard.refinement.form import draw_refinement_form
from dashboard.review import data as review_data
from dashboard.shared.downloads import draw_export
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text, time_in_words
from dashboard.shared.theme import PLOTLY_CONFIG, VERDICT_ICONS

POLL_SECONDS = 2.0
FIGURE_TITLES = {"accuracy": "test accuracy", "balanced_accuracy": "balanced test accuracy"}
COLUMNS = {
    "query": st.column_config.TextColumn("asked by"),
    "round": st.column_config.NumberColumn("round"),
    "labels": st.column_config.NumberColumn("labels given", format="%.0f"),
    "seeds": st.column_config.NumberColumn("seeds"),
    "accuracy": st.column_config.NumberColumn("accuracy", format="percent"),
    "accuracy_deviation": st.column_config.NumberColumn("± sd", format="percent"),
    "wrong": st.column_config.NumberColumn("wrong labels left", format="%.0f"),
    "wrong_trained": st.column_config.NumberColumn("of them trained on", format="%.0f"),
    "difference_to_random": st.column_config.NumberColumn("to random", format="percent"),
    "low_random": st.column_config.NumberColumn("95 % from", format="percent"),
    "high_random": st.column_config.NumberColumn("to", format="percent"),
    "verdict_random": st.column_config.TextColumn("verdict"),
}


def draw_refinements(summary: RunSummary, found: list[Refinement]) -> None:
    """Draw the newest refinement, and a choice where there are more."""
    if not found:
        st.info(
            "Nothing refined yet. Press Start above: two networks judge the labels, an expert "
            "answers about the doubtful ones in rounds, and a new network is trained after each.",
            icon=":material/rule:",
        )
        return
    by_id = {each.plan.refinement_id: each for each in found}
    chosen = found[0].plan.refinement_id
    if len(found) > 1:
        chosen = st.selectbox(
            "Refinement",
            list(by_id),
            format_func=lambda name: _title(by_id[name]),
            key="refinement",
        )
    refinement = by_id[chosen]
    _draw_progress(refinement, summary)
    _draw_findings(refinement)


def _title(refinement: Refinement) -> str:
    """Name a refinement by what it does; never by its state, which changes under the choice."""
    plan = refinement.plan
    seeds = "1 seed" if len(plan.seeds) == 1 else f"{len(plan.seeds)} seeds"
    return (
        f"{', '.join(plan.queries)}, {plan.budget} labels in {plan.n_rounds} rounds, {seeds}, "
        f"expert: {plan.expert} · {plan.refinement_id[:6]}"
    )


def _draw_progress(refinement: Refinement, summary: RunSummary) -> None:
    """Draw how far it is, with the button that stops or continues it."""
    status = refinement.status
    if refinement_data.is_active(refinement):
        total = max(status.epochs, 1)
        left = f", about {time_in_words(status.eta_seconds)} left" if status.eta_seconds else ""
        step = f": {status.step}" if status.step else ""
        st.progress(
            min(status.epoch / total, 1.0),
            f"{status.epoch} of {status.epochs} steps done{as_text(step)}{left}",
        )
        if st.button("Stop", icon=":material/stop:", help="Finished steps are kept."):
            refinement_data.stop(refinement)
            st.rerun()
        return
    asked = refinement_data.asked_by(refinement, summary)
    if asked is not None:
        _draw_asked(asked, summary)
    elif status.state != "finished":
        text = status.error or f"Not complete ({status.state}). Finished steps are kept."
        st.warning(as_text(text), icon=":material/pause_circle:")
        if st.button("Go on", icon=":material/play_arrow:"):
            refinement_data.start(refinement.plan)
            st.rerun()


def _draw_asked(asked: Asked, summary: RunSummary) -> None:
    """Draw how many labels have come in, and the way to where they are given."""
    try:
        draw_asked(asked, review_data.review_of(summary))
    except CoresetError as error:  # the results below need no database
        draw_error(error)
    st.page_link(
        PAGES / "review.py",
        label="Answer on the Review page, queue Asked",
        icon=":material/rate_review:",
        query_params={"run": summary.run_id, "queue": "Asked"},
    )


def _draw_findings(refinement: Refinement) -> None:
    """Draw the judgement, then curves, words, table and downloads of what is finished."""
    found = refinement_data.findings(refinement)
    if found.judgement:
        lines = "\n".join(f"- {as_text(line)}" for line in found.judgement)
        st.markdown(f"**The judgement of the labels**\n\n{lines}")
    if found.curves.empty:
        st.info("The first results appear when the labels are judged and a network is trained.")
        return
    with st.container(key=STACKED_WHEN_NARROW):
        curves, words = st.columns([3, 2], gap="large")
    with curves:
        _draw_curves(found, refinement)
    with words:
        _draw_words(found.strategies, refinement)
    filled = set(found.curves.dropna(axis="columns", how="all"))
    shown = [name for name in COLUMNS if name in filled]
    st.dataframe(
        found.curves[shown],
        hide_index=True,
        column_config={name: COLUMNS[name] for name in shown},
        alt="Accuracy and wrong labels left after every round, in numbers",
    )
    _draw_downloads(refinement)


def _draw_curves(found: Findings, refinement: Refinement) -> None:
    """Draw the chart with the choice of its figure."""
    figure = st.segmented_control(
        "Figure",
        list(FIGURE_TITLES),
        default="accuracy",
        format_func=FIGURE_TITLES.__getitem__,
        required=True,
        key="refinement-figure",
        label_visibility="collapsed",
    )
    st.plotly_chart(
        refinement_curves(
            found.curves, figure=str(figure), figure_title=FIGURE_TITLES[str(figure)]
        ),
        config=PLOTLY_CONFIG,
        key="refinement-curves",
        alt="Accuracy and wrong labels left against labels given, one line per query strategy. "
        + " ".join(f"{each.arm}: {each.result}" for each in found.strategies),
    )
    spread = " Band: one standard deviation over seeds." if len(refinement.plan.seeds) > 1 else ""
    st.caption(
        "Each point is a network trained anew on the labels called right and the answered ones."
        + spread
    )


def _draw_words(strategies: list[StrategyFinding], refinement: Refinement) -> None:
    """Say for every strategy what it reached, and whether it beat random."""
    st.markdown("**In plain words**")
    for each in strategies:
        lines = [f"**{as_text(each.arm)}**: {as_text(each.result)}"]
        lines += [f"{VERDICT_ICONS[verdict]} {as_text(text)}" for verdict, text in each.comparisons]
        st.markdown("  \n".join(lines))
    if refinement.plan.expert == "people":
        st.caption(
            "People answer for one strategy only, so there is no random one to compare with. A "
            "simulated expert, on labels spoilt on purpose, can tell whether asking pays."
        )
        return
    st.caption(
        "“random” asks at random among the labels called wrong; “random, unjudged” among all "
        "labels, and trains on all. Points: test accuracy at the last epoch, mean over the rounds. "
        "Better or worse: the interval excludes 0; with many comparisons some do by chance."
    )


def _draw_downloads(refinement: Refinement) -> None:
    """Draw the CSV and its provenance."""
    with st.container(horizontal=True):
        draw_export(
            f"refinement-{refinement.plan.refinement_id}",
            "Results",
            lambda: refinement_data.export(refinement),
            about="The table above; the plan and every training are in the JSON.",
        )


def draw_live(summary: RunSummary, was_active: bool) -> None:
    """Draw the results, live while a process works; once it ends, the page is drawn anew."""
    found = refinement_data.refinements(summary.run_id)
    if was_active and not any(map(refinement_data.is_active, found)):
        st.rerun()
    try:
        draw_refinements(summary, found)
    except CoresetError as error:
        draw_error(error)


def draw_page(summary: RunSummary) -> None:
    """Draw the form and what was refined."""
    if summary.is_multi_label:
        st.info(
            "Labels can be refined where each image has exactly one class; the images of this run "
            "carry any number of labels. Choose another run.",
            icon=":material/label:",
        )
        return
    found = refinement_data.refinements(summary.run_id)
    with st.expander("New refinement", expanded=not found):
        draw_refinement_form(summary)
    is_active = any(map(refinement_data.is_active, found))
    st.fragment(draw_live, run_every=POLL_SECONDS if is_active else None)(summary, is_active)


draw_heading(
    "Refinement",
    "Which labels are wrong, and does asking an expert about them pay? Two networks teach each "
    "other which labels to trust; the doubtful ones are asked about in rounds, under a budget.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
elif has_epochs(chosen):
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
