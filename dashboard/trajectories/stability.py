"""How stable a rank is over runs that differ in their seed only."""

import numpy as np
import streamlit as st

from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import RankStability, overlaps
from dashboard import reads
from dashboard.shared.downloads import draw_table_download
from dashboard.shared.text import range_in_percent

N_SHOWN = 100
TITLE = "How stable is this rank?"


def draw_stability(summary: RunSummary, score: ScoreValues) -> None:
    """Draw how far the ranking is the same on other seeds; nothing is computed while closed."""
    with st.expander(TITLE, key="stability", on_change="rerun") as box:
        if not box.open:
            return
        runs = reads.repetitions(summary)
        if len(runs) < 2:
            st.caption(
                "One run tells nothing of chance. Start more runs of the same recipe with other "
                "seeds on the page Runs (More options, Runs); once finished they are compared here."
            )
            return
        found = reads.stability(runs, score.name, tuple(score.options.items()))
        _draw_summary(runs, found)
        _draw_readings(summary, score, found)
        rows = stability_rows(summary, score, found)
        st.dataframe(
            rows[:N_SHOWN],
            hide_index=True,
            height=260,
            alt="In how many runs each sample is among the hardest tenth",
        )
        draw_table_download("stability", rows)


def stability_over_seeds(summary: RunSummary, score: ScoreValues) -> RankStability:
    """Compare a score over the finished runs of the recipe."""
    return reads.stability(reads.repetitions(summary), score.name, tuple(score.options.items()))


def stability_rows(
    summary: RunSummary, score: ScoreValues, found: RankStability
) -> list[dict[str, object]]:
    """Return every sample with both ranks and how often it is among the hardest."""
    samples = reads.read_samples(summary.version)
    order = found.average.order()
    own = score.ranks()
    names, classes = samples["sample_id"].to_numpy(), samples["class_name"].to_numpy()
    return [
        {
            "rank by the mean score": place,
            "rank in this run": int(own[index]),
            "sample": str(names[index]),
            "class": str(classes[index]),
            "mean score": float(found.average.values[index]),
            reads.HARDEST_TENTH: found.in_words(int(index)),
        }
        for place, index in enumerate(order.tolist(), start=1)
    ]


def _draw_summary(runs: list[Run], found: RankStability) -> None:
    """Draw what any two runs agree on."""
    seeds = ", ".join(str(run.manifest.seed) for run in runs)
    n_always = int((found.times_hardest == found.n_runs).sum())
    st.markdown(
        f"{found.n_runs} runs, seeds {seeds}. Of the hardest tenth of one run, "
        f"**{range_in_percent(found.overlaps)}** are in that of another; **{n_always:,} of "
        f"{found.n_hardest:,}** are there in every run. Rank correlation "
        f"{np.nanmean(found.rank_correlations):.2f}."
    )


def _draw_readings(summary: RunSummary, score: ScoreValues, found: RankStability) -> None:
    """Say what it changes to average the scores instead of the errors, where both are there."""
    st.caption(
        "“Multiple independent runs” can be read in two ways: average the errors of each epoch and "
        "score that, or average the scores."
    )
    if not reads.manifest_of(summary.folder).members:
        st.caption(
            "Below: the mean of the scores. Average the runs on the page Runs for the other "
            "reading, and look at this page for that ensemble."
        )
        return
    n = found.n_hardest
    shared = overlaps([score.order()[:n], found.average.order()[:n]])[0]
    st.caption(
        f"This run averages the errors. Its hardest tenth and that of the mean score share "
        f"{100 * shared:.0f} %."
    )
