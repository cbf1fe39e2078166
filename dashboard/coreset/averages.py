"""Which reading of "multiple independent runs" a coreset goes by."""

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from coreset_lib.selection import AVERAGES, goes_by_score
from dashboard import reads

HELP = (
    "“Multiple independent runs” can be read in two ways: average the errors of each epoch and "
    "score that (an ensemble does), or average the scores of the runs. A noise cut and features "
    "stay those of the run that is shown. A comparison scores one run, so that this choice cannot "
    "be carried to Benchmark."
)


def draw_average(summary: RunSummary, strategy: str) -> dict[str, str]:
    """Draw the choice where there are runs of other seeds, and return what is not usual."""
    n_runs = reads.count_repetitions(summary.folder, summary.state)
    if n_runs < 2 or not goes_by_score(strategy):
        return {}
    is_ensemble = bool(reads.manifest_of(summary.folder).members)
    titles = {
        "errors": "the errors averaged, as this run has them" if is_ensemble else "this run alone",
        "scores": f"the mean score of {'its' if is_ensemble else 'the'} {n_runs} runs",
    }
    chosen = st.selectbox(
        "Several runs",
        AVERAGES,
        format_func=titles.__getitem__,
        key="average",
        bind="query-params",
        persist_state="session",
        help=HELP,
    )
    return {"average": chosen} if chosen == "scores" else {}
