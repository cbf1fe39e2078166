"""What surrounds every page: the run picker, the heading, the footer."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from coreset_lib.datasets.sources import SOURCES
from coreset_lib.label_sets import EXACT_MATCH
from coreset_lib.networks import NETWORKS
from coreset_lib.runs.summary import DAMAGED, RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES
from dashboard import reads, session
from dashboard.shared.text import as_text, time_in_words

PAGES = Path(__file__).resolve().parents[1] / "pages"
STACKED_WHEN_NARROW = "stacked-when-narrow"
FOOTER = """
<style>
  .lens-footer {{position: fixed; bottom: 0; left: 0; right: 0; z-index: 90; padding: 4px 2.2rem;
    font-size: 0.78rem; text-align: right; {colours}}}
  @media (max-width: 1200px) {{
    .st-key-{stacked} > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
      {{flex-direction: column;}}
    .st-key-{stacked} > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
      > [data-testid="stColumn"] {{width: 100%; flex: 1 1 auto;}}
  }}
  [data-testid="stCaptionContainer"] {{opacity: 0.88 !important;}}
  [data-testid="stMainBlockContainer"] {{padding: 2.6rem 2.2rem 4rem 2.2rem;}}
  {accents}
</style>
<div class="lens-footer" role="contentinfo">For research use only. Not a medical device:
no diagnosis, no treatment decision.</div>
"""
FOOTER_COLOURS = {
    "light": "background: #f3f5f8; color: #1c2430; border-top: 1px solid #d5dbe3;",
    "dark": "background: #1a212b; color: #e8ecf1; border-top: 1px solid #323c49;",
}
# In the dark the accent is light enough to be read on the page; what stands on it is then dark.
DARK_ACCENTS = """
  [data-testid^="stBaseButton-primary"] *, button[kind^="primary"] *,
  [data-testid="stPopover"] button[data-variant^="primary"] *,
  [data-testid="stMultiSelect"] span[title] {color: #10151c !important;}
"""
LAST_STATE = "last-state"
STATE_ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/sync:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "stopped": ":material/stop_circle:",
    "interrupted": ":material/power_off:",
    DAMAGED: ":material/broken_image:",
}


def draw_footer() -> None:
    """Draw the line that is there on every page."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    accents = DARK_ACCENTS if theme == "dark" else ""
    colours = FOOTER_COLOURS[theme]
    st.html(FOOTER.format(colours=colours, stacked=STACKED_WHEN_NARROW, accents=accents))


def draw_left_out_plugins() -> None:
    """Name, in the sidebar, what other packages bring that cannot be used."""
    for registry in (SCORES, STRATEGIES, NETWORKS, SOURCES):
        for problem in registry.problems:
            st.sidebar.warning(as_text(problem), icon=":material/extension_off:")


def draw_run_picker() -> None:
    """Draw the choice of the run in the sidebar; it is shared by all pages and in the URL."""
    wanted = st.session_state.get(session.RUN) or st.query_params.get(session.RUN)
    summaries = {
        s.run_id: s
        for s in reads.run_summaries()
        if s.state != DAMAGED and (not s.is_archived or s.run_id == wanted)
    }
    missing = session.adopt_run(tuple(summaries))
    if missing is not None:
        st.warning(
            f"Run {as_text(missing)} is not among the runs here: it was deleted, is damaged, or "
            "belongs to another cache. " + ("The newest one is shown." if summaries else ""),
            icon=":material/info:",
        )
    if not summaries:
        return
    st.sidebar.selectbox(
        "Run",
        list(summaries),
        format_func=run_titles(summaries).__getitem__,
        key=session.RUN,
        persist_state="session",
        help="The training run that all pages look at.",
    )
    summary = summaries[st.session_state[session.RUN]]
    # Always, also for the newest run: a link must show the same run when there is a newer one.
    session.show_in_url(run=summary.run_id)
    with st.sidebar:
        st.fragment(_draw_run_state, run_every=2.0 if summary.is_active else None)()
    if summary.is_synthetic:
        st.sidebar.badge("Synthetic data", icon=":material/science:", color="violet")


def _draw_run_state() -> None:
    """Say what the chosen run does; once it has ended, all pages are drawn anew."""
    summary = chosen_run()
    if summary is None:
        return
    st.caption(f"{STATE_ICONS[summary.state]} {state_in_words(summary)}")
    before = st.session_state.get(LAST_STATE)
    st.session_state[LAST_STATE] = (summary.run_id, summary.is_active)
    if before == (summary.run_id, True) and not summary.is_active:
        st.rerun()


def chosen_run() -> RunSummary | None:
    """Return the chosen run as it is now; None if there is none that can be read."""
    run_id = st.session_state.get(session.RUN)
    summary = None if run_id is None else reads.run_summary(run_id)
    return None if summary is None or summary.state == DAMAGED else summary


def draw_no_run() -> None:
    """Say why there is nothing to see, and lead to where that can be changed."""
    if reads.run_summaries():
        text = "The run cannot be read: it is damaged or was deleted. The page Runs says more."
    else:
        text = "No run to look at yet. Every view reads a training run: start one first."
    st.info(text, icon=":material/info:")
    st.page_link(PAGES / "runs.py", label="Go to Runs", icon=":material/play_circle:")


def draw_heading(title: str, reading_aid: str, summary: RunSummary | None = None) -> None:
    """Draw the page's title and the one line that says how to read it."""
    st.subheader(title, anchor=False)
    if summary is not None and summary.is_synthetic:
        reading_aid = f":violet-badge[Synthetic data] {reading_aid}"
    st.caption(reading_aid)
    if summary is not None and summary.is_multi_label:
        st.caption(f":material/label: {EXACT_MATCH}")


def go_to(page: str) -> None:
    """Go to another page, by the name of its file; of the address the run alone goes along.

    Without naming what goes along Streamlit refuses, as soon as the address holds the value of
    a widget.
    """
    run_id = st.session_state.get(session.RUN)
    st.switch_page(
        PAGES / f"{page}.py", query_params={} if run_id is None else {session.RUN: run_id}
    )


def has_epochs(summary: RunSummary) -> bool:
    """Whether there is anything to see; says so if not."""
    if summary.epoch > 0:
        return True
    if summary.is_active:
        st.info(
            "The first epoch is not complete yet. This page fills as soon as it is.",
            icon=":material/hourglass_empty:",
        )
    else:
        reason = f" {as_text(summary.error)}" if summary.error else ""
        st.warning(
            f"This run is {summary.state} and has recorded no epoch.{reason} "
            "Choose another run, or start one on the Runs page.",
            icon=":material/warning:",
        )
    return False


def run_title(summary: RunSummary) -> str:
    """Name a run for people, what tells runs apart first: its name, dataset, when, network."""
    when = datetime.fromisoformat(summary.created).replace(tzinfo=UTC).astimezone()
    named = f"{summary.name} · " if summary.name else ""
    return f"{named}{summary.dataset} · {when:%d %b %H:%M} · {summary.model}"


def run_titles(summaries: Mapping[str, RunSummary]) -> dict[str, str]:
    """Name every run so that no two names are alike: the browser tells runs apart by them."""
    titles = {run_id: run_title(summary) for run_id, summary in summaries.items()}
    common = {title for title, n in Counter(titles.values()).items() if n > 1}
    for run_id, summary in summaries.items():
        if titles[run_id] in common:
            seed = "average" if "-ensemble-" in run_id else f"seed {summary.seed}"
            # First what tells them apart: the picker is narrow.
            titles[run_id] = f"{seed} · {titles[run_id]} · {run_id}"
    return titles


def state_in_words(summary: RunSummary) -> str:
    """Say what a run is doing."""
    progress = f"{summary.epoch} of {summary.epochs} epochs"
    if summary.state == "running" and summary.epoch == summary.epochs:
        return f"trained, now making the {summary.step or 'map'}"
    if summary.is_active:
        return f"{summary.state}, {progress}{remaining(summary)}"
    return f"{summary.state}, {progress}" if summary.epoch != summary.epochs else summary.state


def remaining(summary: RunSummary) -> str:
    """Say how long a run still takes, roughly."""
    seconds = summary.eta_seconds
    if seconds is None or summary.state != "running" or summary.epoch == summary.epochs:
        return ""
    return f", about {time_in_words(seconds)} left"
