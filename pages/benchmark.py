"""Benchmark: does the coreset beat a random one on this data? Trained, tested, said plainly."""

import plotly.graph_objects as go
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.published import PUBLISHED
from coreset_lib.evaluation.report import caveats, details, headline, summary_table
from coreset_lib.evaluation.results import FIGURES
from coreset_lib.evaluation.window_grid import has_window_grid
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.runs.summary import ACTIVE_STATES, RunSummary
from dashboard import reads
from dashboard.benchmark.carried import is_carried_over
from dashboard.benchmark.chart import (
    add_published,
    axis_title,
    is_on_axis,
    rate_curves,
    window_heat_map,
)
from dashboard.benchmark.form import draw_benchmark_form
from dashboard.benchmark.verdict_rows import rows_of_classes, verdict_icon, verdict_rows
from dashboard.frame import STACKED_WHEN_NARROW, chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.shared.downloads import draw_export, draw_slurm_script
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text, time_in_words
from dashboard.shared.theme import PLOTLY_CONFIG

POLL_SECONDS = 3.0
SCRIPT = "Its tasks share the trainings that are left, on a cluster that sees this folder."
VERDICTS = (
    "Better or worse: the 95 % interval of the difference excludes 0. Equivalent: proven to lie "
    "within 1 point. Undecided: neither. A class pays where its recall is certainly worse. Marked "
    "as perhaps chance: what does not stand among all comparisons (Benjamini-Hochberg, 5 %)."
)
FIGURE_TITLES = {
    "balanced_accuracy": "balanced test accuracy",
    "accuracy": "test accuracy",
    "macro_auc": "macro AUC on test",
    "macro_f1": "macro F1 on test",
    "macro_precision": "macro precision on test",
}


def draw_evaluations(summary: RunSummary, found: list[Evaluation]) -> None:
    """Draw the newest comparison, and a choice where there are more."""
    if not found:
        st.info(
            "Nothing compared yet. Choose strategies and shares above and press Compare: networks "
            "are trained on each coreset and on random ones of the same size, then tested.",
            icon=":material/balance:",
        )
        return
    by_id = {each.plan.evaluation_id: each for each in found}
    chosen = found[0].plan.evaluation_id
    if len(found) > 1:
        chosen = st.selectbox(
            "Comparison",
            list(by_id),
            format_func=lambda name: _title(by_id[name]),
            key="comparison",
        )
    _draw_progress(by_id[chosen])
    _draw_ties(by_id[chosen], summary)
    _draw_results(by_id[chosen], summary)


def _title(evaluation: Evaluation) -> str:
    """Name a comparison by what it compares; never by its state, which changes under the choice."""
    plan = evaluation.plan
    names = ", ".join(arm.name for arm in plan.arms)
    rates = ", ".join(f"{100 * rate:g}" for rate in plan.rates)
    seeds = "1 seed" if plan.n_seeds == 1 else f"{plan.n_seeds} seeds"
    return f"{names} at {rates} %, {seeds} · {plan.evaluation_id[:6]}"


def _is_active(evaluation: Evaluation) -> bool:
    """Whether a process works on it or is about to."""
    return evaluation.status.state in ACTIVE_STATES


def _draw_progress(evaluation: Evaluation) -> None:
    """Draw how far it is, with the button that stops or continues it."""
    status = evaluation.status
    if _is_active(evaluation):
        share = status.epoch / status.epochs if status.epochs else 0.0
        left = f", about {time_in_words(status.eta_seconds)} left" if status.eta_seconds else ""
        st.progress(min(share, 1.0), f"{status.epoch} of {status.epochs} trainings{left}")
        if st.button("Stop", icon=":material/stop:", help="Finished trainings are kept."):
            reads.stop_evaluation(evaluation)
            st.rerun()
    elif status.state != "finished":
        st.warning(
            as_text(status.error or f"Not complete ({status.state}). Finished trainings are kept."),
            icon=":material/pause_circle:",
        )
        row = st.container(horizontal=True)
        if row.button("Go on", icon=":material/play_arrow:"):
            reads.start_evaluation(evaluation.plan)
            st.rerun()
        with row:
            name = evaluation.paths.root.name
            draw_slurm_script(name, lambda: reads.evaluation_script(evaluation), SCRIPT)


def _draw_ties(evaluation: Evaluation, summary: RunSummary) -> None:
    """Say which scores tell few of the samples apart: their coresets are arbitrary."""
    try:
        ties = reads.tied_scores(summary.version, evaluation.plan.evaluation_id, evaluation.plan)
    except CoresetError:
        return  # the comparison itself says what it lacks
    for tie in ties:
        st.warning(as_text(tie), icon=":material/warning:")


def _draw_results(evaluation: Evaluation, summary: RunSummary) -> None:
    """Draw verdicts, curves, table and downloads of what is finished."""
    chosen = st.segmented_control(
        "Judged on",
        FIGURES,
        default=FIGURES[0],
        format_func=FIGURE_TITLES.__getitem__,
        required=True,
        key="figure",
        help="Balanced accuracy is the mean recall of the classes: a rare one counts as much as "
        "a common one.",
    )
    figure = chosen or FIGURES[0]
    found = reads.evaluation_standings(evaluation, figure)
    if not found:
        st.info("The first results appear when all seeds of a strategy are trained.")
        return
    names = reads.manifest_of(summary.folder).dataset.class_names
    with st.container(key=STACKED_WHEN_NARROW):
        curves, words = st.columns([3, 2], gap="large")
    with curves:
        chart = rate_curves(summary_table(found), axis_title(evaluation.plan, figure))
        _add_published(chart, summary, evaluation.plan, figure)
        st.plotly_chart(
            chart,
            config=PLOTLY_CONFIG,
            key="rates",
            alt=f"{FIGURE_TITLES[figure]} of every strategy against the share kept, with spread",
        )
        st.caption("Line: mean over draws. Band: one standard deviation. Grey: random.")
    with words:
        st.markdown("**In plain words**")
        for each in found:
            st.markdown(f"{verdict_icon(each.verdict)} {as_text(headline(each, names))}")
            if more := details(each, names):
                st.caption(as_text("; ".join(more)))
        for sentence in caveats(found):
            st.info(sentence, icon=":material/info:")
        st.caption(VERDICTS)
    _draw_window_search(evaluation)
    st.dataframe(
        verdict_rows(found, names),
        hide_index=True,
        column_config={"who pays": st.column_config.TextColumn(width="large")},
        alt="Results in numbers",
    )
    class_rows = rows_of_classes(found, names)
    if class_rows:
        with st.expander("Every class: recall, precision and F1"):
            st.dataframe(class_rows, hide_index=True, alt="Figures of every class")
            st.caption(
                "In brackets the 95 % interval. A class with few test images has wide intervals."
            )
    _draw_downloads(evaluation, figure)


def _add_published(
    chart: go.Figure, summary: RunSummary, plan: EvaluationPlan, figure: str
) -> None:
    """Draw a paper's numbers on the axis that they are numbers of; else say where they are."""
    published = PUBLISHED.get(summary.dataset)
    if published is None:
        return
    if not is_on_axis(published, plan, figure):
        title = FIGURE_TITLES[published.figure]
        st.caption(f"{published.source} gives numbers for this dataset: judge on {title}.")
    elif st.toggle("Published numbers beside mine", key="published"):
        add_published(chart, published, list({arm.name for arm in plan.all_arms()}))
        st.caption(f"{published.source}. {published.caution}")


def _draw_window_search(evaluation: Evaluation) -> None:
    """Draw what each pair of windows reached on validation, where windows were searched."""
    plan = evaluation.plan
    for arm in filter(has_window_grid, plan.arms):
        st.markdown(f"**Windows of {as_text(arm.name)}**, judged on validation only")
        for column, rate in zip(st.columns(len(plan.rates)), plan.rates, strict=True):
            grid = reads.window_grid(evaluation, arm, rate)
            column.caption(f"{100 * rate:g} % kept")
            if grid.isna().to_numpy().all():
                column.info("Not trained yet.")
                continue
            column.plotly_chart(
                window_heat_map(grid),
                config=PLOTLY_CONFIG,
                key=f"windows-{arm.name}-{rate}",
                alt=f"Validation accuracy of early by late windows at {100 * rate:g} %",
            )


def _draw_downloads(evaluation: Evaluation, figure: str) -> None:
    """Draw the CSV and its provenance."""
    with st.container(horizontal=True):
        draw_export(
            f"comparison-{evaluation.plan.evaluation_id}",
            "Results",
            lambda: reads.evaluation_export(evaluation, figure),
            about="Every figure with its intervals; the plan and every training are in the JSON.",
        )


def draw_live(summary: RunSummary, was_active: bool) -> None:
    """Draw the results, live while networks are trained; at the end the page is drawn anew."""
    found = reads.evaluations(summary.run_id)
    if was_active and not any(map(_is_active, found)):
        st.rerun()
    try:
        draw_evaluations(summary, found)
    except CoresetError as error:
        draw_error(error)


def draw_page(summary: RunSummary) -> None:
    """Draw the form and what was compared."""
    found = reads.evaluations(summary.run_id)
    with st.expander("New comparison", expanded=not found or is_carried_over()):
        draw_benchmark_form(summary)
    is_active = any(map(_is_active, found))
    st.fragment(draw_live, run_every=POLL_SECONDS if is_active else None)(summary, is_active)


draw_heading(
    "Benchmark",
    "Does a coreset beat a random one on these data? New networks are trained on each, with the "
    "same seeds, and judged on the test split, which played no part in any choice.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
elif has_epochs(chosen):
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
