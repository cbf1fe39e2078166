"""The same score in another run of the same samples."""

import math

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.contrast import Contrast, contrast
from coreset_lib.scores.score import ScoreValues
from dashboard import reads
from dashboard.frame import run_titles
from dashboard.shared.downloads import draw_table_download
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG
from dashboard.trajectories import focus
from dashboard.trajectories.contrast_chart import contrast_figure
from dashboard.trajectories.data_map_chart import clicked_sample

N_SHOWN = 100
TITLE = "Beside another run"
CHART = "contrast"


def draw_other_run(summary: RunSummary, score: ScoreValues, selected: tuple[int, ...]) -> None:
    """Draw how another run ranks the same samples; nothing is computed while closed."""
    with st.expander(TITLE, key="other-run-box", on_change="rerun") as box:
        if not box.open:
            return
        others = {other.run_id: other for other in reads.runs_of_the_same_samples(summary)}
        if not others:
            st.caption(
                "No other run was trained on these samples. Train another network, other labels or "
                "another seed on this dataset, and compare here what each finds hard."
            )
            return
        titles = run_titles(others)
        chosen = st.selectbox(
            "Other run",
            list(others),
            format_func=lambda run_id: titles[run_id],
            key="other-run",
            persist_state="session",
        )
        _draw(summary, others[chosen], score, selected)


def contrast_rows(
    summary: RunSummary, found: Contrast, first: ScoreValues, second: ScoreValues
) -> list[dict[str, object]]:
    """Return every sample with both ranks, those first on which the runs differ most."""
    samples = reads.read_samples(summary.version)
    names, classes = samples["sample_id"].to_numpy(), samples["class_name"].to_numpy()
    return [
        {
            "sample": str(names[index]),
            "class": str(classes[index]),
            "rank in this run": int(found.first[index]),
            "rank in the other": int(found.second[index]),
            f"{first.name} in this run": float(first.values[index]),
            f"{second.name} in the other": float(second.values[index]),
        }
        for index in found.farthest().tolist()
    ]


def _draw(
    summary: RunSummary, other: RunSummary, score: ScoreValues, selected: tuple[int, ...]
) -> None:
    """Draw the comparison with one run, or say why there is none."""
    try:
        second = reads.score_values(other.version, score.name, tuple(score.options.items()))
        found = contrast(score, second)
    except CoresetError as error:
        draw_error(f"the other run cannot be ranked like this one: {error}")
        return
    told = found.rank_correlation
    correlation = "not defined" if math.isnan(told) else f"{told:.2f}"
    st.markdown(
        f"Of the hardest tenth here, **{found.n_both:,} of {found.n_hardest:,}** samples are in "
        f"that of the other run (by chance {found.expected_both:,.0f}). Rank correlation "
        f"(Spearman) {correlation}: 1 = the same order, 0 = unrelated."
    )
    ids = reads.read_samples(summary.version)["sample_id"].tolist()
    st.plotly_chart(
        contrast_figure(found, ids, np.array(selected, dtype=np.intp)),
        config=PLOTLY_CONFIG,
        key=CHART,
        alt="Rank of every sample in this run against its rank in the other run",
        on_select=lambda: _focus_on_dot(summary, len(ids)),
        selection_mode="points",
    )
    st.caption(
        "Top right: hard in both. Bottom right: hard here only; top left: hard there only. "
        "Click a dot to look at its image above. "
        f"Score: {as_text(score.name)}, with the windows and options of this page."
    )
    rows = contrast_rows(summary, found, score, second)
    st.dataframe(
        rows[:N_SHOWN],
        hide_index=True,
        height=260,
        alt="Samples on whose rank the two runs differ most",
    )
    draw_table_download("other-run", rows)


def _focus_on_dot(summary: RunSummary, n_samples: int) -> None:
    """Look at the sample whose dot was clicked."""
    sample = clicked_sample(st.session_state.get(CHART), n_samples)
    if sample is not None:
        focus.focus_on(summary.run_id, sample)
